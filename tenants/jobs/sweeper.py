"""The sweeper: a thread of each worker process that recovers what others left behind.

Workers that died leave leases that run out, brokers that died leave jobs of which no
worker was told.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from celery.signals import worker_process_init, worker_process_shutdown
from django.conf import settings
from django.db import Error, connection, connections, transaction
from redis import RedisError

from saas.errors import AppError
from saas.outages import Backoff, cause
from saas.redis_client import redis_client
from tenants.billing.models import LedgerTransfer
from tenants.billing.readings import post_readings, readings_due
from tenants.billing.services import expire
from tenants.jobs.leases import held_by_the_dead
from tenants.jobs.notify import notify
from tenants.jobs.registry import kinds
from tenants.jobs.services import recover, recover_from_dead
from tenants.jobs.startup import watch as may_sweep
from tenants.retention import purge_all
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = settings.JOB_LEASE_SECONDS / 6
# Workers are told again of a job that nobody took for so many seconds.
PATIENCE_SECONDS = 3
# After an outage workers that live have so long to renew their leases.
GRACE_SECONDS = 5.0
# So long after the last sweep it is plain that there was an outage, here or of the database.
LONGEST_GAP_SECONDS = 2 * INTERVAL_SECONDS + GRACE_SECONDS
BATCH = 100
PURGED, PURGE_EVERY_SECONDS = "kindling:purged", 86_400
LOCK = 0x6B696E646C65  # "kindle": one process sweeps at a time


def sweep(calm: Callable[[], bool] = lambda: True, patience: int = PATIENCE_SECONDS) -> None:
    """Recover jobs, expire reservations, tell of what waits; one process at a time.

    Leases that ran out are recovered in calm times only; those of the dead on this host at once.
    """
    for tenant_id, pk, owner in held_by_the_dead():
        _in_scope(tenant_id, partial(recover_from_dead, job_id=pk, owner=owner))
    with transaction.atomic():
        if not _alone():
            return
        overdue = _rows("SELECT tenant_id, id FROM jobs_overdue(%s)", BATCH) if calm() else []
        for tenant_id, pk in overdue:
            _in_scope(tenant_id, partial(recover, job_id=pk))
        for tenant_id, pk in _rows("SELECT tenant_id, id FROM reservations_overdue(%s)", BATCH):
            _in_scope(tenant_id, partial(_expire, pk))
    # Each workspace's in a transaction of its own, so that no ledger is locked for long.
    for tenant_id in readings_due():
        _in_scope(tenant_id, post_readings)
        for kind in kinds():
            _in_scope(tenant_id, kind.ask_if_due)
    for (queue,) in _rows("SELECT queue FROM jobs_unheard(%s)", patience):
        notify(queue)
    purge_if_due()


def purge_if_due() -> None:
    """Delete old rows, once a day over all workers; nothing happens where Valkey is away."""
    try:
        with redis_client(socket_timeout=1) as client:
            first = client.set(PURGED, "1", nx=True, ex=PURGE_EVERY_SECONDS)
    except RedisError:
        return
    if first:
        purge_all()


def _in_scope(tenant_id: UUID, work: Callable[[], object]) -> None:
    """What cannot be done for one workspace must not hold up the others."""
    try:
        with tenant_scope(tenant_id):
            work()
    except AppError:
        logger.exception("sweep_skipped tenant=%s", tenant_id)


def _expire(reservation_id: UUID) -> None:
    expire(reservation=LedgerTransfer.objects.get(pk=reservation_id))


def _alone() -> bool:
    # Held by the transaction, not the session: it also works behind a transaction pooler.
    ((won,),) = _rows("SELECT pg_try_advisory_xact_lock(%s)", LOCK)
    return bool(won)


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


class Sweeper(threading.Thread):
    """Sweeps every few seconds, on a database connection of its own; soon after an outage."""

    def __init__(self, work: Callable[..., None] = sweep, every: float = INTERVAL_SECONDS) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._work = work
        self._every = every
        self._done = threading.Event()
        self._database = Backoff(longest_s=1.0)
        self._last = self._calm_at = -LONGEST_GAP_SECONDS

    def run(self) -> None:
        try:
            while not may_sweep.wait(self._every):
                if self._done.is_set():
                    return
            while not self._done.wait(self._once()):
                pass
        finally:
            connections.close_all()

    def stop(self) -> None:
        self._done.set()
        self.join(timeout=2)

    def _once(self) -> float:
        """Sweep; the seconds until the next time."""
        try:
            # Right after an outage nobody else may have told of what waits.
            self._work(self.calm, 0 if self._database.failing else PATIENCE_SECONDS)
        except Error as error:
            if not self._database.failing:
                logger.warning("sweep_failed error=%s", cause(error))
            connection.close()
            return self._database.failed()
        if away_s := self._database.succeeded():
            logger.info("sweeps_again after_s=%.1f", away_s)
        return self._every

    def calm(self) -> bool:
        """Whether the last sweep was a short while ago, and so leases ran out for good reason."""
        now = time.monotonic()
        if now - self._last > LONGEST_GAP_SECONDS:
            self._calm_at = now + GRACE_SECONDS
        self._last = now
        return now >= self._calm_at


_sweepers: list[Sweeper] = []


@worker_process_init.connect  # type: ignore[untyped-decorator]
def start(**_: Any) -> None:
    _sweepers.append(Sweeper())
    _sweepers[-1].start()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def stop(**_: Any) -> None:
    while _sweepers:
        _sweepers.pop().stop()
