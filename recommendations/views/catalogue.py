"""The catalogue: what can be shown, found by words, hidden and shown again."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from recommendations.models import Item, ItemCounts
from recommendations.services.answers import Ask, recommend
from recommendations.services.catalogue import ItemData, items_write
from tenants.access import role_required
from tenants.portal import PortalRequest, go, rendered

PAGE_SIZE = 40
SIMILAR = 6


@require_GET
def item_list(request: PortalRequest, slug: str) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:200]
    found = Item.objects.search(words).order_by("-version", "number")
    context = {
        "q": words,
        "page_obj": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "any": bool(words) or Item.objects.exists(),
        "origin": settings.PUBLIC_URL,
        "can_change": request.membership.may("editor"),
    }
    name = "_items" if request.htmx else "item_list"
    return rendered(request, f"recommendations/{name}.html", context)


@require_GET
def item_page(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """One item, what people did with it, and what goes with it."""
    item = get_object_or_404(Item, pk=pk)
    answer = recommend(ask=Ask(count=SIMILAR, item=item, explain=True))
    context = {
        "item": item,
        "counts": ItemCounts.objects.filter(item=item).first(),
        "similar": answer.shown,
        "can_change": request.membership.may("editor"),
    }
    return rendered(request, "recommendations/item.html", context)


@require_POST
@role_required("editor")
def item_visibility(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Hide the item from all answers, or show it again."""
    item = get_object_or_404(Item, pk=pk)
    hidden = not item.hidden
    items_write(items=[ItemData(item.key, {"hidden": hidden})])
    done = _("“%s” is hidden from all answers.") if hidden else _("“%s” can be shown again.")
    messages.success(request, done % item)
    return go(request, "recommend-item", item.pk)
