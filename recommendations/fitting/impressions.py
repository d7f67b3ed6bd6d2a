"""What was shown and what of it was chosen: the log of answers joined with their events."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import numpy as np

from recommendations.models import Interaction, Recommendation
from recommendations.ranking.arrays import IdMap
from recommendations.ranking.ranker_training import ImpressionLog
from recommendations.ranking.sources.taste import Seen

# The newest events that name an answer; what an older model said of items means something else.
MOST_EVENTS = 200_000
CHUNK = 5_000
Type = Interaction.Type


@dataclass(slots=True)
class Reaction:
    """What is known of one answer: numbers of items that were seen, and those that were chosen."""

    seen: set[int] = field(default_factory=set)
    chosen: set[int] = field(default_factory=set)


class Impression(NamedTuple):
    """One item that somebody saw at a place of an answer."""

    answer: UUID
    person: UUID | None
    item: int
    position: int
    clicked: bool
    features: Mapping[str, float]
    time: float


@dataclass(frozen=True, slots=True)
class Impressions:
    """All that was seen, the oldest answers first."""

    rows: list[Impression]

    @property
    def clicks(self) -> int:
        return sum(row.clicked for row in self.rows)

    def before(self, time: float) -> "Impressions":
        """Those of answers before a moment (unix seconds)."""
        return Impressions([row for row in self.rows if row.time < time])

    def log(self) -> ImpressionLog:
        """For the ranker."""
        names = tuple(sorted({name for row in self.rows for name in row.features}))
        column = {name: place for place, name in enumerate(names)}
        features = np.zeros((len(self.rows), len(names)))
        for place, row in enumerate(self.rows):
            for name, value in row.features.items():
                features[place, column[name]] = value
        answers = IdMap(row.answer for row in self.rows)
        return ImpressionLog(
            names,
            features,
            np.array([row.position for row in self.rows], np.int64),
            np.array([row.clicked for row in self.rows], np.bool_),
            answers.indexes(row.answer for row in self.rows),
        )

    def seen(self) -> Seen:
        """For kinds of taste: what known people saw."""
        rows = [row for row in self.rows if row.person is not None]
        persons = IdMap(row.person for row in rows)
        return Seen(
            persons.indexes(row.person for row in rows),
            np.array([row.item for row in rows], np.int64),
            np.array([row.clicked for row in rows], np.bool_),
        )


def load_impressions() -> Impressions:
    """The newest ones of the workspace in scope."""
    found = reactions()
    rows: list[Impression] = []
    answers = Recommendation.objects.filter(pk__in=found).order_by("created_at", "pk")
    for answer in answers.iterator(chunk_size=CHUNK):
        rows += shown_of(answer, found[answer.pk])
    return Impressions(rows)


def reactions() -> dict[UUID, Reaction]:
    """By answer; answers that no event names are left out, for perhaps nobody saw them."""
    found: dict[UUID, Reaction] = defaultdict(Reaction)
    events = Interaction.objects.filter(recomm_id__isnull=False).order_by("-occurred_at")
    columns = ("recomm_id", "item__number", "type")
    for answer, number, kind in events.values_list(*columns)[:MOST_EVENTS]:
        if kind == Type.IMPRESSION:
            found[answer].seen.add(number)
        elif kind not in Interaction.SILENT:
            found[answer].chosen.add(number)
    return found


def shown_of(answer: Recommendation, reaction: Reaction) -> Iterator[Impression]:
    """The items of an answer that were seen: as was told, or where nothing was told, all."""
    time = answer.created_at.timestamp()
    for position, (number, features) in enumerate(zip(answer.items, answer.features, strict=False)):
        clicked = number in reaction.chosen
        if clicked or number in reaction.seen or not reaction.seen:
            yield Impression(answer.pk, answer.person_id, number, position, clicked, features, time)
