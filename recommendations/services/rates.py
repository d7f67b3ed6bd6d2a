"""How often what was shown was chosen, with honest intervals."""

import math
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from recommendations.models import Interaction, Recommendation, Scenario

Z = 1.96


@dataclass(frozen=True, slots=True)
class ScenarioRate:
    """Answers of a scenario, and the share of them in which something was chosen."""

    scenario: Scenario | None
    answers: int
    chosen: int

    @property
    def rate(self) -> float:
        return self.chosen / self.answers if self.answers else 0.0

    @property
    def percent(self) -> float:
        return 100 * self.rate

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %, in percent."""
        low, high = wilson(self.chosen, self.answers)
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
    clicks = Interaction.objects.filter(occurred_at__gte=since, recomm_id__isnull=False).telling()
    answered = answers.filter(pk__in=clicks.values("recomm_id"))
    chosen = dict(answered.values_list("scenario").annotate(n=Count("pk")))
    known = {scenario.pk: scenario for scenario in Scenario.objects.filter(pk__in=shown)}
    rows = [ScenarioRate(known.get(pk), n, chosen.get(pk, 0)) for pk, n in shown.items()]
    return sorted(rows, key=lambda row: (row.scenario is None, str(row.scenario)))
