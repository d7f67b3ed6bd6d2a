"""The life of a job: its request, and its ends, each guarded by the lease's token."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from tenants.actors import Actor, acting, current_actor
from tenants.billing.ledger import open_ledger
from tenants.billing.limits import require_room
from tenants.billing.meters import Usage
from tenants.billing.models import Source
from tenants.billing.prices import price
from tenants.billing.services import ReservationOrder, reserve_many, settle, void
from tenants.jobs.errors import QueueFull
from tenants.jobs.leases import LEASE, StaleLease
from tenants.jobs.models import Job, JobQuerySet, Lease
from tenants.jobs.notify import notify_on_commit
from tenants.jobs.registry import QUEUES, kind_of, kinds, message_of
from tenants.jobs.signals import job_ended
from tenants.retention import BATCH
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

Apply = Callable[[Job], None]
Units = Usage | Mapping[str, int]
State = Job.State
RETRY_DELAY = LEASE / 6
# A deploy is over by then: if no worker knew the kind, none will.
UNKNOWN_KIND_PATIENCE = timedelta(hours=1)
DEADLOCK_TRIES = 3
# A lost lease is the platform's fault, until a job has met with it so often that it is the job's.
MOST_LOSSES = 6
MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """How much there is to do on a queue, over all workspaces."""

    queue: str
    waiting: int = 0
    running: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A piece of work to ask for: what its handler reads, and the most that it can cost.

    The estimate is in micro-credits, or the most units of each meter that it can take; nothing is
    reserved where that costs nothing.
    """

    kind: str
    payload: dict[str, Any]
    estimate: int | Units
    parent: Job | None = None

    @property
    def most(self) -> int:
        """The most that it can cost, in micro-credits."""
        return self.estimate if isinstance(self.estimate, int) else price(self.estimate)

    def job(self) -> Job:
        """The job, not saved yet; raises LookupError for a kind that no app has registered."""
        known = kind_of(self.kind)
        if known is None:
            raise LookupError(f"No app has registered the kind of job {self.kind}.")
        actor = current_actor()
        return Job(
            kind=self.kind,
            queue=known.queue,
            payload=self.payload,
            input_sha256=_sha256(self.payload),
            parent=self.parent,
            max_attempts=known.max_attempts,
            address=actor.address or None,
            request_id=actor.request_id,
            **actor.authorship,
        )


def job_request(
    *, kind: str, payload: dict[str, Any], estimate: int | Units, parent: Job | None = None
) -> Job:
    """Ask for one piece of work, as jobs_request does; see JobOrder."""
    return jobs_request(orders=[JobOrder(kind, payload, estimate, parent)])[0]


@transaction.atomic
def jobs_request(*, orders: Sequence[JobOrder]) -> list[Job]:
    """Ask for work in the caller's transaction: jobs, and credits for their estimates.

    They are done in the name of whoever acts now.
    All of it or none; raises QueueFull, InsufficientCredits, and LookupError for a kind that no
    app has registered.
    """
    jobs = [order.job() for order in orders]
    now = open_ledger().now  # its lock lets one caller count after the other
    for job in jobs:
        job.due_at = job.enqueued_at = now
    for queue, more in Counter(job.queue for job in jobs).items():
        _refuse_full_queue(queue, more)
    _reserve({job: order.most for job, order in zip(jobs, orders, strict=True)})
    Job.objects.bulk_create(jobs)
    for queue in {job.queue for job in jobs}:
        notify_on_commit(queue)
    return jobs


def _reserve(estimates: dict[Job, int]) -> None:
    """Set the jobs' credits aside, for all of them or for none."""
    charged = {job: amount for job, amount in estimates.items() if amount}
    orders = [
        ReservationOrder(amount, job.kind, f"job:{job.pk}", job_id=job.pk)
        for job, amount in charged.items()
    ]
    for job, reservation in zip(charged, reserve_many(orders=orders), strict=True):
        job.reservation = reservation


def _refuse_full_queue(queue: str, more: int) -> None:
    """Raise QueueFull where so much waits already that more would only wait longer."""
    waiting = Job.objects.filter(queue=queue, state=State.QUEUED)
    require_room("queued_jobs", waiting.count, more=more, error=QueueFull)


