"""Which worker may work on a job, and for how long: taking leases and keeping them."""

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from saas.errors import Conflict
from tenants.jobs.models import Lease
from tenants.scope import tenant_scope

LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
# At most so many jobs of one workspace are taken at a time, so that others come in between.
SHARE = 4


class StaleLease(Conflict):
    """The lease ran out and the job went to somebody else, or is over."""

    code = "stale_lease"


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat learns."""

    cancelled: bool


def this_process() -> str:
    """This process as the owner of leases."""
    return f"{os.uname().nodename}:{os.getpid()}"[:120]


def due(queue: str, limit: int, *, share: int = SHARE) -> list[tuple[UUID, UUID]]:
    """(tenant_id, job_id) of what may start, fair between workspaces by their weights."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, id FROM jobs_due(%s, %s, %s)", [queue, limit, share])
        return list(cursor.fetchall())


# One statement: between the texts of a full batch, every millisecond here is one without them.
TAKE = """
UPDATE jobs_job SET state = 'running', attempt = attempt + 1, lease_owner = %(owner)s,
lease_until = statement_timestamp() + make_interval(secs => %(seconds)s),
heartbeat_at = statement_timestamp(), updated_at = statement_timestamp(),
started_at = coalesce(started_at, statement_timestamp())
WHERE id = (
    SELECT id FROM jobs_job WHERE tenant_id = %(tenant)s AND id = %(job)s
    AND state = 'queued' AND due_at <= statement_timestamp() FOR UPDATE SKIP LOCKED
)
RETURNING attempt, kind, payload,
extract(epoch FROM heartbeat_at - greatest(due_at, enqueued_at))::float,
(SELECT weight FROM tenants_tenant WHERE id = %(tenant)s)
"""


def lease(*, tenant_id: UUID, job_id: UUID, owner: str) -> Lease | None:
    """Take the job; None where somebody else was faster."""
    values: dict[str, Any] = {"tenant": tenant_id, "job": job_id, "owner": owner}
    values["seconds"] = LEASE.total_seconds()
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        taken = cursor.fetchone()
    if taken is None:
        return None
    token, kind, payload, waited, weight = taken
    return Lease(tenant_id, job_id, token, kind, json.loads(payload), waited, weight)


def take(queue: str, *, limit: int, owner: str, full: Collection[UUID] = ()) -> list[Lease]:
    """Lease up to so many jobs of what is due, none of workspaces that are full just now."""
    # Each of the full ones may stand among the due with its share, in the place of others.
    found = due(queue, limit + SHARE * len(full))
    leases = (
        lease(tenant_id=tenant_id, job_id=job_id, owner=owner)
        for tenant_id, job_id in found
        if tenant_id not in full
    )
    return list(islice(filter(None, leases), limit))


HEARTBEAT = """
UPDATE jobs_job SET heartbeat_at = statement_timestamp(),
lease_until = statement_timestamp() + make_interval(secs => %s),
progress = coalesce(%s, progress), note = coalesce(%s, note)
WHERE id = %s AND attempt = %s AND state = 'running'
RETURNING cancel_requested_at IS NOT NULL
"""


def heartbeat(lease: Lease, *, progress: int | None = None, note: str | None = None) -> Beat:
    """Keep the lease for another while; raises StaleLease where it is lost."""
    values = [LEASE.total_seconds(), progress, note, lease.job_id, lease.token]
    with tenant_scope(lease.tenant_id), connection.cursor() as cursor:
        cursor.execute(HEARTBEAT, values)
        held = cursor.fetchone()
    if held is None:
        raise StaleLease
    return Beat(cancelled=held[0])


def heartbeats(working: Iterable[tuple[Lease, int]]) -> dict[UUID, Beat]:
    """Keep the leases of several workspaces' jobs, each with its progress, in one statement.

    By the ids of the jobs; one that is missing has lost its lease. The function puts each job's
    own tenant in scope for its row, so call it outside of any.
    """
    # Always in one order, so that two who lock several jobs cannot wait for each other.
    ordered = sorted(working, key=lambda pair: pair[0].job_id)
    columns: tuple[list[Any], ...] = (
        [lease.tenant_id for lease, _ in ordered],
        [lease.job_id for lease, _ in ordered],
        [lease.token for lease, _ in ordered],
        [progress for _, progress in ordered],
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, stop FROM jobs_beat(%s, %s, %s, %s, %s)", [LEASE.total_seconds(), *columns]
        )
        return {job_id: Beat(cancelled=stop) for job_id, stop in cursor.fetchall()}
