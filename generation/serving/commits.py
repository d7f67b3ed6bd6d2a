"""Commits what the batch worker's jobs came to: in a thread, so that no text waits for it."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection, connections

from tenants.jobs.leases import StaleLease
from tenants.jobs.models import Lease

log = logging.getLogger(__name__)

Task = Callable[[], object]
# An end waits so long for a database that is away, one pause after the other.
OUTAGE_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


class InlineExecutor:
    """Does each task at once."""

    def submit(self, task: Task) -> None:
        task()

    def shutdown(self) -> None:
        """Come back when all is done."""


class ThreadExecutor(InlineExecutor):
    """Does the tasks in their order, beside the engine, on a database connection of its own.

    Tasks see to their own errors: there is nobody here to tell.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commits")

    def submit(self, task: Task) -> None:
        self.pool.submit(task)

    def shutdown(self) -> None:
        self.pool.submit(connections.close_all)
        self.pool.shutdown(wait=True)


def ended(commit: Callable[..., object], lease: Lease, values: dict[str, Any]) -> None:
    """Commit a job's end; where that fails, its lease runs out and another worker gets it."""
    try:
        through_outages(partial(commit, lease, **values))
    except StaleLease:
        log.warning("stale_lease job=%s", lease.job_id)
    except Exception:  # the others' ends must still be written; this one is logged and comes again
        log.exception("end_lost job=%s", lease.job_id)
        connection.close()


def through_outages(commit: Callable[[], object]) -> None:
    """Commit, again and again while the database is away, for most of what a lease holds."""
    for pause_s in (*OUTAGE_PAUSES_S, None):
        try:
            commit()
            return
        except (OperationalError, InterfaceError):
            connection.close()
            if pause_s is None:
                raise
            log.warning("commit_delayed seconds=%s", pause_s, exc_info=True)
            time.sleep(pause_s)
