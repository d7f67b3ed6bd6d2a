"""Whom to show an item to, and who resembles somebody: people by what they did lately."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from django.db.models import Q

from recommendations.models import Item, Person, Transition
from recommendations.serving.store import models
from recommendations.serving.trained import TrainedModel

# So many items next to the one in question say who may like it; so many people are looked at.
NEAR = 50
LOOKED_AT = 5_000
# How fast an event's say fades towards older ones of the same person.
RECENCY = 0.9
# A likeness of texts counts so much beside what people did.
TEXT = 0.3


@dataclass(frozen=True, slots=True)
class ScoredPerson:
    """Somebody and how well they fit, from 0 to 1 of the best."""

    person: Person
    score: float


def persons_for_item(*, item: Item, count: int) -> list[ScoredPerson]:
    """The people whom the item suits best, by what they did lately; the best first."""
    near = related_items(item, models.get().current())
    return best(interested(near), near, count)


def persons_like(*, person: Person, count: int) -> list[ScoredPerson]:
    """The people who dealt with the same items lately; the best first."""
    near = dict.fromkeys(person.recent_items, 1.0)
    rows = (other for other in interested(near) if other.pk != person.pk)
    return best(rows, near, count)


def related_items(item: Item, model: TrainedModel) -> dict[int, float]:
    """How much an interest in other items says about this one, by number; its own is 1."""
    found: dict[int, float] = defaultdict(float)
    for number, share in (*followed(item), *neighbours(item, model), *similar_texts(item, model)):
        found[number] += share
    most = max(found.values(), default=1.0)
    strongest = sorted(found, key=lambda number: -found[number])[:NEAR]
    return {number: found[number] / most for number in strongest} | {item.number: 1.0}


def followed(item: Item) -> Iterable[tuple[int, float]]:
    """Items from which people went on to this one, or from this one to them; shares of all."""
    rows = Transition.objects.filter(Q(source=item.number) | Q(target=item.number), count__gt=0)
    counts = list(rows.order_by("-count").values_list("source", "target", "count")[:NEAR])
    total = sum(count for _, _, count in counts)
    for source, target, count in counts:
        yield (target if source == item.number else source), count / total


def neighbours(item: Item, model: TrainedModel) -> Iterable[tuple[int, float]]:
    """Items that the same people deal with, as they were fitted."""
    known = model.neighbours
    if known is None or item.number >= len(known.items):
        return
    for number, score in zip(known.items[item.number], known.scores[item.number], strict=True):
        if number >= 0:
            yield int(number), float(score)


def similar_texts(item: Item, model: TrainedModel) -> Iterable[tuple[int, float]]:
    """Items that read alike."""
    if model.vectors is None or item.number >= len(model.vectors):
        return
    cosines = np.asarray(model.vectors @ model.vectors[item.number], dtype=np.float64)
    cosines[item.number] = 0.0
    for number in np.argsort(-cosines)[:NEAR]:
        if cosines[number] > 0:
            yield int(number), TEXT * float(cosines[number])


def interested(near: Mapping[int, float]) -> Iterable[Person]:
    """People who dealt with any of the items lately, those seen last first."""
    rows = Person.objects.present().filter(recent_items__overlap=list(near))
    found: Iterable[Person] = rows.order_by("-last_seen_at")[:LOOKED_AT]
    return found


def best(persons: Iterable[Person], near: Mapping[int, float], count: int) -> list[ScoredPerson]:
    """The people with the greatest share of related items among their newest events."""
    scores = {person: interest(person, near) for person in persons}
    most = max(scores.values(), default=1.0)
    first = sorted(scores, key=lambda person: (-scores[person], person.key))[:count]
    return [ScoredPerson(person, scores[person] / most) for person in first]


def interest(person: Person, near: Mapping[int, float]) -> float:
    """How much of what somebody did lately is about these items."""
    events = [(number, weight) for _, number, weight in reversed(person.recent())]
    weights = [weight * RECENCY**place for place, (_, weight) in enumerate(events)]
    related = sum(
        weight * near.get(number, 0.0) for weight, (number, _) in zip(weights, events, strict=True)
    )
    norm = float(np.linalg.norm(weights))
    return related / norm if norm else 0.0
