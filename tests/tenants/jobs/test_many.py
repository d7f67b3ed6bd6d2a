"""What every page asks about jobs stays cheap beside 200,000 that are over."""

import time

import pytest
from django.db import connection

from tenants.jobs.models import Job
from tenants.jobs.services import jobs_running
from tenants.jobs.views import DRAWER
from tenants.models import Tenant
from tenants.postgres.owner import as_owner
from tests.tenants.jobs.conftest import ask

pytestmark = pytest.mark.django_db(transaction=True)
FINISHED = 200_000
OVER = """
INSERT INTO jobs_job (id, tenant_id, created_at, updated_at, kind, queue, state, attempt,
handed_back, max_attempts, due_at, lease_owner, progress, note, payload, input_sha256, result,
error_code, error_detail, enqueued_at, finished_at, request_id)
SELECT gen_random_uuid(), %s, now() - n * interval '1 second', now(), 'generate.echo', 'default',
'succeeded', 1, 0, 3, now(), '', 100, '', '{}', '', '{}', '', '', now(),
now() - n * interval '1 second', '' FROM generate_series(1, %s) n
"""


@pytest.fixture
def many(scoped: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(OVER, [scoped.pk, FINISHED])
    for _ in range(5):
        ask()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")


def test_the_shell_reads_what_runs_and_the_drawer_the_newest(many: None) -> None:
    assert "job_active" in Job.objects.active()[:1000].explain()
    began = time.perf_counter()
    assert jobs_running() == 5
    assert time.perf_counter() - began < 0.05
    # The drawer, in the same 200,000.
    ended = Job.objects.finished().order_by("-finished_at")[:DRAWER]
    plan = ended.explain()
    assert "job_finished" in plan
    assert "Sort" not in plan
    assert len(ended) == DRAWER
    assert "job_active" in Job.objects.active().newest()[:DRAWER].explain()
