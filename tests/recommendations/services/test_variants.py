"""Which variant is shown to whom, and when that is decided."""

from collections import Counter

import numpy as np
import pytest
from django.utils import timezone

from recommendations.models import Item, Person
from recommendations.services.answers import Ask, recommend
from recommendations.services.catalogue import ItemData, items_write
from recommendations.services.interactions import EventData, interactions_record
from recommendations.services.variants import (
    audiences_of,
    counts,
    variant_choose,
    variant_groups,
    variant_report,
)
from saas.errors import NotFound

pytestmark = pytest.mark.django_db
GROUP = "spring"


@pytest.fixture(autouse=True)
def ads(in_acme: None) -> None:
    counts.clear()
    items_write(
        items=[
            ItemData(name, {"title": name, "variant_of": GROUP}) for name in ("calm", "loud", "dry")
        ]
    )


def people(rates: dict[str, float], audience: str, count: int) -> Counter[str]:
    """People ask one after the other and choose what they see at these rates."""
    chance, shown = np.random.default_rng(1), Counter[str]()
    names = dict(Item.objects.values_list("number", "key"))
    for number in range(count):
        session = f"{audience}-{number}"
        answer = variant_choose(group=GROUP, session=session, audience=audience)
        name = names[answer.items[0]]
        shown[name] += 1
        if chance.random() < rates[name]:
            click = EventData(session, name, "click", timezone.now(), recomm_id=answer.pk)
            interactions_record(events=[click])
        if number % 20 == 0:
            counts.clear()
    counts.clear()
    return shown


def test_the_better_one_is_shown_more_and_wins_where_it_is_better() -> None:
    shown = people({"calm": 0.9, "loud": 0.0, "dry": 0.0}, "gardeners", 320)
    assert shown["calm"] > 200
    report = variant_report(group=GROUP, audience="gardeners")
    assert report.winner is not None
    assert report.winner.key == "calm"
    assert all(each.low <= each.arm.rate <= each.high for each in report.variants)
    again = variant_choose(group=GROUP, session="new", audience="gardeners")
    assert again.items == [report.winner.number]
    assert variant_report(group=GROUP, audience="cooks").winner is None
    assert audiences_of(GROUP) == ["gardeners"]


def test_one_person_counts_once_however_often_they_click() -> None:
    ann = Person.objects.create(key="ann")
    calm = Item.objects.get(key="calm")
    items_write(items=[ItemData(name, {"hidden": True}) for name in ("loud", "dry")])
    for _ in range(5):
        answer = variant_choose(group=GROUP, person=ann)
        click = EventData("ann", "calm", "click", timezone.now(), recomm_id=answer.pk)
        interactions_record(events=[click])
    counts.clear()
    (only,) = variant_report(group=GROUP).variants
    assert (only.item, only.arm.impressions, only.arm.clicks) == (calm, 1, 1)


def test_hidden_variants_and_unknown_groups_are_not_shown() -> None:
    items_write(items=[ItemData("calm", {"hidden": True})])
    shown = {variant_choose(group=GROUP, session=str(n)).items[0] for n in range(20)}
    assert shown <= set(Item.objects.filter(hidden=False).values_list("number", flat=True))
    assert [group["count"] for group in variant_groups()] == [2]
    with pytest.raises(NotFound):
        variant_choose(group="autumn", session="a")


def test_an_answer_holds_one_of_them() -> None:
    items_write(items=[ItemData("pot", {"title": "Pot"}), ItemData("fern", {"title": "Fern"})])
    shown = recommend(ask=Ask(count=10)).shown
    assert sorted(each.item.variant_of for each in shown) == ["", "", GROUP]
