"""The look for due work, and the load, beside 10,000 waiting workspaces and a million jobs.

SCALE_JOBS=200000 makes it shorter.
"""

import os
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import psycopg
import pytest
from django.db import connection

from tenants.jobs import leases
from tenants.jobs.leases import due
from tenants.jobs.services import loads
from tests.support.live import test_database_url as database_url

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True)]
WORKSPACES = 10_000
JOBS = int(os.environ.get("SCALE_JOBS", "1000000"))
LOOK_MS = 3.0
LOAD_MS = 20.0

TENANTS = """
INSERT INTO tenants_tenant (id, name, slug, status, weight, created_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'W' || n, 'w' || n,
'active', 1, now() FROM generate_series(1, %s) n
"""
# Half of them belong to one workspace.
WAITING = """
INSERT INTO jobs_job (id, tenant_id, created_at, updated_at, kind, queue, state, attempt,
handed_back, max_attempts, due_at, lease_owner, progress, note, payload, input_sha256, result,
error_code, error_detail, enqueued_at, request_id)
SELECT gen_random_uuid(),
('00000000-0000-7000-8000-' || lpad(to_hex(CASE WHEN n %% 2 = 0 THEN 1 ELSE 1 + n %% %s END), 12,
'0'))::uuid, now(), now(), 'generate.chat', 'generate', 'queued', 0, 0, 3,
now() - n * interval '1 millisecond', '', 0, '', '{}', '', '{}', '', '', now(), ''
FROM generate_series(1, %s) n
"""


@pytest.fixture
def crowded(transactional_db: Any) -> Iterator[None]:
    """Written by a superuser: what is measured is reading."""
    admin = os.environ["DATABASE_ADMIN_URL"].replace("/postgres", f"/{name()}", 1)
    with psycopg.connect(admin, autocommit=True) as rows:
        rows.execute(TENANTS, [WORKSPACES])
        rows.execute(WAITING, [WORKSPACES, JOBS])
        rows.execute("VACUUM ANALYZE jobs_job, tenants_tenant")
    leases._reached.clear()
    yield
    leases._reached.clear()


def name() -> str:
    return database_url().rpartition("/")[2].partition("?")[0]


def milliseconds(ask: Callable[[], object], times: int = 40) -> float:
    """The median of several."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def test_a_look_costs_the_same_however_much_waits(crowded: None) -> None:
    look = milliseconds(lambda: due("generate", 8))
    load = milliseconds(loads)
    print(f"\nworkspaces={WORKSPACES} jobs={JOBS} look={look:.2f} ms load={load:.2f} ms")
    (found,) = [each for each in loads() if each.queue == "generate"]
    assert found.waiting == 10_000
    assert found.oldest_seconds >= JOBS / 1000
    assert look < LOOK_MS
    assert load < LOAD_MS


def test_every_workspace_has_its_turn_in_one_round(crowded: None) -> None:
    seen = set()
    looks = WORKSPACES // 32 + 2
    for _ in range(looks):
        seen |= {tenant_id for tenant_id, _ in due("generate", 64, share=1)}
    assert len(seen) == connection_count()


def connection_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_tenant WHERE id::text LIKE '00000000%%'")
        return int(cursor.fetchone()[0])
