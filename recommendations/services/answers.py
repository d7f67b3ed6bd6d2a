"""Answering: whom to show what, checked against the catalogue as it stands, logged, continued."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from recommendations.errors import AnswerExpired
from recommendations.models import (
    Experiment,
    Interaction,
    Item,
    Person,
    Recommendation,
    Scenario,
)
from recommendations.models.catalogue import RECENT
from recommendations.ranking.arrays import IntArray
from recommendations.ranking.experiments import bucket
from recommendations.services.interactions import weight_of
from recommendations.serving.columns import Columns, forget
from recommendations.serving.pipeline import Chosen, Question, choose
from recommendations.serving.settings import ScenarioSettings
from recommendations.serving.store import catalogues, models
from recommendations.serving.trained import TrainedModel
from recommendations.serving.why import Known, reasons
from saas.errors import NotFound
from tenants.billing.readings import record, require_credits

PAGES_FOR = timedelta(hours=24)
SHOWN_ANSWERS = 10
PASSED_OVER = 200
WEEK = timedelta(days=7)
NO_ITEMS, ALL_FILTERED = "catalogue_empty", "nothing_allowed"


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the one who asks: items by number, oldest first, and unix times."""

    items: list[int]
    weights: list[float]
    times: list[float]

    def since(self, time: float) -> Counter[int]:
        """How often each item was dealt with since then."""
        pairs = zip(self.items, self.times, strict=True)
        return Counter(item for item, at in pairs if at >= time)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as a caller puts it. `own` are settings of this question alone.

    `past` is what a caller tells of the one who asks, in the place of what is known of them.
    `without` are numbers of items that must not come, `only` the ones that may.
    """

    count: int
    person: Person | None = None
    session: str = ""
    item: Item | None = None
    scenario: Scenario | None = None
    own: dict[str, Any] = field(default_factory=dict)
    explain: bool = False
    # Programs pay for answers and clicks refer to them; what the portal looks at is neither
    # charged nor kept.
    metered: bool = False
    past: Past | None = None
    without: frozenset[int] = frozenset()
    only: frozenset[int] | None = None

    @property
    def who(self) -> str:
        """What an experiment tells people apart by."""
        return self.person.key if self.person else self.session

    def stored(self) -> dict[str, Any]:
        return {"item": self.item.key if self.item else "", "own": self.own}


@dataclass(frozen=True, slots=True)
class Shown:
    """One item of an answer."""

    item: Item
    score: float
    source: str
    contributions: dict[str, float]
    features: dict[str, float]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The items in their order, the entry of the log, and why there are none if so."""

    recommendation: Recommendation
    shown: list[Shown]
    reason: str = ""


@transaction.atomic
def recommend(*, ask: Ask, page_of: Recommendation | None = None) -> Answer:
    """Answer a question and log the answer.

    Raises Invalid for settings and rules out of order, and InsufficientCredits.
    """
    if ask.metered:
        require_credits()
    now = timezone.now()
    arm, settings = settings_of(ask)
    past = past_of(ask)
    columns, model = catalogues.get().fresh(), models.get().current()
    question = Question(
        settings=settings,
        count=ask.count,
        now=now.timestamp(),
        history=np.array(past.items, np.int64),
        weights=np.array(past.weights, np.float64),
        skipped=passed_over(ask, past, model),
        item=ask.item,
        excluded=frozenset(excluded(ask, settings, page_of)),
        only=ask.only,
        shown=shown_before(ask, settings, now),
        seed=zlib.crc32(f"{ask.who}{now.timestamp()}".encode()),
    )
    chosen = choose(question, columns, model)
    shown = still_there(chosen, columns, ask, now)
    if ask.explain:
        shown = with_reasons(shown, ask.item, past, model, now)
    entry = logged(ask, shown, page_of=page_of, arm=arm, model=model)
    if ask.metered:
        record("recommendations")
    return Answer(entry, shown, "" if shown else why_empty(columns))


def recommend_next(*, recomm_id: UUID, count: int) -> Answer:
    """The next page of an answer: the same question, without what was shown already."""
    entry = Recommendation.objects.select_related("person", "scenario").filter(pk=recomm_id).first()
    if entry is None:
        raise NotFound
    first = entry.page_of or entry
    if timezone.now() - first.created_at > PAGES_FOR:
        raise AnswerExpired
    key = first.question.get("item", "")
    ask = Ask(
        count=count,
        person=entry.person,
        session=entry.session,
        item=Item.objects.filter(key=key).first() if key else None,
        scenario=entry.scenario,
        own=first.question.get("own", {}),
        metered=True,
    )
    return recommend(ask=ask, page_of=first)


def settings_of(ask: Ask) -> tuple[str, ScenarioSettings]:
    """The scenario's settings, or those of the experiment's arm that the asker is in."""
    if ask.scenario is None:
        return "", ScenarioSettings().with_(**ask.own)
    experiment = running_experiment(ask.scenario)
    if experiment is None or not ask.who:
        return "", ScenarioSettings.of(ask.scenario.settings).with_(**ask.own)
    arm = experiment.arm(bucket(str(experiment.pk), ask.who, experiment.shares()))
    return arm["name"], ScenarioSettings.of(arm["settings"]).with_(**ask.own)


