"""Counts in SQL: added up where they stand, in one statement each, always in the same order."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from recommendations.models import Item, Person
from recommendations.ranking.sources.transitions import Increment
from saas.ids import uuid7
from tenants.scope import current_tenant_id

TRANSITIONS = """
INSERT INTO recommendations_transition
(id, tenant_id, created_at, updated_at, source, target, count)
SELECT id, %(tenant)s, %(now)s, %(now)s, source, target, count
FROM unnest(%(ids)s::uuid[], %(sources)s::int[], %(targets)s::int[], %(counts)s::float8[])
AS given (id, source, target, count)
ON CONFLICT (tenant_id, source, target) DO UPDATE
SET count = recommendations_transition.count + excluded.count, updated_at = excluded.updated_at
"""
EMPTY = """
DELETE FROM recommendations_transition
WHERE tenant_id = %(tenant)s AND source = ANY(%(sources)s) AND abs(count) < 1e-9
"""
COUNTS = """
INSERT INTO recommendations_itemcounts
(id, tenant_id, created_at, updated_at, item_id, number,
 impressions, clicks, events, popular, trending)
SELECT id, %(tenant)s, %(now)s, %(now)s, item, number,
 impressions, clicks, events, popular, trending
FROM unnest(%(ids)s::uuid[], %(items)s::uuid[], %(numbers)s::int[], %(impressions)s::int[],
 %(clicks)s::int[], %(events)s::int[], %(popular)s::float8[], %(trending)s::float8[])
AS given (id, item, number, impressions, clicks, events, popular, trending)
ON CONFLICT (tenant_id, item_id) DO UPDATE SET updated_at = excluded.updated_at,
impressions = recommendations_itemcounts.impressions + excluded.impressions,
clicks = recommendations_itemcounts.clicks + excluded.clicks,
events = recommendations_itemcounts.events + excluded.events,
popular = recommendations_itemcounts.popular + excluded.popular,
trending = recommendations_itemcounts.trending + excluded.trending
"""
PERSONS = """
UPDATE recommendations_person AS p SET updated_at = %(now)s, last_seen_at = given.seen,
recent_items = given.items::int[], recent_times = given.times::float8[],
recent_weights = given.weights::float8[], dismissed = given.dismissed::int[]
FROM unnest(%(ids)s::uuid[], %(seen)s::timestamptz[], %(items)s::text[], %(times)s::text[],
 %(weights)s::text[], %(dismissed)s::text[])
AS given (id, seen, items, times, weights, dismissed)
WHERE p.tenant_id = %(tenant)s AND p.id = given.id
"""


@dataclass(slots=True)
class Count:
    """What an item's counts gain; negative where events are taken back."""

    impressions: int = 0
    clicks: int = 0
    events: int = 0
    popular: float = 0.0
    trending: float = 0.0


def add_transitions(increments: list[Increment]) -> None:
    """Add to the counts of transitions; pairs that come to nothing are deleted."""
    summed: dict[tuple[int, int], float] = {}
    for step in increments:
        pair = (step.source, step.target)
        summed[pair] = summed.get(pair, 0.0) + step.weight
    if not summed:
        return
    # In one order everywhere, so that two writers cannot wait for each other.
    pairs = sorted(summed)
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "now": timezone.now(),
        "ids": [uuid7() for _ in pairs],
        "sources": [source for source, _ in pairs],
        "targets": [target for _, target in pairs],
        "counts": [summed[pair] for pair in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(TRANSITIONS, values)
        if min(summed.values()) < 0:
            cursor.execute(EMPTY, values)


def add_counts(counts: Mapping[Item, Count]) -> None:
    """Add to the counts of items."""
    if not counts:
        return
    ordered = sorted(counts.items(), key=lambda pair: pair[0].number)
    gains = [count for _, count in ordered]
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "now": timezone.now(),
        "ids": [uuid7() for _ in ordered],
        "items": [item.pk for item, _ in ordered],
        "numbers": [item.number for item, _ in ordered],
        "impressions": [count.impressions for count in gains],
        "clicks": [count.clicks for count in gains],
        "events": [count.events for count in gains],
        "popular": [count.popular for count in gains],
        "trending": [count.trending for count in gains],
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, values)


def save_persons(persons: Collection[Person]) -> None:
    """Write what is kept beside people, in one statement; they are locked by the caller."""
    if not persons:
        return
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "now": timezone.now(),
        "ids": [person.pk for person in persons],
        "seen": [person.last_seen_at for person in persons],
        "items": [_array(person.recent_items) for person in persons],
        "times": [_array(person.recent_times) for person in persons],
        "weights": [_array(person.recent_weights) for person in persons],
        "dismissed": [_array(person.dismissed) for person in persons],
    }
    with connection.cursor() as cursor:
        cursor.execute(PERSONS, values)


def _array(numbers: Iterable[float]) -> str:
    """Numbers as Postgres writes an array: rows of different lengths fit no array of arrays."""
    return "{" + ",".join(map(repr, numbers)) + "}"
