"""How the recommender does: what there is to show, who was shown what, and what came of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from recommendations.models import Interaction, Item, Person, RankingModel, Recommendation
from recommendations.services.fitting import fitting_last, fitting_request
from recommendations.services.rates import scenario_rates
from tenants.access import role_required
from tenants.portal import PortalRequest, attempt, go, rendered

DAYS = 7
LABELS = {
    "blend": _("All of them, weighed"),
    "sequence": _("What comes next, learnt from whole visits"),
    "transitions": _("What others went on to"),
    "item_to_item": _("What the same people look at"),
    "text": _("What reads alike"),
    "popular": _("What most people look at"),
    "trending": _("What is looked at more than usual"),
    "newest": _("What is new"),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """A source's share of newest visits in which the next item stood among ten."""

    label: str
    hit_rate: float
    ndcg: float
    best: bool

    @property
    def percent(self) -> float:
        return 100 * self.hit_rate


@require_GET
def recommend_home(request: PortalRequest, slug: str) -> HttpResponse:
    since = timezone.now() - timedelta(days=DAYS)
    champion = RankingModel.objects.champion()
    events = Interaction.objects.filter(occurred_at__gte=since)
    context: dict[str, Any] = {
        "items": Item.objects.count(),
        "persons": Person.objects.present().count(),
        "events": events.aggregate(
            all=Count("pk"), clicks=Count("pk", filter=Q(recomm_id__isnull=False))
        ),
        "answers": Recommendation.objects.filter(created_at__gte=since).count(),
        "rates": scenario_rates(since=since),
        "champion": champion,
        "quality": quality(champion),
        "last_fit": fitting_last(),
        "days": DAYS,
        "can_change": request.membership.may("editor"),
        "origin": settings.PUBLIC_URL,
    }
    return rendered(request, "recommendations/home.html", context)


def quality(champion: RankingModel | None) -> list[Quality]:
    """What was measured on the newest days, the best first."""
    if champion is None:
        return []
    measured = champion.metrics.get("sources", {})
    most = max((each["hit_rate"] for each in measured.values()), default=0.0)
    rows = [
        Quality(
            str(LABELS.get(name, name)), each["hit_rate"], each["ndcg"], each["hit_rate"] == most
        )
        for name, each in measured.items()
    ]
    return sorted(rows, key=lambda row: -row.hit_rate)


@require_POST
@role_required("editor")
def recommend_fit(request: PortalRequest, slug: str) -> HttpResponse:
    """Fit the ranking model anew, in the background."""
    attempt(request, fitting_request)
    return go(request, "recommend")
