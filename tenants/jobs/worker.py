"""The plain worker: one job after the other, each by the handler of its kind."""

import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import OperationalError, close_old_connections, connections

from saas.errors import AppError
from tenants.billing.prices import Usage
from tenants.jobs import leases, services
from tenants.jobs.models import Lease
from tenants.jobs.registry import kind_of
from tenants.jobs.shutdown import shutting_down
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = settings.JOB_LEASE_SECONDS / 3


class Interrupted(Exception):
    """Raised by Control.check() when the work is to stop."""


class Cancelled(Interrupted):
    """Somebody cancelled the job."""


class ShuttingDown(Interrupted):
    """The worker is shutting down."""


class Outcome(NamedTuple):
    """What a handler returns: the result, what it consumed, and the effect to commit with it."""

    result: dict[str, Any]
    usage: Usage | None = None
    apply: services.Apply | None = None


Handler = Callable[[Lease, "Control"], Outcome]


class Control:
    """Keeps the lease while a handler works, and tells the handler when to stop."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._done = threading.Event()
        self._cancelled = self._stale = False
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

    def progress(self, percent: int, note: str | None = None) -> None:
        """Show how far the work is; raises when it is to stop."""
        self._beat(progress=percent, note=note)
        self.check()

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
    try:
        with Control(lease) as control, tenant_scope(lease.tenant_id):
            outcome = Outcome(*handler(lease.kind)(lease, control))
        services.finish(lease, result=outcome.result, usage=outcome.usage, apply=outcome.apply)
    except leases.StaleLease:
        logger.warning("work_discarded job=%s token=%s", lease.job_id, lease.token)
    except Cancelled:
        services.cancelled(lease)
    except ShuttingDown:
        services.hand_back(lease)
    except AppError as error:
        services.fail(lease, code=error.code, detail=str(error), retry=error.retryable)
    except Exception as error:  # the job's own bug: logged here, shown by its name, tried again
        logger.exception("job_failed job=%s kind=%s", lease.job_id, lease.kind)
        services.fail(lease, code="internal_error", detail=type(error).__name__, retry=True)


def handler(kind: str) -> Handler:
    """The function that does jobs of this kind."""
    known = kind_of(kind)
    if known is None:
        raise LookupError(f"No app has registered the kind of job {kind}.")
    return known.load()
