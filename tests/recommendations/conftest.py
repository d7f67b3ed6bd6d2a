"""Acme's catalogue and its visitors."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommendations.models import Item
from recommendations.services.catalogue import ItemData, items_write
from recommendations.services.interactions import EventData, interactions_record
from tenants.models import Tenant
from tenants.scope import tenant_scope

NOW = timezone.now()


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[None]:
    with tenant_scope(acme):
        yield


def event(
    person: str, item: str, minutes: float = 0, type: str = "click", **more: Any
) -> EventData:
    """An event so many minutes ago."""
    at: datetime = NOW - timedelta(minutes=minutes)
    return EventData(person=person, item=item, type=type, occurred_at=at, **more)


@pytest.fixture
def shop(in_acme: None) -> dict[str, Item]:
    """Six plants and pots."""
    rows = {
        "fern": {"title": "Bathroom fern", "type": "plant", "tags": ["fern"], "price": "19.00"},
        "pothos": {"title": "Golden pothos", "type": "plant", "tags": ["easy"], "price": "14.00"},
        "cactus": {"title": "Bunny cactus", "type": "plant", "tags": ["easy"], "price": "11.00"},
        "pot": {"title": "Clay pot", "type": "pot", "tags": ["clay"], "price": "9.00"},
        "stand": {"title": "Plant stand", "type": "pot", "tags": [], "price": "34.00"},
        "mister": {"title": "Brass mister", "type": "care", "tags": [], "price": "18.00"},
    }
    items_write(items=[ItemData(key, values) for key, values in rows.items()])
    return Item.objects.keyed(rows)


Record = Callable[..., Any]


@pytest.fixture
def record(shop: dict[str, Item]) -> Record:
    def recorded(*events: EventData) -> Any:
        return interactions_record(events=events)

    return recorded
