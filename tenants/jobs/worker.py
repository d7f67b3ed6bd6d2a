"""The plain worker: one job after the other, each by the handler of its kind.

A handler is a function of (lease, control) that returns an Outcome.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import close_old_connections, connection, connections
from structlog.contextvars import bound_contextvars

from saas.errors import AppError
from saas.outages import AWAY, cause, through_outages
from tenants.actors import acting
from tenants.jobs import leases, services, vitals
from tenants.jobs.models import Lease
from tenants.jobs.registry import kind_of
from tenants.jobs.shutdown import shutting_down
from tenants.jobs.streams import piece, publish
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = settings.JOB_LEASE_SECONDS / 3
# Where one failed: whoever is first after an outage must not find the lease run out.
HEARTBEAT_AGAIN_SECONDS = 1.0
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
        pause = HEARTBEAT_SECONDS
        try:
            while not self._done.wait(pause):
                pause = HEARTBEAT_SECONDS if self._beat() else HEARTBEAT_AGAIN_SECONDS
        finally:
            connections.close_all()

    def _beat(self, **news: Any) -> bool:
        """Whether the database has heard."""
        vitals.touch("heartbeat")
        try:
            self._cancelled = leases.heartbeat(self._lease, **news).cancelled
        except leases.StaleLease:
            self._stale = True
        except AWAY as error:
            logger.warning("heartbeat_failed job=%s error=%s", self._lease.job_id, cause(error))
            connection.close()
            return False
        return True


def run(queue: str, owner: str) -> None:
    """Work until nothing is due. Where the database is away the sweeper tells when it is back."""
    try:
        while not shutting_down():
            close_old_connections()
            vitals.touch("look")
            taken = leases.take(queue, limit=1, owner=owner)
            if not taken and not leases.due(queue, 1):
                return
            for lease in taken:
                perform(lease)
    except AWAY as error:
        logger.warning("database_away queue=%s error=%s", queue, cause(error))
        connection.close()


def perform(lease: Lease) -> None:
    """Do one job and commit its end, whatever that is; its lease is kept until that is stored."""
    with bound_contextvars(**lease.log_ids):
        if kind_of(lease.kind) is None:
            return services.postpone_unknown(lease)
        try:
            with Control(lease) as control:
                _perform(lease, control)
        except leases.StaleLease:
            logger.warning("work_discarded job=%s token=%s", lease.job_id, lease.token)
    return None


def _perform(lease: Lease, control: Control) -> None:
    end = partial(_end, lease)
    try:
        done = _work(lease, control)
        end(services.finish, result=done.result, usage=done.usage, apply=done.apply)
    except leases.StaleLease:
        raise
    except Cancelled as stop:
        end(services.cancelled, usage=stop.outcome.usage, apply=stop.outcome.apply)
    except ShuttingDown:
        end(services.hand_back)
    except AWAY as error:  # the platform's fault, and none of the job's attempts
        logger.warning("handed_back job=%s error=%s", lease.job_id, cause(error))
        connection.close()
        end(services.hand_back)
    except AppError as error:
        end(services.fail, code=error.code, detail=str(error), retry=error.retryable)
    except Exception as error:  # the job's own bug: logged here, shown by its name, tried again
        logger.exception("job_failed job=%s kind=%s", lease.job_id, lease.kind)
        end(services.fail, code="internal_error", detail=type(error).__name__, retry=True)


def _work(lease: Lease, control: Control) -> Outcome:
    """What the handler of the job's kind came to."""
    kind = kind_of(lease.kind)
    assert kind is not None
    actor = cache(partial(services.actor_of, lease))  # looked up once, where it is asked for
    with tenant_scope(lease.tenant_id), acting(actor):
        return Outcome(*kind.load()(lease, control))


def _end(lease: Lease, commit: Callable[..., object], **values: Any) -> None:
    through_outages(partial(commit, lease, **values), give_up=shutting_down)
