"""Recording what people did: once each, in any order, and counted for the very next answer."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from recommendations import counters
from recommendations.counters import Count
from recommendations.errors import EventConflict
from recommendations.models import Interaction, Item, Person
from recommendations.models.catalogue import RECENT
from recommendations.ranking.sources.popularity import growth
from recommendations.ranking.sources.transitions import (
    Event,
    Increment,
    TransitionSettings,
    insertion,
    removal,
)
from recommendations.services.catalogue import BATCH, items_named, persons_locked
from tenants.billing.readings import record

Type = Interaction.Type
# How much each type says about taste; types of the customer's own say as much as a view.
WEIGHTS: dict[str, float] = {
    Type.IMPRESSION: 0.0,
    Type.DISMISS: 0.0,
    Type.VIEW: 1.0,
    Type.CLICK: 1.0,
    Type.LIKE: 2.0,
    Type.COMMENT: 2.0,
    Type.SHARE: 2.5,
    Type.BOOKMARK: 2.0,
    Type.RATING: 2.0,
    Type.CART: 3.0,
    Type.PURCHASE: 5.0,
}
POPULAR_HALF_LIFE_S = 14 * 86_400.0
TRENDING_HALF_LIFE_S = 2 * 86_400.0
TRANSITIONS = TransitionSettings()


@dataclass(frozen=True, slots=True)
class EventData:
    """An event as a caller tells it; person and item by their keys."""

    person: str
    item: str
    type: str
    occurred_at: datetime
    value: float | None = None
    seconds: float | None = None
    session: str = ""
    recomm_id: UUID | None = None
    event_id: str = ""

    def same_as(self, row: Interaction, person: Person, item: Item) -> bool:
        mine = (person.pk, item.pk, self.type, self.occurred_at, self.value)
        return mine == (row.person_id, row.item_id, row.type, row.occurred_at, row.value)


@dataclass(slots=True)
class Recorded:
    """What became of a batch: new events, and those that were known already."""

    accepted: int = 0
    duplicates: int = 0
    unknown: int = 0
    places: list[bool] = field(default_factory=list)


@transaction.atomic
def interactions_record(*, events: Sequence[EventData]) -> Recorded:
    """Store events and count what is new in them. Raises EventConflict.

    The people are locked first: events of one person are counted one after the other, so that
    each finds its neighbours in time. Counts depend on the events alone, not on their order.
    """
    persons = persons_locked(event.person for event in events)
    items, made = items_named(event.item for event in events)
    fresh, report = _sort_out(events, persons, items)
    report.unknown = made
    Interaction.objects.bulk_create((row for row in fresh), batch_size=BATCH)
    by_number = {item.pk: item for item in items.values()}
    counters.add_transitions(list(_transitions(fresh, by_number)))
    counters.add_counts(_counts(fresh, by_number))
    _remember(fresh, by_number)
    if report.accepted:
        record("events", report.accepted)
    return report


def _sort_out(
    events: Sequence[EventData], persons: dict[str, Person], items: dict[str, Item]
) -> tuple[list[Interaction], Recorded]:
    """The rows to store, and which events are new; raises EventConflict."""
    people = {person.pk for person in persons.values()}
    times = [event.occurred_at for event in events]
    near = Interaction.objects.filter(
        person__in=people, occurred_at__gte=min(times), occurred_at__lte=max(times)
    )
    seen = set(near.values_list("person_id", "item_id", "type", "occurred_at"))
    by_id = _by_event_id(events)
    rows, report = [], Recorded()
    for event in events:
        person, item = persons[event.person], items[event.item]
        identity = (person.pk, item.pk, event.type, event.occurred_at)
        if (known := by_id.get(event.event_id)) and not event.same_as(known, person, item):
            raise EventConflict(event_id=event.event_id)
        new = identity not in seen
        seen.add(identity)
        report.places.append(new)
        if new:
            row = _row(event, person, item)
            rows.append(row)
            if event.event_id:
                by_id[event.event_id] = row
    report.accepted = len(rows)
    report.duplicates = len(events) - len(rows)
    return rows, report


def _by_event_id(events: Sequence[EventData]) -> dict[str, Interaction]:
    ids = {event.event_id for event in events if event.event_id}
    if not ids:
        return {}
    return {row.event_id: row for row in Interaction.objects.filter(event_id__in=ids)}


def _row(event: EventData, person: Person, item: Item) -> Interaction:
    return Interaction(
        person=person,
        item=item,
        type=event.type,
        occurred_at=event.occurred_at,
        value=event.value,
        seconds=event.seconds,
        session=event.session,
        recomm_id=event.recomm_id,
        event_id=event.event_id,
    )


def type_weight(kind: str) -> float:
    return WEIGHTS.get(kind, 1.0)


def weight_of(row: Interaction) -> float:
    return type_weight(row.type)


def _transitions(rows: Iterable[Interaction], items: dict[Any, Item]) -> Iterator[Increment]:
    """What the counts of transitions gain by these new rows."""
    of_person: dict[UUID, list[Interaction]] = defaultdict(list)
    for row in rows:
        if weight_of(row):
            of_person[row.person_id].append(row)
    for fresh in of_person.values():
        fresh.sort(key=lambda row: (row.occurred_at, row.pk))
        line = neighbourhood(fresh[0].person, fresh)
        for row in fresh:
            event = Event(items[row.item_id].number, row.occurred_at.timestamp(), weight_of(row))
            place = _place(line, event.time)
            window = TRANSITIONS.window
            before, after = line[max(0, place - window) : place], line[place : place + window]
            yield from insertion(event, before, after, TRANSITIONS)
            line.insert(place, event)


def _place(line: list[Event], time: float) -> int:
    """Behind all events up to that time; new events mostly go to the end."""
    place = len(line)
    while place and line[place - 1].time > time:
        place -= 1
    return place


def neighbourhood(person: Person, fresh: Sequence[Interaction]) -> list[Event]:
    """The person's earlier events around the new ones, oldest first.

    What is kept beside the person is enough where it is all, or where the new events are newer
    than enough of it; else they are looked up.
    """
    line = [Event(number, time, weight) for time, number, weight in person.recent()]
    enough = _place(line, fresh[0].occurred_at.timestamp()) >= TRANSITIONS.window
    if len(line) < RECENT or enough:
        return line
    stored = person.interactions.telling().exclude(pk__in=[row.pk for row in fresh]).in_time()
    rows = stored.values_list("item__number", "occurred_at", "type")
    return [Event(number, at.timestamp(), type_weight(kind)) for number, at, kind in rows]


def _counts(rows: Iterable[Interaction], items: dict[Any, Item]) -> dict[Item, Count]:
    """What the counts of items gain by these rows."""
    found: dict[Item, Count] = defaultdict(Count)
    for row in rows:
        count = found[items[row.item_id]]
        if row.type == Type.IMPRESSION:
            count.impressions += 1
        if weight := weight_of(row):
            time = row.occurred_at.timestamp()
            count.events += 1
            count.clicks += row.type in (Type.CLICK, Type.VIEW)
            count.popular += weight * growth(time, POPULAR_HALF_LIFE_S)
            count.trending += weight * growth(time, TRENDING_HALF_LIFE_S)
    return found


def _remember(rows: Sequence[Interaction], items: dict[Any, Item]) -> None:
    """Bring what is kept beside each person up to date."""
    changed: dict[UUID, Person] = {}
    telling: dict[UUID, list[tuple[float, int, float]]] = defaultdict(list)
    for row in rows:
        person = changed.setdefault(row.person_id, row.person)
        person.last_seen_at = max(person.last_seen_at or row.occurred_at, row.occurred_at)
        number = items[row.item_id].number
        if row.type == Type.DISMISS and number not in person.dismissed:
            person.dismissed = [*person.dismissed, number]
        if weight := weight_of(row):
            telling[row.person_id].append((row.occurred_at.timestamp(), number, weight))
    for pk, events in telling.items():
        changed[pk].remember(events)
    counters.save_persons(changed.values())


@transaction.atomic
def person_forget(*, person: Person) -> None:
    """Delete a person, what they did, and their part in every count."""
    person = Person.objects.filter(pk=person.pk).locked().get()
    rows = list(person.interactions.in_time().select_related("item"))
    items = {row.item_id: row.item for row in rows}
    line = [
        Event(row.item.number, row.occurred_at.timestamp(), weight_of(row))
        for row in rows
        if weight_of(row)
    ]
    counters.add_transitions(list(_withdrawn(line)))
    counters.add_counts({item: _negative(count) for item, count in _counts(rows, items).items()})
    person.delete()


@transaction.atomic
def interactions_delete(*, person: Person, chosen: Q) -> int:
    """Delete some events of a person, and their part in every count; returns how many."""
    person = Person.objects.filter(pk=person.pk).locked().get()
    rows = list(person.interactions.in_time().select_related("item"))
    gone = set(person.interactions.filter(chosen).values_list("pk", flat=True))
    lost = [row for row in rows if row.pk in gone]
    kept = [row for row in rows if row.pk not in gone]
    counters.add_transitions(list(_cut_out([row for row in rows if weight_of(row)], gone)))
    counts = _counts(lost, {row.item_id: row.item for row in lost})
    counters.add_counts({item: _negative(count) for item, count in counts.items()})
    person.interactions.filter(pk__in=gone).delete()
    person.recent_items, person.recent_times, person.recent_weights = [], [], []
    telling = [row for row in kept if weight_of(row)][-RECENT:]
    person.remember(
        (row.occurred_at.timestamp(), row.item.number, weight_of(row)) for row in telling
    )
    turned_down = (row.item.number for row in kept if row.type == Type.DISMISS)
    person.dismissed = list(dict.fromkeys(turned_down))
    counters.save_persons([person])
    return len(gone)


@transaction.atomic
def dwell_extend(*, events: Sequence[EventData]) -> None:
    """Note how long earlier views lasted; nothing is counted anew, and no time gets shorter."""
    for event in events:
        rows = Interaction.objects.filter(
            person__key=event.person,
            item__key=event.item,
            type=event.type,
            occurred_at=event.occurred_at,
        )
        longer = Q(seconds=None) | Q(seconds__lt=event.seconds or 0.0)
        rows.filter(longer).update(seconds=event.seconds)


def _cut_out(rows: Sequence[Interaction], gone: set[UUID]) -> Iterator[Increment]:
    """What is taken back when some of a person's events go, from the newest to the oldest."""
    line = [Event(row.item.number, row.occurred_at.timestamp(), weight_of(row)) for row in rows]
    window = TRANSITIONS.window
    for place in reversed(range(len(rows))):
        if rows[place].pk in gone:
            event = line.pop(place)
            before, after = line[max(0, place - window) : place], line[place : place + window]
            yield from removal(event, before, after, TRANSITIONS)


def _withdrawn(line: list[Event]) -> Iterator[Increment]:
    """What is taken back when a person's events go, from the newest to the oldest."""
    while line:
        event = line.pop()
        yield from removal(event, line[-TRANSITIONS.window :], [], TRANSITIONS)


def _negative(count: Count) -> Count:
    return Count(-count.impressions, -count.clicks, -count.events, -count.popular, -count.trending)


@transaction.atomic
def person_merge(*, person: Person, into: Person) -> Person:
    """Make an anonymous visitor one with the person they turned out to be."""
    rows = list(person.interactions.in_time().select_related("item"))
    told = [
        EventData(
            person=into.key,
            item=row.item.key,
            type=row.type,
            occurred_at=row.occurred_at,
            value=row.value,
            seconds=row.seconds,
            session=row.session,
            recomm_id=row.recomm_id,
            event_id=row.event_id,
        )
        for row in rows
    ]
    key, attributes = person.key, person.attributes
    person_forget(person=person)
    if told:
        interactions_record(events=told)
    found = persons_locked([into.key])[into.key]
    found.attributes = {**attributes, **found.attributes}
    found.save(update_fields=["attributes", "updated_at"])
    Person.objects.create(key=key, anonymous=True, merged_into=found)
    return found