def job_cancel(*, job: Job) -> Job:
    """Cancel a job that waits; ask a running one to stop; leave a finished one as it is."""
    return jobs_cancel(jobs=Job.objects.filter(pk=job.pk))[0]


@transaction.atomic
def jobs_cancel(*, jobs: JobQuerySet) -> list[Job]:
    """Cancel several at once. In a transaction of your own, cancel before you request."""
    locked = list(jobs.locked())
    for job in locked:
        if job.state == State.QUEUED:
            _release(job)
            _end(job, State.CANCELLED)
        elif job.state == State.RUNNING:
            _change(job, cancel_requested_at=Coalesce("cancel_requested_at", Now()))
    return locked


def jobs_running() -> int:
    """How many jobs of the workspace in scope wait or run, up to a thousand."""
    return int(Job.objects.active()[:MOST_SHOWN].count())


def loads() -> list[QueueLoad]:
    """The load of every queue, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue, waiting, running, oldest_seconds FROM jobs_load()")
        found = {row[0]: QueueLoad(*row) for row in cursor.fetchall()}
    return [found.get(queue, QueueLoad(queue)) for queue in sorted(QUEUES)]


def forget_jobs(before: datetime) -> int:
    """Delete jobs that ended before this time, of kinds to which nothing else refers."""
    names = [kind.name for kind in kinds() if kind.forgotten]
    old = Job.objects.finished().filter(kind__in=names, finished_at__lt=before)
    ids = list(old.values_list("pk", flat=True)[:BATCH])
    return int(Job.objects.filter(pk__in=ids).delete()[0])


def oldest_silence() -> float:
    """Seconds since the last sign of life of the running job that has been silent longest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT jobs_silence()")
        return float(cursor.fetchone()[0])


def actor_of(lease: Lease) -> Actor:
    """In whose name the leased job is done; raises StaleLease where somebody else does it."""
    with tenant_scope(lease.tenant_id):
        job: Job | None = Job.objects.held(lease).first()
    if job is None:
        raise StaleLease
    return job.actor


def finish(
    lease: Lease,
    *,
    result: dict[str, Any],
    usage: Units | None = None,
    apply: Apply | None = None,
) -> None:
    """Effect, charge, usage and state in one transaction, which a stale lease cannot commit."""

    def end(job: Job) -> None:
        cost = _settle(job, usage, apply)
        ended = {"progress": 100, "result": result, "error_code": "", "error_detail": ""}
        _end(job, State.SUCCEEDED, cost=cost, **ended)

    _guarded(lease, end)


def cancelled(lease: Lease, *, usage: Units | None = None, apply: Apply | None = None) -> None:
    """The work stopped because it was asked to; what it produced is kept and charged."""

    def end(job: Job) -> None:
        cost = _settle(job, usage, apply)
        _end(job, State.CANCELLED, cost=cost)

    _guarded(lease, end)


def fail(
    lease: Lease,
    *,
    code: str,
    detail: str,
    retry: bool,
    usage: Units | None = None,
) -> bool:
    """The work failed: end it and release its credits, or try again later; True where it will be.

    Usage is given only where a failure is charged for what it produced.
    """

    message = message_of(lease.kind, code, detail)

    def end(job: Job) -> None:
        if retry:
            _retry_or_bury(job, code, message, delay=RETRY_DELAY * job.tries)
        else:
            cost = _settle(job, usage)
            _end(job, State.FAILED, cost=cost, error_code=code, error_detail=message[:500])

    return _guarded(lease, end).active


def postpone_unknown(lease: Lease) -> None:
    """This version of the program does not know the kind: leave the job to one that does.

    In a rolling deploy there is such a version, so this is no failed attempt; but not for ever.
    """
    reason: dict[str, Any] = {
        "error_code": "unknown_kind",
        "error_detail": message_of("", "unknown_kind", ""),
    }

    def end(job: Job) -> None:
        logger.warning("unknown_kind job=%s kind=%s", job.pk, job.kind)
        if timezone.now() - job.enqueued_at < UNKNOWN_KIND_PATIENCE:
            delay = RETRY_DELAY * min(job.handed_back + 1, 6)
            _requeue(job, handed_back=F("handed_back") + 1, due_at=Now() + delay, **reason)
        else:
            _release(job)
            _end(job, State.FAILED, **reason)

    _guarded(lease, end)


