"""How the studio's pages name and show things."""

from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from generation import kinds
from generation.kinds.kind import Kind
from generation.models import Brand
from generation.presentation.calls import Calls
from generation.presentation.marks import to_marks

register = template.Library()

GENERATE = "generate"
STATUS_BADGES = {"draft": "", "in_review": "info", "approved": "success", "published": "accent"}


@register.filter
def translated(text: str) -> str:
    """A plain English string of a kind of copy, in the reader's language."""
    return gettext(text) if text else ""


@register.filter
def kind(name: str) -> Kind | None:
    """The kind of copy with this name; none for one that is no longer there."""
    return kinds.load(name) if name in kinds.KINDS else None


@register.simple_tag
def first_call(secret: str, scopes: list[str]) -> str:
    """A call to paste into a terminal, with a key that was just made; what it may do decides."""
    brand = Brand.objects.order_by("-is_default", "name").first()
    calls = Calls("curl", settings.PUBLIC_URL, brand, secret)
    return f"{calls['key']}\n{calls['first' if GENERATE in scopes else 'me']}"


@register.filter(is_safe=True)
def marks(html: str, severities: list[str]) -> SafeString:
    """A drawn text whose findings become marks."""
    return to_marks(html, severities, "")


@register.filter
def badge(status: str) -> str:
    """The colour of a status."""
    return STATUS_BADGES.get(status, "")


@register.filter
def part(data: dict[str, Any], name: str) -> Any:
    """A part of a text, by its name."""
    return data.get(name, "")
