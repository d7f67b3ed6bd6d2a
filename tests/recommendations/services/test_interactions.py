"""Events count once, in any order, and can be taken back."""

import random
from collections.abc import Sequence

import pytest
from django.db.models import Q

from recommendations.errors import EventConflict
from recommendations.models import Interaction, Item, ItemCounts, Person, Transition
from recommendations.services.interactions import (
    EventData,
    interactions_delete,
    interactions_record,
    person_forget,
    person_merge,
)
from tests.recommendations.conftest import Record, event

pytestmark = pytest.mark.django_db


def counts() -> dict[tuple[str, str], float]:
    """Transitions by the items' keys, rounded."""
    names = {item.number: item.key for item in Item.objects.all()}
    rows = Transition.objects.all()
    return {(names[row.source], names[row.target]): round(row.count, 6) for row in rows}


VISIT = [event("ann", "fern", 50), event("ann", "pot", 40), event("ann", "mister", 30)]


def test_what_follows_is_counted(record: Record) -> None:
    assert record(*VISIT).accepted == 3
    assert counts() == {("fern", "pot"): 1, ("pot", "mister"): 1, ("fern", "mister"): 0.7}


def test_the_same_event_twice_counts_once(record: Record) -> None:
    record(*VISIT)
    before = counts()
    assert record(*VISIT).duplicates == 3
    assert counts() == before
    assert Interaction.objects.count() == 3
    assert ItemCounts.objects.get(item__key="fern").events == 1


@pytest.mark.parametrize("seed", range(5))
def test_counts_do_not_depend_on_the_order_of_arrival(record: Record, seed: int) -> None:
    keys = ["fern", "pothos", "cactus", "pot", "stand", "mister"]
    chance = random.Random(seed)
    events = [event("ann", chance.choice(keys), minutes) for minutes in range(14)]
    record(*events)
    straight = counts()
    again = [
        EventData("ben", each.item, each.type, each.occurred_at) for each in shuffled(events, seed)
    ]
    for each in again:
        record(each)
    assert counts() == pytest.approx(
        {pair: 2 * count for pair, count in straight.items()}, abs=1e-4
    )


def shuffled(events: Sequence[EventData], seed: int) -> list[EventData]:
    mixed = list(events)
    random.Random(seed + 100).shuffle(mixed)
    return mixed


def test_a_forgotten_person_leaves_no_trace(record: Record) -> None:
    record(event("ben", "fern", 20), event("ben", "stand", 10))
    before, popular = counts(), ItemCounts.objects.get(item__key="fern").popular
    record(*VISIT)
    person_forget(person=Person.objects.get(key="ann"))
    assert counts() == before
    assert ItemCounts.objects.get(item__key="fern").popular == pytest.approx(popular)
    assert not Interaction.objects.filter(person__key="ann").exists()
    assert not Person.objects.filter(key="ann").exists()


@pytest.mark.parametrize("seed", range(5))
def test_deleted_events_are_gone_from_every_count(record: Record, seed: int) -> None:
    keys = ["fern", "pothos", "cactus", "pot"]
    chance = random.Random(seed)
    kept = [event("ann", chance.choice(keys), 2 * minutes) for minutes in range(70)]
    record(*kept)
    straight, ann = counts(), Person.objects.get(key="ann")
    gone = ["stand", "mister"]
    record(*(event("ann", chance.choice(gone), 2 * chance.randrange(70) + 1) for _ in range(30)))
    record(event("ann", "stand", 1, "dismiss"), event("ann", "mister", 1, "impression"))
    assert interactions_delete(person=ann, chosen=Q(item__key__in=gone)) > 15
    assert counts() == pytest.approx(straight, abs=1e-4)
    now = Person.objects.get(key="ann")
    assert (now.recent(), now.dismissed) == (ann.recent(), [])
    left = ItemCounts.objects.get(item__key="stand")
    assert (left.events, left.impressions) == (0, 0)
    assert left.popular == pytest.approx(0, abs=1e-6)


def test_merged_visits_are_one(record: Record) -> None:
    record(event("cookie", "fern", 50), event("ann", "pot", 40))
    person_merge(person=Person.objects.get(key="cookie"), into=Person.objects.get(key="ann"))
    assert counts() == {("fern", "pot"): 1}
    record(event("cookie", "mister", 30))
    assert Person.objects.get(key="ann").recent_items == [0, 3, 5]


def test_an_unknown_item_is_made(record: Record) -> None:
    assert record(event("ann", "new-one")).unknown == 1
    assert Item.objects.get(key="new-one").title == ""


def test_an_event_id_stands_for_one_event(record: Record) -> None:
    record(event("ann", "fern", 5, event_id="e1"))
    assert record(event("ann", "fern", 5, event_id="e1")).duplicates == 1
    with pytest.raises(EventConflict):
        record(event("ann", "pot", 5, event_id="e1"))


def test_impressions_and_dismissals_say_nothing_of_taste(record: Record) -> None:
    record(event("ann", "fern", 5, "impression"), event("ann", "pot", 4, "dismiss"))
    ann = Person.objects.get(key="ann")
    assert (ann.recent_items, ann.dismissed, counts()) == ([], [3], {})
    assert ItemCounts.objects.get(item__key="fern").impressions == 1


def test_more_events_than_are_kept_beside_a_person(record: Record) -> None:
    keys = ["fern", "pothos", "cactus", "pot"]
    events = [event("ann", keys[n % 4], 200 - n) for n in range(120)]
    interactions_record(events=events[1:])
    interactions_record(events=events[:1])
    late = counts()
    person_forget(person=Person.objects.get(key="ann"))
    assert counts() == {}
    interactions_record(events=events)
    assert counts() == pytest.approx(late, abs=1e-4)
