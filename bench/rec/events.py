"""Many events of one workspace: which partitions a question reads, and how long it takes.

The events are made by SQL, three years of them, so that each quarter has its own partition.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench.database import scratch_database
from bench.rec.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS, ITEMS, PERSONS, DAYS = 10_000_000, 1_000, 100_000, 3 * 365
PEOPLE = """
INSERT INTO recommendations_person
(id, tenant_id, created_at, updated_at, key, anonymous, attributes, recent_items, recent_times,
 recent_weights, dismissed)
SELECT gen_random_uuid(), %(tenant)s, now(), now(), 'p' || n, false, '{}', '{}', '{}', '{}', '{}'
FROM generate_series(1, %(persons)s) AS n
"""
FILL = """
INSERT INTO recommendations_interaction
(id, tenant_id, created_at, updated_at, person_id, item_id, type, occurred_at, session, event_id)
SELECT gen_random_uuid(), %(tenant)s, now(), now(), p.ids[1 + n %% %(persons)s],
 i.ids[1 + n * 7 %% %(items)s], 'click', now() - n * interval '1 day' * %(days)s / %(events)s,
 '', ''
FROM generate_series(1, %(events)s) AS n,
 (SELECT array_agg(id) AS ids FROM recommendations_person WHERE tenant_id = %(tenant)s) AS p,
 (SELECT array_agg(id) AS ids FROM recommendations_item WHERE tenant_id = %(tenant)s) AS i
"""
WEEK = "occurred_at >= %(week)s"
QUESTIONS = {
    "events of the last 7 days": f"SELECT count(*) FROM {{table}} WHERE {WEEK}",
    "one person's newest 50": "SELECT item_id FROM {table} WHERE person_id = %(person)s"
    " ORDER BY occurred_at DESC LIMIT 50",
    "one person's last 35 days": "SELECT item_id FROM {table} WHERE person_id = %(person)s"
    " AND occurred_at >= %(month)s",
    "forget one person": "DELETE FROM {table} WHERE person_id = %(person)s",
    "delete the oldest 30 days": "DELETE FROM {table} WHERE occurred_at < %(oldest)s",
}


def report(events: int = EVENTS) -> list[str]:
    scratch_database()
    from django.db import connection
    from django.utils import timezone

    from recommendations.models import Person
    from recommendations.services.catalogue import ItemData, items_write
    from tenants.models import User
    from tenants.scope import tenant_scope
    from tenants.services import workspace_create

    owner = User.objects.create_user(f"events-{time.monotonic_ns()}@kindling.test")
    tenant = workspace_create(owner=owner, name="Events")
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "persons": PERSONS,
        "items": ITEMS,
        "days": DAYS,
        "events": events,
    }
    now = timezone.now()
    table = Table((f"of {events:,} events", "ms", "partitions read"))
    with tenant_scope(tenant):
        items_write(items=[ItemData(f"i{n}", {}) for n in range(ITEMS)])
        with connection.cursor() as cursor:
            cursor.execute(PEOPLE, values)
            start = time.perf_counter()
            cursor.execute(FILL, values)
            filled = time.perf_counter() - start
        asked = {
            "person": Person.objects.order_by("key")[0].pk,
            "week": now - timedelta(days=7),
            "month": now - timedelta(days=35),
            "oldest": now - timedelta(days=DAYS - 30),
        }
        for name, statement in QUESTIONS.items():
            table.add(name, *measured(statement, asked))
    return [str(table), f"Written at {events / filled:,.0f} events/s in one statement."]


def measured(statement: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Milliseconds, and how many of all partitions the plan reads when it runs."""
    from django.db import connection, transaction

    asked = statement.format(table="recommendations_interaction")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}", values)
        plan = cursor.fetchone()[0][0]
    read = set(relations(plan["Plan"]))
    return f"{plan['Execution Time']:.1f}", str(len(read))


def relations(node: Mapping[str, Any]) -> list[str]:
    """The tables that were read at least once."""
    found = []
    if node.get("Actual Loops", 0) and "Relation Name" in node and "Scan" in node["Node Type"]:
        found.append(str(node["Relation Name"]))
    for child in node.get("Plans", ()):
        found += relations(child)
    return found
