"""How often what was shown was chosen, with honest intervals."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from recommendations.models import Interaction, Recommendation, Scenario

Z = 1.96


@dataclass(frozen=True, slots=True)
class ScenarioRate:
    """Answers of a scenario, those in which something was chosen, those that led to a purchase."""

    scenario: Scenario | None
    answers: int
    chosen: int
    bought: int

    @property
    def clicks(self) -> "Share":
        return Share(self.chosen, self.answers)

    @property
    def purchases(self) -> "Share":
        return Share(self.bought, self.answers)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, in percent."""

    part: int
    whole: int

    @property
    def percent(self) -> float:
        return 100 * self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %."""
        low, high = wilson(self.part, self.whole)
        return 100 * low, 100 * high


def wilson(chosen: int, shown: int) -> tuple[float, float]:
    """The score interval of a share (Wilson, 1927), at 95 %."""
    if not shown:
        return 0.0, 1.0
    share = chosen / shown
    wide = 1 + Z * Z / shown
    middle = (share + Z * Z / (2 * shown)) / wide
    half = Z * math.sqrt(share * (1 - share) / shown + Z * Z / (4 * shown * shown)) / wide
    return max(0.0, middle - half), min(1.0, middle + half)


def scenario_rates(*, since: datetime) -> list[ScenarioRate]:
    """Every scenario's answers since then; those without a scenario come last."""
    answers = Recommendation.objects.filter(created_at__gte=since)
    shown = dict(answers.values_list("scenario").annotate(n=Count("pk")))
    events = Interaction.objects.filter(occurred_at__gte=since, recomm_id__isnull=False)
    chosen = answered(answers, events.telling())
    bought = answered(answers, events.filter(type=Interaction.Type.PURCHASE))
    known = {scenario.pk: scenario for scenario in Scenario.objects.filter(pk__in=shown)}
    rows = [
        ScenarioRate(known.get(pk), n, chosen.get(pk, 0), bought.get(pk, 0))
        for pk, n in shown.items()
    ]
    return sorted(rows, key=lambda row: (row.scenario is None, str(row.scenario)))


def answered(answers: QuerySet[Any], events: QuerySet[Any]) -> dict[UUID | None, int]:
    """How many answers of each scenario some of the events refer to."""
    found = answers.filter(pk__in=events.values("recomm_id"))
    return dict(found.values_list("scenario").annotate(n=Count("pk")))
