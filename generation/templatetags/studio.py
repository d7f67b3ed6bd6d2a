"""How the studio's pages name and show things."""

from typing import Any

from django import template
from django.utils.translation import gettext

from generation import kinds
from generation.kinds.kind import Kind

register = template.Library()

STATUS_BADGES = {"draft": "", "in_review": "info", "approved": "success", "published": "accent"}


@register.filter
def translated(text: str) -> str:
    """A plain English string of a kind of copy, in the reader's language."""
    return gettext(text) if text else ""


@register.filter
def kind(name: str) -> Kind | None:
    """The kind of copy with this name; none for one that is no longer there."""
    return kinds.load(name) if name in kinds.KINDS else None


@register.filter
def badge(status: str) -> str:
    """The colour of a status."""
    return STATUS_BADGES.get(status, "")


@register.filter
def part(data: dict[str, Any], name: str) -> Any:
    """A part of a text, by its name."""
    return data.get(name, "")
