"""The plain worker: one job after the other, each by the handler of its kind.

A handler is a function of (lease, control) that returns an Outcome.
"""

import logging
import threading
import time
from functools import cache, partial
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import OperationalError, close_old_connections, connections

from saas.errors import AppError
from tenants.actors import acting
from tenants.jobs import leases, services
from tenants.jobs.models import Lease
from tenants.jobs.registry import kind_of
from tenants.jobs.shutdown import shutting_down
from tenants.jobs.streams import piece, publish
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = settings.JOB_LEASE_SECONDS / 3
PROGRESS_SECONDS = 0.5


class Interrupted(Exception):
    """Raised by Control.check() when the work is to stop."""


class Outcome(NamedTuple):
    """What a handler returns: the result, what it consumed, and the effect to commit with it."""

    result: dict[str, Any]
    usage: services.Units | None = None
    apply: services.Apply | None = None


class Cancelled(Interrupted):
    """Somebody cancelled the job. A handler raises it anew with what is to be kept and charged."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        super().__init__()
        self.outcome = outcome or Outcome({})


class ShuttingDown(Interrupted):
    """The worker is shutting down."""


class Control:
    """Keeps the lease while a handler works, and tells the handler when to stop."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._done = threading.Event()
        self._cancelled = self._stale = False
        self._shown = -PROGRESS_SECONDS
        self._thread = threading.Thread(target=self._keep, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Call this often. Raises when the work is to stop."""
        if self._stale:
            raise leases.StaleLease
        if self._cancelled:
            raise Cancelled
        if shutting_down():
            raise ShuttingDown

    def progress(self, percent: int, note: str = "") -> None:
        """Show how far the work is, now and then; raises when it is to stop.

        It is written on a connection in autocommit, so call it outside of transactions.
        """
        now = time.monotonic()
        if percent >= 100 or now - self._shown >= PROGRESS_SECONDS:
            self._shown = now
            self._beat(progress=percent, note=note)
            self.publish("progress", percent=percent, note=note)
        self.check()

    def publish(self, name: str, **data: Any) -> None:
        """Tell whoever follows the job; lost where Valkey is away."""
        publish([piece(self._lease, name, data)])

    def _keep(self) -> None:
        try:
            while not self._done.wait(HEARTBEAT_SECONDS):
                self._beat()
        finally:
            connections.close_all()

    def _beat(self, **news: Any) -> None:
        try:
            self._cancelled = leases.heartbeat(self._lease, **news).cancelled
        except leases.StaleLease:
            self._stale = True
        except OperationalError:
            logger.warning("heartbeat_failed job=%s", self._lease.job_id, exc_info=True)
            close_old_connections()


def run(queue: str, owner: str) -> None:
    """Work until nothing is due."""
    while not shutting_down():
        close_old_connections()
        taken = leases.take(queue, limit=1, owner=owner)
        if not taken and not leases.due(queue, 1):
            return
        for lease in taken:
            perform(lease)


def perform(lease: Lease) -> None:
    """Do one job and commit its end, whatever that is."""
    kind = kind_of(lease.kind)
    if kind is None:
        return services.postpone_unknown(lease)
    try:
        actor = cache(partial(services.actor_of, lease))  # looked up once, where it is asked for
        with Control(lease) as control, tenant_scope(lease.tenant_id), acting(actor):
            outcome = Outcome(*kind.load()(lease, control))
        services.finish(lease, result=outcome.result, usage=outcome.usage, apply=outcome.apply)
    except leases.StaleLease:
        logger.warning("work_discarded job=%s token=%s", lease.job_id, lease.token)
    except Cancelled as stop:
        services.cancelled(lease, usage=stop.outcome.usage, apply=stop.outcome.apply)
    except ShuttingDown:
        services.hand_back(lease)
    except AppError as error:
        services.fail(lease, code=error.code, detail=str(error), retry=error.retryable)
    except Exception as error:  # the job's own bug: logged here, shown by its name, tried again
        logger.exception("job_failed job=%s kind=%s", lease.job_id, lease.kind)
        services.fail(lease, code="internal_error", detail=type(error).__name__, retry=True)
    return None
