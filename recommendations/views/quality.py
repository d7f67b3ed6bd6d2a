"""How well it guesses the newest days, by which means, and whether that still holds."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from recommendations.models import RankingModel
from recommendations.services.freshness import model_freshness
from tenants.portal import PortalRequest, rendered

MODELS = 10
LABELS = {
    "blend": _("All of them, weighed"),
    "sequence": _("What comes next, learnt from whole visits"),
    "transitions": _("What others went on to"),
    "item_to_item": _("What the same people look at"),
    "text": _("What reads alike"),
    "taste": _("What people of the same taste choose"),
    "popular": _("What most people look at"),
    "trending": _("What is looked at more than usual"),
    "newest": _("What is new"),
    "last_7_days": _("Most looked at in the last 7 days"),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """What a way of choosing finds among ten, and what it shows of the catalogue."""

    label: str
    numbers: dict[str, float]
    best: bool = False

    def percent(self, name: str) -> float:
        return 100 * self.numbers.get(name, 0.0)

    @property
    def hit_rate(self) -> float:
        return self.percent("hit_rate")

    @property
    def coverage(self) -> float:
        return self.percent("coverage")


def quality(champion: RankingModel | None) -> list[Quality]:
    """What was measured on the newest days, the best first."""
    if champion is None:
        return []
    measured = champion.metrics.get("sources", {})
    most = max((each["hit_rate"] for each in measured.values()), default=0.0)
    rows = [
        Quality(str(LABELS.get(name, name)), each, each["hit_rate"] == most)
        for name, each in measured.items()
    ]
    return sorted(rows, key=lambda row: -row.hit_rate)


def left_out(champion: RankingModel | None) -> Quality | None:
    """The other way of measuring: everybody's last item from all the rest."""
    found = champion.metrics.get("leave_one_out") if champion else None
    return Quality(str(LABELS["blend"]), found["blend"]) if found else None


@require_GET
def quality_page(request: PortalRequest, slug: str) -> HttpResponse:
    champion = RankingModel.objects.champion()
    context: dict[str, Any] = {
        "champion": champion,
        "quality": quality(champion),
        "left_out": left_out(champion),
        "cases": champion.metrics.get("cases", 0) if champion else 0,
        "freshness": model_freshness(),
        "models": RankingModel.objects.newest_first()[:MODELS],
        "can_change": request.membership.may("editor"),
    }
    return rendered(request, "recommendations/quality.html", context)
