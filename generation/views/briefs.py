"""A brief's page: its variants side by side, as they are written and afterwards."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from generation.models import Brief
from generation.services import variants_add
from generation.services.briefs import most_variants
from generation.views.cards import Card
from generation.views.pages import PortalRequest, attempt, go, page
from tenants.access import role_required

BRIEFS = ("brand", "audience", "batch", "created_by")


@require_GET
def brief(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Brief.objects.select_related(*BRIEFS), pk=pk)
    return page(request, "brief", brief_context(found))


def brief_context(brief: Brief) -> dict[str, Any]:
    variants = brief.variants.select_related("job").prefetch_related("contents")
    cards = Card.all(variants, brief)
    room_left = max(0, most_variants() - len(cards))
    return {
        "brief": brief,
        "kind": brief.kind_spec,
        "answers": list(answers(brief)),
        "cards": cards,
        "writing": any(not card.variant.finished for card in cards),
        "room_left": room_left,
        "more_counts": range(1, min(room_left, 3) + 1),
    }


def answers(brief: Brief) -> Iterator[tuple[str, str]]:
    """What was asked for, question by question."""
    for question in brief.kind_spec.fields:
        value = brief.fields.get(question.name)
        if value not in (None, "", []):
            yield gettext(question.label), "\n".join(value) if isinstance(value, list) else value


@require_POST
@role_required("editor")
def brief_more(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Have more variants of the same brief written."""
    found = get_object_or_404(Brief, pk=pk)
    count = request.POST.get("count", "")
    wanted = int(count) if count.isascii() and count.isdigit() else 1
    attempt(request, lambda: variants_add(brief=found, count=wanted))
    return go(request, "brief", pk)
