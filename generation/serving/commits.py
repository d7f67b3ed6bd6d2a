"""Stores what the batch worker's jobs came to, and tells readers: in threads beside the engine.

Publishing has a lane of its own: a Valkey that hangs must not keep a finished text from Postgres.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from django.db import connection, connections
from structlog.contextvars import bound_contextvars

from saas.outages import through_outages
from tenants.jobs.leases import StaleLease
from tenants.jobs.models import Lease
from tenants.jobs.shutdown import shutting_down
from tenants.jobs.streams import StreamPiece, publish

log = logging.getLogger(__name__)

Commit = Callable[..., object]
# So long an end waits for its text to stand in the stream. Readers get the rest from Postgres.
PUBLISH_WAIT_S = 1.0


class InlineExecutor:
    """Does everything at once."""

    def publish(self, events: list[StreamPiece]) -> None:
        publish(events)

    def end(self, commit: Commit, lease: Lease, values: dict[str, Any]) -> None:
        ended(commit, lease, values)

    def held(self) -> list[Lease]:
        """The leases of jobs whose ends are not stored yet."""
        return []

    def shutdown(self) -> None:
        """Come back when all is done."""


class ThreadExecutor(InlineExecutor):
    """Publishes in one thread and stores ends in another, on a connection of its own."""

    def __init__(self) -> None:
        self.ends = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commits")
        self.publishing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publishing")
        self.published: list[Future[None]] = []
        self.unstored: dict[Future[None], Lease] = {}

    def publish(self, events: list[StreamPiece]) -> None:
        self.published = [self.publishing.submit(publish, events)]

    def end(self, commit: Commit, lease: Lease, values: dict[str, Any]) -> None:
        task = partial(_after, self.published, partial(ended, commit, lease, values))
        self.unstored[self.ends.submit(task)] = lease

    def held(self) -> list[Lease]:
        self.unstored = {end: lease for end, lease in self.unstored.items() if not end.done()}
        return list(self.unstored.values())

    def shutdown(self) -> None:
        self.ends.submit(connections.close_all)
        self.ends.shutdown(wait=True)
        self.publishing.shutdown(wait=True, cancel_futures=True)


def _after(published: list[Future[None]], end: Callable[[], None]) -> None:
    """Store an end once what was published before it is there, or does not come."""
    wait(published, timeout=PUBLISH_WAIT_S)
    end()


def ended(commit: Commit, lease: Lease, values: dict[str, Any]) -> None:
    """Commit a job's end; where that fails, its lease runs out and another worker gets it."""
    try:
        with bound_contextvars(**lease.log_ids):
            through_outages(partial(commit, lease, **values), give_up=shutting_down)
    except StaleLease:
        log.warning("stale_lease job=%s", lease.job_id)
    except Exception:  # the others' ends must still be written; this one is logged and comes again
        log.exception("end_lost job=%s", lease.job_id)
        connection.close()
