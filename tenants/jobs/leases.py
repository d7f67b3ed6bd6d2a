"""Which worker may work on a job, and for how long: taking leases and keeping them."""

import hashlib
import json
import os
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from django.conf import settings
from django.db import connection

from saas.errors import Conflict
from tenants.billing.limits import default_of
from tenants.jobs.models import Lease
from tenants.scope import tenant_scope

LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
# At most so many jobs of one workspace are taken at a time, so that others come in between.
SHARE = 4
# The limit of what a workspace may have running at once, on all queues.
RUNNING = "running_jobs"
# Two readings of when a process began may differ by a rounding.
SAME_START_S = 1.5


class StaleLease(Conflict):
    """The lease ran out and the job went to somebody else, or is over."""

    code = "stale_lease"


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat learns."""

    cancelled: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds leases, as its leases name it: where it can be found, and since when."""

    host: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"

    @classmethod
    def of(cls, name: str) -> "Owner | None":
        """The owner of this name; None for a name that was not made here."""
        host, _, rest = name.partition(":")
        pid, _, started = rest.partition(":")
        return cls(host, int(pid), int(started)) if pid.isdigit() and started.isdigit() else None

    @property
    def alive(self) -> bool:
        """Whether it still runs; only its own host can tell."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) <= SAME_START_S
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


@cache
def this_host() -> str:
    """Where process ids mean the same: this boot of this kernel, this container."""
    kernel = Path("/proc/sys/kernel/random/boot_id")
    ids = f"{kernel.read_text()} {os.readlink('/proc/self/ns/pid')}" if kernel.exists() else ""
    known = ids or str(uuid.getnode())
    return f"{os.uname().nodename[:80]}/{hashlib.sha256(known.encode()).hexdigest()[:12]}"


def this_process() -> str:
    """This process as the owner of leases."""
    return str(Owner(this_host(), os.getpid(), int(psutil.Process().create_time())))


def held_by_the_dead() -> list[tuple[UUID, UUID, str]]:
    """(tenant_id, job_id, owner) of leases whose process on this host is known to be gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, id, owner FROM jobs_held(%s)", [f"{this_host()}:"])
        held = cursor.fetchall()
    gone = {owner for _, _, owner in held if (known := Owner.of(owner)) and not known.alive}
    return [row for row in held if row[2] in gone]


# Where each queue's next look goes on, so that all who wait have their turn.
_reached: dict[str, UUID] = {}
BEGINNING = UUID(int=0)


def due(queue: str, limit: int, *, share: int = SHARE) -> list[tuple[UUID, UUID]]:
    """(tenant_id, job_id) of what may start, fair between workspaces by their weights.

    None of workspaces that have as many running already, on all queues, as they may have.
    Where more workspaces wait than one look takes in, the next look goes on after this one's.
    """
    begun = after = _reached.get(queue, BEGINNING)
    wrapped = False
    while True:
        found, reached = _look(queue, limit, share, after)
        seen_all = wrapped and (reached is None or reached >= begun)
        wrapped = wrapped or reached is None
        after = reached or BEGINNING
        if found or seen_all or (wrapped and begun == BEGINNING):
            _reached[queue] = after
            return found


def _look(
    queue: str, limit: int, share: int, after: UUID
) -> tuple[list[tuple[UUID, UUID]], UUID | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, id, reached FROM jobs_due(%s, %s, %s, %s, %s)",
            [queue, limit, share, after, default_of(RUNNING)],
        )
        rows = cursor.fetchall()
    return [(tenant_id, pk) for tenant_id, pk, _ in rows if pk], rows[0][2]


def lease(*, tenant_id: UUID, job_id: UUID, owner: str) -> Lease | None:
    """Take the job; None where somebody else was faster, or too many of the workspace run."""
    values: list[Any] = [tenant_id, job_id, owner, LEASE.total_seconds(), default_of(RUNNING)]
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        # One statement: between the texts of a full batch, every millisecond is one without them.
        cursor.execute("SELECT * FROM jobs_take(%s, %s, %s, %s, %s)", values)
        taken = cursor.fetchone()
    if taken is None:
        return None
    token, kind, payload, *rest = taken
    return Lease(tenant_id, job_id, token, kind, json.loads(payload), *rest)


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
