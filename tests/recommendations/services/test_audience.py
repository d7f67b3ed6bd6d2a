"""Whom an item suits, and who resembles somebody."""

import pytest

from recommendations.models import Item, Person
from recommendations.services.audience import persons_for_item, persons_like
from tests.recommendations.conftest import Record, event

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(record: Record) -> None:
    """Plants and pots are looked at by different people; from ferns they go on to pothos."""
    for n in range(3):
        record(event(f"green-{n}", "fern", 30 - n), event(f"green-{n}", "pothos", 20 - n))
        record(event(f"clay-{n}", "pot", 30 - n), event(f"clay-{n}", "stand", 20 - n))
    record(event("new", "fern", 5))


def names(found: object) -> list[str]:
    return [each.person.key for each in found]  # type: ignore[attr-defined]


def test_an_item_suits_those_who_dealt_with_it_or_its_like(visits: None) -> None:
    found = persons_for_item(item=Item.objects.get(key="pothos"), count=10)
    assert set(names(found)) == {"green-0", "green-1", "green-2", "new"}
    assert found[0].score == 1 >= found[-1].score > 0
    assert len(persons_for_item(item=Item.objects.get(key="pothos"), count=2)) == 2


def test_nobody_suits_an_item_that_nobody_knows(visits: None) -> None:
    assert persons_for_item(item=Item.objects.get(key="cactus"), count=10) == []


def test_people_resemble_those_who_did_the_same(visits: None) -> None:
    found = persons_like(person=Person.objects.get(key="green-1"), count=10)
    assert set(names(found)) == {"green-0", "green-2", "new"}
    assert persons_like(person=Person.objects.create(key="nobody"), count=10) == []