def running_experiment(scenario: Scenario) -> Experiment | None:
    found: Experiment | None = scenario.experiments.filter(state=Experiment.State.RUNNING).first()
    return found


def past_of(ask: Ask) -> Past:
    """The person's newest events, or the session's where nobody is known."""
    if ask.past is not None:
        return ask.past
    if ask.person is not None:
        person = ask.person
        return Past(person.recent_items, person.recent_weights, person.recent_times)
    if not ask.session:
        return Past([], [], [])
    rows = list(
        Interaction.objects.filter(session=ask.session)
        .telling()
        .select_related("item")
        .order_by("-occurred_at")[:RECENT]
    )
    rows.reverse()
    return Past(
        [row.item.number for row in rows],
        [weight_of(row) for row in rows],
        [row.occurred_at.timestamp() for row in rows],
    )


def passed_over(ask: Ask, past: Past, model: TrainedModel) -> IntArray:
    """Numbers of items that were shown to the person and not chosen, where a model asks for it."""
    if model.taste is None or ask.person is None:
        return np.empty(0, np.int64)
    shown = ask.person.interactions.filter(type=Interaction.Type.IMPRESSION)
    newest = shown.order_by("-occurred_at").values_list("item__number", flat=True)[:PASSED_OVER]
    numbers = np.array(newest, np.int64)
    return numbers[~np.isin(numbers, past.items)]


def excluded(ask: Ask, settings: ScenarioSettings, page_of: Recommendation | None) -> set[int]:
    """Numbers that must not come: turned down, seen (where the scenario says so), shown above."""
    found = set(ask.without)
    if ask.person:
        found |= set(ask.person.dismissed)
    if settings.filter_seen and ask.person:
        seen = ask.person.interactions.telling().values_list("item__number", flat=True)
        found |= set(seen.distinct())
    if page_of is not None:
        found |= set(page_of.items)
        for items in page_of.pages.values_list("items", flat=True):
            found |= set(items)
    return found


def shown_before(ask: Ask, settings: ScenarioSettings, now: datetime) -> dict[int, float]:
    """How many seconds ago the person was shown an item last."""
    if not settings.rotation_rate or ask.person is None:
        return {}
    answers = Recommendation.objects.shown_to(ask.person, SHOWN_ANSWERS)
    ages: dict[int, float] = {}
    for items, at in answers.values_list("items", "created_at"):
        for number in items:
            ages.setdefault(number, (now - at).total_seconds())
    return ages


def still_there(chosen: Sequence[Chosen], columns: Columns, ask: Ask, now: datetime) -> list[Shown]:
    """The first items that the catalogue allows at this very moment."""
    numbers = [each.number for each in chosen]
    rows = Item.objects.numbered(numbers)
    forget(columns, [number for number in numbers if number not in rows])
    kept = one_of_variants(
        [each for each in chosen if each.number in rows and rows[each.number].available(now)], rows
    )
    return [
        Shown(rows[each.number], each.score, each.source, each.contributions, each.features)
        for each in kept[: ask.count]
    ]


def one_of_variants(chosen: Sequence[Chosen], rows: Mapping[int, Item]) -> list[Chosen]:
    """Without all but the best of items that are variants of the same thing."""
    seen: set[str] = set()
    kept = []
    for each in chosen:
        group = rows[each.number].variant_of
        if not group or group not in seen:
            kept.append(each)
        seen.add(group)
    return kept


def with_reasons(
    shown: Sequence[Shown], item: Item | None, past: Past, model: TrainedModel, now: datetime
) -> list[Shown]:
    """The same items, each with a sentence on why it is there; `item` is the one at hand."""
    chosen = [Chosen(each.item.number, each.score, each.contributions) for each in shown]
    known = Item.objects.numbered({*past.items})
    week = past.since((now - WEEK).timestamp())
    history = list(past.items)
    if item is not None:
        history.append(item.number)
        known = {**known, item.number: item}
    told = reasons(chosen, Known(history, week, known, at_hand=item), model)
    return [replace(each, why=why) for each, why in zip(shown, told, strict=True)]


def logged(
    ask: Ask,
    shown: Sequence[Shown],
    *,
    page_of: Recommendation | None,
    arm: str,
    model: TrainedModel,
) -> Recommendation:
    entry = Recommendation(
        person=ask.person,
        scenario=ask.scenario,
        session=ask.session,
        arm=arm,
        question=ask.stored(),
        items=[each.item.number for each in shown],
        scores=[each.score for each in shown],
        sources=[each.source for each in shown],
        features=[each.features for each in shown],
        page_of=page_of,
        model_number=model.number,
    )
    if ask.metered:
        entry.save(force_insert=True)
    return entry


def why_empty(columns: Columns) -> str:
    return ALL_FILTERED if columns.size else NO_ITEMS
