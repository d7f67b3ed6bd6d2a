"""Child processes that die with the supervisor, and the cleaning up after one that was killed."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from saas.stack.errors import StackError
from saas.stack.place import Account, Place, identity

PR_SET_PDEATHSIG = 1
LARGEST_LOG = 10 * 1024 * 1024
# Process start times are kept in clock ticks; two readings may differ by a rounding.
SAME_START_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run and how it wants to be stopped."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0


class Child:
    """One running command: its process group, pid file and log."""

    def __init__(self, command: Command, place: Place) -> None:
        self.command = command
        self.name = command.name
        self.log = place.logs / f"{command.name}.log"
        self._pid_file = place.pids / f"{command.name}.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self) -> None:
        _rotate(self.log)
        command = self.command
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command.argv,
                env={**os.environ, **command.env},
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                preexec_fn=dies_with_parent(command.orphan_signal),
                **identity(command.account),
            )
        _write_pid_file(self._pid_file, self._process.pid, command)

    def stop(self) -> None:
        """Ask, wait, then end the whole group: nothing of it is left afterwards."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(self.command.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.command.stop_seconds)
        _kill_group(self._process.pid)
        self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def last_words(self, lines: int = 5) -> str:
        """The end of the log, for the person at the terminal."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Whether the child became ready in time; False as soon as it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.running:
            if ready():
                return True
            time.sleep(0.05)
        return False


def dies_with_parent(orphan_signal: signal.Signals) -> Callable[[], None] | None:
    """Linux sends the signal when the supervisor ends; elsewhere the next start cleans up."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arm


def _write_pid_file(path: Path, pid: int, command: Command) -> None:
    started = psutil.Process(pid).create_time()
    path.write_text(f"{pid} {started} {int(command.orphan_signal)} {command.stop_seconds}\n")


def end_orphans(place: Place) -> None:
    """End what a killed supervisor left behind; a reused process id is left alone."""
    for pid_file in place.pids.glob("*.pid"):
        with contextlib.suppress(ValueError):  # killed while writing it
            pid, started, orphan_signal, seconds = pid_file.read_text().split()
            if float(started) > psutil.boot_time() and not _is_another(int(pid), float(started)):
                _end_group(int(pid), int(orphan_signal), float(seconds))
        pid_file.unlink()


def _is_another(pid: int, started: float) -> bool:
    try:
        found: float = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return abs(found - started) > SAME_START_SECONDS


def group_members(group: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _end_group(group: int, gently: int, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(group, gently)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(group_members(group)):
        time.sleep(0.05)
    _kill_group(group)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))


def refuse(child: Child, what: str) -> StackError:
    """The error of a child that did not come up, with what it said last."""
    return StackError(f"{what} did not start.\n{child.last_words()}", f"Its log is {child.log}.")
