"""Which of several variants of one thing to show to whom, and what is known of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone

from recommendations.models import Item, Person, Recommendation
from recommendations.outcomes import variant_outcomes
from recommendations.ranking.bandit import Arm, Decision, chances, choose, decide, interval
from recommendations.serving.store import TenantCache
from saas.errors import NotFound
from tenants.billing.readings import record, require_credits

# Half a point is not worth another week.
TOLERANCE = 0.005
COUNTS_EVERY_S = 5.0
LEVEL = 0.95
MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Variant:
    """An item, what came of showing it, and the rates that may be true at every look at once."""

    item: Item
    arm: Arm
    low: float
    high: float
    chance: float

    @property
    def percent(self) -> float:
        return 100 * self.arm.rate

    @property
    def interval(self) -> tuple[float, float]:
        return 100 * self.low, 100 * self.high

    @property
    def chance_percent(self) -> float:
        return 100 * self.chance


@dataclass(frozen=True, slots=True)
class VariantReport:
    """The variants in the catalogue's order; `winner` is the one to keep, None while open.

    `equal` says that no other can be better by more than half a point.
    """

    variants: list[Variant]
    winner: Item | None = None
    equal: bool = False


@dataclass(slots=True)
class Counts:
    """What this process has read of a workspace's variants, and when."""

    kept: dict[tuple[str, str | None], tuple[float, dict[int, Arm]]] = field(default_factory=dict)


counts: TenantCache[Counts] = TenantCache(Counts)


def variants_of(group: str) -> list[Item]:
    """Those that may be shown now; raises NotFound where there are none."""
    now = timezone.now()
    rows = Item.objects.filter(variant_of=group).order_by("number")
    found = [item for item in rows if item.available(now)]
    if not group or not found:
        raise NotFound
    return found


def arms_of(group: str, items: Sequence[Item], audience: str | None) -> list[Arm]:
    """How often each was shown to somebody and chosen; at most some seconds old."""
    kept = counts.get().kept
    at, arms = kept.get((group, audience), (-COUNTS_EVERY_S, {}))
    if time.monotonic() - at >= COUNTS_EVERY_S:
        read = variant_outcomes(group, items, audience)
        arms = {number: Arm(seen, chosen) for number, seen, chosen in read}
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[group, audience] = (time.monotonic(), arms)
    return [arms.get(item.number, Arm()) for item in items]


def decided(arms: Sequence[Arm]) -> Decision:
    return decide(arms, LEVEL, TOLERANCE)


@transaction.atomic
def variant_choose(
    *, group: str, person: Person | None = None, session: str = "", audience: str = ""
) -> Recommendation:
    """Log and return an answer of one item: the winner, or while that is open, each variant as
    often as it may be the best (Thompson sampling). Raises NotFound and InsufficientCredits."""
    require_credits()
    items = variants_of(group)
    arms = arms_of(group, items, audience)
    decision = decided(arms)
    place = decision.winner
    if place is None:
        place = choose(arms, np.random.default_rng())
    answer: Recommendation = Recommendation.objects.create(
        person=person,
        session=session,
        variant_of=group,
        audience=audience,
        items=[items[place].number],
        scores=[1.0],
        sources=["variants"],
    )
    record("recommendations")
    return answer


def variant_report(*, group: str, audience: str | None = None) -> VariantReport:
    """What is known now; looking often makes no interval wrong. None is everybody."""
    items = variants_of(group)
    arms = arms_of(group, items, audience)
    likely = chances(arms, np.random.default_rng(0))
    each = 1 - (1 - LEVEL) / len(arms)
    variants = [
        Variant(item, arm, *interval(arm, each), float(chance))
        for item, arm, chance in zip(items, arms, likely, strict=True)
    ]
    decision = decided(arms) if len(arms) > 1 else Decision(None)
    winner = None if decision.winner is None else items[decision.winner]
    return VariantReport(variants, winner, decision.equal)


def variant_groups() -> list[Any]:
    """What has several variants, and how many."""
    groups = Item.objects.exclude(variant_of="").filter(hidden=False)
    counted = groups.values("variant_of").annotate(count=Count("pk"), title=Min("title"))
    return list(counted.filter(count__gt=1).order_by("title"))


def audiences_of(group: str) -> list[str]:
    """The audiences that somebody asked for."""
    found = Recommendation.objects.filter(variant_of=group).exclude(audience="")
    return sorted(set(found.values_list("audience", flat=True)))
