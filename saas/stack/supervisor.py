"""Starts services in order, restarts the ones that crash, and stops them in the opposite order."""

import signal
import time
from types import FrameType
from typing import Protocol

from saas.stack.errors import StackError
from saas.stack.processes import Child
from saas.stack.terminal import complain, say

LOOK_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# After this long without a crash the next one counts as the first again.
CALM_SECONDS = 60.0


class Service(Protocol):
    @property
    def child(self) -> Child: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Stopped(BaseException):
    """Ctrl-C or a signal to end; no error, so nothing that handles errors may catch it."""


class Supervisor:
    """Use as a context manager: whatever was started is stopped on the way out."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._ignore_signals()
        say("kindling", "stopping; what is being worked on is handed back")
        for watched in reversed(self._watched):
            watched.service.stop()
            say(watched.name, "stopped")

    def start(self, service: Service) -> None:
        watched = Watched(service)
        self._watched.append(watched)
        watched.start()

    def watch(self) -> None:
        """Until a signal comes."""
        while True:
            for watched in self._watched:
                watched.look()
            time.sleep(LOOK_SECONDS)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._ignore_signals()
        raise Stopped(signal.Signals(number).name)

    def _ignore_signals(self) -> None:
        """A second Ctrl-C must not leave servers behind."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


class Watched:
    """One service with the memory of its crashes."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.name = service.child.name
        self._started = 0.0
        self._pause = FIRST_PAUSE
        self._again_at: float | None = None

    def start(self) -> None:
        self._started = time.monotonic()
        self.service.start()
        say(self.name, f"started in {time.monotonic() - self._started:.1f} s")

    def look(self) -> None:
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self._start_again()
        elif not self.service.child.running:
            self._plan_restart(now)

    def _plan_restart(self, now: float) -> None:
        if now - self._started > CALM_SECONDS:
            self._pause = FIRST_PAUSE
        code = self.service.child.exit_code
        log = self.service.child.log
        complain(self.name, f"ended by itself (exit {code}); again in {self._pause:.0f} s: {log}")
        self.service.stop()  # what is left of its process group
        self._again_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _start_again(self) -> None:
        self._again_at = None
        try:
            self.start()
        except StackError as error:
            complain(self.name, str(error))
