"""A brief's page: its variants side by side, as they are written and afterwards."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from generation.models import Brief
from generation.models.briefs import MAX_VARIANTS
from generation.services import variants_add
from generation.views.base import PortalRequest, attempt, author, go, page
from generation.views.cards import Card
from tenants.access import role_required

BRIEFS = ("brand", "audience", "batch", "created_by")


@require_GET
def brief(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Brief.objects.select_related(*BRIEFS), pk=pk)
    return page(request, "brief", brief_context(found))


def brief_context(brief: Brief) -> dict[str, Any]:
    variants = brief.variants.prefetch_related("contents")
    cards = [Card(variant, brief) for variant in variants]
    return {
        "brief": brief,
        "kind": brief.form,
        "cards": cards,
        "writing": any(not card.variant.finished for card in cards),
        "room_left": MAX_VARIANTS - len(cards),
    }


@require_POST
@role_required("editor")
def brief_more(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Have more variants of the same brief written."""
    found = get_object_or_404(Brief, pk=pk)
    count = request.POST.get("count", "")
    wanted = int(count) if count.isascii() and count.isdigit() else 1
    attempt(request, lambda: variants_add(brief=found, count=wanted, author=author(request)))
    return go(request, "brief", pk)
