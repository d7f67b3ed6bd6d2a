"""Lets a process work only once Postgres was seen to isolate tenants: as soon as it can be asked.

A process that starts while Postgres is away waits for it; one that finds a violation ends.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection

from saas.outages import cause
from tenants.isolation_checks import assert_isolation, missing_tables

logger = logging.getLogger(__name__)

RETRY_S = 1.0
# So long a start waits for the first answer; then it goes on and says that it could not look.
START_S = 4.0
PROBE_S = 2


class IsolationWatch:
    """Looks until Postgres has answered; a violation is told to whoever waits, or else to `end`."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end
        self.violation = ""
        self._seen = threading.Event()
        self._looked = threading.Event()
        self._begun = self._started = False
        self._lock = threading.Lock()

    @property
    def isolated(self) -> bool:
        """Whether tenants were seen to be isolated."""
        return self._seen.is_set()

    def look(self) -> None:
        """Look once; raises ImproperlyConfigured where tenants are not isolated."""
        if reason := self._look():
            logger.warning("isolation_unchecked reason=%s", reason)
        if self.violation:
            raise ImproperlyConfigured(self.violation)

    def start(self, seconds: float = START_S) -> None:
        """Look now, and go on looking where Postgres is away.

        Raises ImproperlyConfigured where Postgres answers in time that tenants are not isolated.
        """
        self._begun = True
        threading.Thread(target=self._run, name="isolation", daemon=True).start()
        self._looked.wait(seconds)
        with self._lock:
            self._started = True
            if self.violation:
                raise ImproperlyConfigured(self.violation)
        if not self.isolated:
            logger.warning("isolation_unchecked: nothing is served until Postgres can be asked")

    def wait(self, seconds: float) -> bool:
        """Whether work may begin within the time: once it was seen, or where nobody looks."""
        return not self._begun or self._seen.wait(seconds)

    def _run(self) -> None:
        pause = threading.Event()
        said = ""
        while (reason := self._look()) is not None:
            self._looked.set()
            if reason != said:
                logger.warning("isolation_unchecked reason=%s", reason)
            said = reason
            pause.wait(RETRY_S)
        if said and self.isolated:
            logger.warning("isolation_checked: requests and jobs are taken from now on")
        self._looked.set()

    def _look(self) -> str | None:
        """Why nothing can be said yet; None once it is known."""
        try:
            probe()
            if missing := missing_tables():
                return f"The table {missing[0]} is missing: run manage.py migrate."
            assert_isolation()
        except ImproperlyConfigured as error:
            self._refuse(str(error))
        except (Error, psycopg.Error) as error:
            return cause(error)
        else:
            self._seen.set()
        finally:
            connection.close()
        return None

    def _refuse(self, violation: str) -> None:
        with self._lock:
            self.violation = violation
            late = self._started
        if late:
            logger.critical("not_isolated %s", violation)
            self.end()


def probe() -> None:
    """Raise psycopg.Error at once where Postgres is away: the pool would wait, and be late."""
    params = connection.get_connection_params() | {"connect_timeout": PROBE_S}
    psycopg.connect(**params).close()


def end_process() -> None:
    """Stop in good order; the supervisor's new start says why it refuses."""
    os.kill(os.getpid(), signal.SIGTERM)


def end_worker() -> None:
    """Stop the Celery worker, of which this process is a child."""
    os.kill(os.getppid(), signal.SIGTERM)
