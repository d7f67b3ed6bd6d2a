"""What the search of the portal (Ctrl K) finds in the studio."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation import kinds
from generation.models import Brand, Brief, Content
from generation.search import fold
from saas.folding import folded, holds
from saas.navigation import Hit

SHOWN = 5


def contents(request: HttpRequest, words: str) -> Iterator[Hit]:
    found = Content.objects.live().search(words).order_by("-updated_at")[:SHOWN]
    for content in found:
        yield Hit(content.title, content.get_status_display(), "library", address(request, content))


def briefs(request: HttpRequest, words: str) -> Iterator[Hit]:
    found: Any = Brief.objects.alias(plain=fold("title"))
    for word in folded(words).split():
        found = found.filter(plain__contains=word)
    for brief in found.newest()[:SHOWN]:
        yield Hit(brief.title, _("Brief"), "file-text", address(request, brief))


def brands(request: HttpRequest, words: str) -> Iterator[Hit]:
    fitting = (brand for brand in Brand.objects.all() if holds(brand.name, words))
    for brand, _number in zip(fitting, range(SHOWN), strict=False):
        name, more = ("brand-edit", [brand.pk]) if may_edit(request) else ("brand-list", [])
        yield Hit(brand.name, _("Brand"), "palette", reverse(name, args=[slug_of(request), *more]))


def actions(request: HttpRequest, words: str) -> Iterator[Hit]:
    """What an editor can begin."""
    if not may_edit(request):
        return
    slug = slug_of(request)
    known: list[tuple[Any, str, str, tuple[str, ...]]] = [
        (format_lazy(_("Write: {kind}"), kind=gettext(kind.label)), kind.icon, "brief-new", (name,))
        for name, kind in ((name, kinds.load(name)) for name in kinds.KINDS)
    ]
    known += [
        (_("Write many at once"), "table-2", "batch-new", ()),
        (_("New brand"), "plus", "brand-new", ()),
        (_("New audience"), "plus", "audience-new", ()),
    ]
    for label, icon, name, more in known:
        if holds(str(label), words):
            yield Hit(str(label), _("Action"), icon, reverse(name, args=[slug, *more]))


def slug_of(request: HttpRequest) -> str:
    return str(request.tenant.slug)  # type: ignore[attr-defined]


def may_edit(request: HttpRequest) -> bool:
    return bool(request.membership.may("editor"))  # type: ignore[attr-defined]


def address(request: HttpRequest, row: Any) -> str:
    row.tenant = request.tenant  # type: ignore[attr-defined]  # known: no query for each
    return str(row.get_absolute_url())


SEARCHES = (contents, briefs, brands, actions)
