"""What to do while a server is away: what counts as away, how often to ask, when to stop asking."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

# Errors after which the same statement may succeed on a new connection.
AWAY = (OperationalError, InterfaceError)
# An outage that lasts longer is for people: by then a deploy, or a disk, is at fault.
LONGEST_OUTAGE_S = 900.0


def cause(error: Exception) -> str:
    """The database's first line, for a log: no traceback says more about a server that is away."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


class Backoff:
    """Pauses between tries, each longer than the last; a success begins anew."""

    def __init__(self, first_s: float = 0.1, longest_s: float = 1.0) -> None:
        self.first_s, self.longest_s = first_s, longest_s
        self._pause_s = first_s
        self._again_at = 0.0
        self.since = 0.0

    @property
    def waiting(self) -> bool:
        """Whether it is too soon for another try."""
        return time.monotonic() < self._again_at

    @property
    def failing(self) -> bool:
        return self.since > 0

    @property
    def lasting_s(self) -> float:
        """For how long every try has failed."""
        return time.monotonic() - self.since if self.since else 0.0

    def failed(self) -> float:
        """A try has failed; the seconds until the next."""
        now = time.monotonic()
        self.since = self.since or now
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, self.longest_s)
        self._again_at = now + pause_s
        return pause_s

    def succeeded(self) -> float:
        """A try has succeeded; the seconds that none did, 0 where none had failed."""
        away_s = self.lasting_s
        self._pause_s, self._again_at, self.since = self.first_s, 0.0, 0.0
        return away_s


class Breaker:
    """Spares callers a server that does not answer: after a failure nobody asks it for a while."""

    def __init__(self, rest_s: float) -> None:
        self.rest_s = rest_s
        self._lock = threading.Lock()
        self._closed_at = 0.0

    def admits(self) -> bool:
        """Whether to ask now. While it rests, one caller at a time may see if it is back."""
        with self._lock:
            now = time.monotonic()
            if now < self._closed_at:
                return False
            if self._closed_at:
                self._closed_at = now + self.rest_s
            return True

    def failed(self) -> None:
        with self._lock:
            self._closed_at = time.monotonic() + self.rest_s

    def succeeded(self) -> None:
        with self._lock:
            self._closed_at = 0.0


def through_outages(commit: Callable[[], object], *, give_up: Callable[[], bool]) -> None:
    """Commit, again and again while the database is away, until it is told to give up.

    Raises what the last try raised. `commit` must be one transaction that can be begun anew.
    """
    backoff = Backoff()
    while True:
        try:
            commit()
        except AWAY as error:
            connection.close()
            if give_up() or backoff.lasting_s > LONGEST_OUTAGE_S:
                raise
            if not backoff.failing:
                logger.warning("commit_delayed error=%s", cause(error))
            time.sleep(backoff.failed())
        else:
            if away_s := backoff.succeeded():
                logger.info("committed_late seconds=%.1f", away_s)
            return
