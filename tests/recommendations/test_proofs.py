"""Long proofs: what no answer may hold, and what stays of somebody who is gone."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from recommendations.models import (
    Interaction,
    Item,
    ItemCounts,
    Person,
    Recommendation,
    Transition,
)
from recommendations.services.answers import Ask, recommend
from recommendations.services.catalogue import ItemData, items_write
from recommendations.services.interactions import EventData, interactions_record, person_forget
from recommendations.serving.trained import folder_of
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.recommendations.test_fitting import _files, fit_now, shop
from tests.support.tally import tally

__all__ = ["_files", "shop"]
REQUESTS = int(os.environ.get("PROVE_REQUESTS", "100000"))
ITEMS, PERSONS = 60, 40


def catalogue(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        items_write(
            items=[ItemData(f"i{n}", {"title": f"{tenant.slug} {n}"}) for n in range(ITEMS)]
        )


def changed(random: np.random.Generator) -> None:
    """Something is hidden, expires, begins later, sells out, is shown again, or is new."""
    now, key = timezone.now(), f"i{random.integers(ITEMS + 20)}"
    values: list[dict[str, Any]] = [
        {"hidden": True},
        {"hidden": False, "in_stock": True, "available_from": None, "available_until": None},
        {"available_until": now - timedelta(seconds=1)},
        {"available_until": now + timedelta(seconds=float(random.uniform(0, 1)))},
        {"available_from": now + timedelta(hours=1)},
        {"in_stock": False},
    ]
    items_write(items=[ItemData(key, values[random.integers(len(values))])])


def asked(random: np.random.Generator) -> Ask:
    key = f"p{random.integers(PERSONS)}"
    person = Person.objects.filter(key=key).first() if random.random() < 0.8 else None
    item = Item.objects.filter(key=f"i{random.integers(ITEMS)}").first()
    own: dict[str, Any] = {"diversity": 0.3} if random.random() < 0.2 else {}
    if random.random() < 0.2:
        own["filter"] = "'id' != \"i7\""
    return Ask(
        count=int(random.integers(1, 12)),
        person=person,
        session="" if person else "s",
        item=item if random.random() < 0.3 else None,
        own=own,
    )


def recorded(random: np.random.Generator) -> None:
    event = EventData(
        f"p{random.integers(PERSONS)}", f"i{random.integers(ITEMS)}", "click", timezone.now()
    )
    interactions_record(events=[event])


@pytest.mark.prove
@pytest.mark.django_db
def test_no_answer_holds_what_may_not_be_shown(acme: Tenant, other: Tenant) -> None:
    """Two workspaces with the same ids, in turn; every answer is held against the rows as they
    are at that moment."""
    count, random = tally("answers from a changing catalogue"), np.random.default_rng(3)
    for tenant in (acme, other):
        catalogue(tenant)
    for number in range(REQUESTS):
        tenant = (acme, other)[int(random.integers(2))]
        with tenant_scope(tenant):
            if number % 5 == 0:
                changed(random)
            if number % 3 == 0:
                recorded(random)
            ask = asked(random)
            before = timezone.now()
            answer = recommend(ask=ask)
            numbers = [each.item.number for each in answer.shown]
            rows = Item.objects.in_bulk([each.item.pk for each in answer.shown])
            count.attempts += 1
            count.controls += bool(numbers)
            right = len(rows) == len(numbers) == len(set(numbers))
            right &= all(row.available(before) for row in rows.values())
            right &= all(row.title.startswith(tenant.slug) for row in rows.values() if row.title)
            count.failures += not right
    assert count.failures == 0
    assert count.controls > 0.9 * count.attempts


@pytest.mark.django_db(transaction=True)
def test_somebody_who_is_gone_is_in_nothing(shop: Tenant) -> None:
    """Rows, counts, and the next model: it is what it would have been without them."""
    fit_now(shop)
    without = state(shop)
    names = list(Item.objects.order_by("number").values_list("key", flat=True)[:6])
    gone = [
        EventData("gone", key, "purchase", timezone.now() - timedelta(minutes=n))
        for n, key in enumerate(names)
    ]
    interactions_record(events=gone)
    person = Person.objects.get(key="gone")
    recommend(ask=Ask(count=5, person=person, metered=True))
    assert state(shop)[0] != without[0]
    person_forget(person=person)
    assert not Person.objects.filter(key="gone").exists()
    assert not Interaction.objects.filter(person_id=person.pk).exists()
    assert not Recommendation.objects.filter(person_id=person.pk).exists()
    fit_now(shop)
    assert state(shop) == without


def state(tenant: Tenant) -> tuple[Any, ...]:
    """All counts, and the arrays of the newest model that come of behaviour."""
    pairs = {
        (row.source, row.target): round(row.count, 6)
        for row in Transition.objects.all()
        if abs(row.count) > 1e-6
    }
    counts = {
        row.number: (row.events, row.clicks, round(row.popular, 3))
        for row in ItemCounts.objects.exclude(events=0)
    }
    folders = sorted(folder_of(tenant.pk, tenant.pk).parent.iterdir(), key=changed_at)
    arrays = [(folders[-1] / name).read_bytes() for name in ("neighbours.npy", "scores.npy")]
    return pairs, counts, arrays


def changed_at(path: Path) -> float:
    return path.stat().st_mtime
