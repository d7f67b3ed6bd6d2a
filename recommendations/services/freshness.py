"""Whether the model that serves still fits: it may be too old, or the catalogue has moved on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from recommendations.models import Catalogue, Interaction, RankingModel
from recommendations.services.fitting import LEAST_NEWS

# A model is fitted every day where something happens: after this one is missing.
STALE_AFTER = timedelta(days=3)
DAYS = 7
DRIFT_ALARM = 0.2
# Of fewer events a share says nothing.
LEAST_EVENTS = 50


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the model is, and the shares of items and of newest events that it never saw."""

    fitted_at: datetime
    news: bool
    new_items: float
    new_events: float

    @property
    def age(self) -> timedelta:
        return timezone.now() - self.fitted_at

    @property
    def stale(self) -> bool:
        return self.news and self.age > STALE_AFTER

    @property
    def drifted(self) -> bool:
        return max(self.new_items, self.new_events) > DRIFT_ALARM

    @property
    def new_items_percent(self) -> float:
        return 100 * self.new_items

    @property
    def new_events_percent(self) -> float:
        return 100 * self.new_events


def model_freshness() -> Freshness | None:
    """None before the first model."""
    newest = RankingModel.objects.newest_first().first()
    champion = RankingModel.objects.champion()
    if newest is None or champion is None:
        return None
    size = Catalogue.objects.values_list("next_number", flat=True).first() or 0
    since = timezone.now() - timedelta(days=DAYS)
    recent = Interaction.objects.telling().filter(occurred_at__gte=since)
    count = recent.count()
    unknown = recent.filter(item__number__gte=champion.items).count() if count else 0
    news = Interaction.objects.telling().filter(created_at__gt=newest.created_at)
    return Freshness(
        fitted_at=newest.created_at,
        news=news[:LEAST_NEWS].count() >= LEAST_NEWS,
        new_items=max(0, size - champion.items) / size if size else 0.0,
        new_events=unknown / count if count >= LEAST_EVENTS else 0.0,
    )