def hand_back(lease: Lease) -> None:
    """A worker that stops gives its job to the next one; this is no failed attempt."""
    _guarded(lease, lambda job: _requeue(job, handed_back=F("handed_back") + 1))


def recover(*, job_id: UUID) -> None:
    """Take a job from a worker that fell silent."""
    _take_back(Job.objects.overdue().filter(pk=job_id))


def recover_from_dead(*, job_id: UUID, owner: str) -> None:
    """Take a job from a worker that is known to be dead, before its lease runs out."""
    _take_back(Job.objects.filter(pk=job_id, state=State.RUNNING, lease_owner=owner))


@transaction.atomic
def _take_back(held: JobQuerySet) -> None:
    job = held.select_for_update(skip_locked=True).first()
    if job is None:
        return
    logger.warning("job_recovered job=%s attempt=%s", job.pk, job.attempt)
    reason = message_of(job.kind, "worker_lost", "")
    if job.cancel_requested_at:
        _release(job)
        _end(job, State.CANCELLED)
    elif job.max_attempts > 1 and job.handed_back < MOST_LOSSES:
        lost: dict[str, Any] = {"error_code": "worker_lost", "error_detail": reason}
        _requeue(job, handed_back=F("handed_back") + 1, **lost)
    else:
        _retry_or_bury(job, "worker_lost", reason)


def _guarded(lease: Lease, end: Apply) -> Job:
    """End the job in one transaction, begun anew where Postgres breaks a deadlock with it."""
    with tenant_scope(lease.tenant_id):
        for left in reversed(range(DEADLOCK_TRIES)):
            try:
                return _end_held(lease, end)
            except OperationalError as error:
                if not (left and isinstance(error.__cause__, DeadlockDetected)):
                    raise
                logger.info("deadlock job=%s tries_left=%s", lease.job_id, left)
    raise AssertionError("The last try returns or raises.")


@transaction.atomic
def _end_held(lease: Lease, end: Apply) -> Job:
    job: Job | None = Job.objects.held(lease).select_for_update(of=("self",)).first()
    if job is None:
        logger.warning("stale_lease job=%s token=%s", lease.job_id, lease.token)
        raise StaleLease
    with acting(job.actor):
        end(job)
    return job


def _settle(job: Job, usage: Units | None, apply: Apply | None = None) -> int:
    """The job's effect, then its charge: the ledger is locked last, and so not for long."""
    if apply:
        apply(job)
    if usage is None:
        _release(job)
        return 0
    used = Usage.of(usage)
    kind = kind_of(job.kind)
    if kind and (foreign := used.units.keys() - set(kind.meters)):
        raise LookupError(f"The kind {job.kind} does not declare {', '.join(sorted(foreign))}.")
    event = settle(
        source=Source("job", str(job.pk)),
        kind=job.kind,
        usage=used,
        asked_at=job.enqueued_at,
        reservation=job.reservation,
    )
    return event.amount


def _retry_or_bury(job: Job, code: str, detail: str, *, delay: timedelta = timedelta()) -> None:
    reason: dict[str, Any] = {"error_code": code, "error_detail": detail[:500]}
    if job.tries < job.max_attempts:
        _requeue(job, due_at=Now() + delay, **reason)
    else:
        _release(job)
        _end(job, State.DEAD, **reason)


def _requeue(job: Job, **values: Any) -> None:
    _change(job, state=State.QUEUED, lease_until=None, lease_owner="", progress=0, **values)
    notify_on_commit(job.queue)


def _release(job: Job) -> None:
    if job.reservation:
        void(reservation=job.reservation)


def _end(job: Job, state: State, *, cost: int = 0, **values: Any) -> None:
    ended: dict[str, Any] = {"state": state, "finished_at": Now(), "cost": cost}
    _change(job, lease_until=None, lease_owner="", **ended, **values)
    job_ended.send(sender=Job, job=job)


def _change(job: Job, **values: Any) -> None:
    """Write values; those that the database computes are read when somebody asks for them."""
    Job.objects.filter(pk=job.pk).update(updated_at=Now(), **values)
    for name, value in values.items():
        if hasattr(value, "resolve_expression"):
            job.__dict__.pop(name, None)
        else:
            setattr(job, name, value)


def _sha256(payload: dict[str, Any]) -> str:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
