"""Children under supervision: restarted when they crash, stopped in the opposite order."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from saas.stack import secret, supervisor
from saas.stack.errors import StackError
from saas.stack.place import Place
from saas.stack.processes import Command
from saas.stack.programs import Program
from saas.stack.steps import Step, run
from saas.stack.supervisor import Stopped, Supervisor

SLEEPS = "import time; time.sleep(60)"
HAS_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SLEEPS}'])"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(data=tmp_path, home=tmp_path, sockets=tmp_path, account=None)
    place.logs.mkdir()
    place.pids.mkdir()
    return place


@pytest.fixture(autouse=True)
def _same_signals_afterwards() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _program(place: Place, code: str, name: str = "program") -> Program:
    return Program(Command(name=name, argv=(sys.executable, "-c", code)), place, lambda: True)


def test_a_crashed_program_is_started_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.0)
    program = _program(place, SLEEPS)
    watched = supervisor.Watched(program)
    watched.start()
    first = program.child.pid
    os.kill(first, signal.SIGKILL)
    while program.child.running:
        time.sleep(0.02)
    watched.look()
    watched.look()
    assert program.child.running
    assert program.child.pid != first
    assert "ended by itself (exit -9)" in capsys.readouterr().err
    program.stop()


def test_each_crash_in_a_row_waits_longer(place: Place) -> None:
    watched = supervisor.Watched(_program(place, "raise SystemExit(3)"))
    watched.start()
    pauses = []
    for _ in range(7):
        watched._plan_restart(time.monotonic())
        pauses.append(watched._pause)
    assert pauses == [2, 4, 8, 16, 30, 30, 30]


def test_the_last_started_is_stopped_first(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with Supervisor() as running:
        running.start(_program(place, SLEEPS, "database"))
        running.start(_program(place, SLEEPS, "web"))
    stopped = [line for line in capsys.readouterr().out.splitlines() if "stopped" in line]
    assert [line.split()[0] for line in stopped] == ["web", "database"]


def test_a_signal_ends_the_watch_and_all_children(place: Place) -> None:
    program = _program(place, SLEEPS)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped), Supervisor() as running:  # noqa: PT012
        running.start(program)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        running.watch()
    assert not program.child.running


def test_grandchildren_end_with_their_program(place: Place) -> None:
    program = _program(place, HAS_A_CHILD)
    program.start()
    leader = psutil.Process(program.child.pid)
    while not leader.children():
        time.sleep(0.02)
    grandchild = leader.children()[0]
    program.stop()
    grandchild.wait(5)


def test_a_program_that_does_not_come_up_shows_its_last_words(place: Place) -> None:
    command = Command(name="web", argv=(sys.executable, "-c", "raise SystemExit('no settings')"))
    with pytest.raises(StackError, match="no settings"):
        Program(command, place, lambda: False).start()


def test_a_failed_step_stops_the_start_with_its_reason(place: Place) -> None:
    step = Step("migrate", "database tables", (sys.executable, "-c", "raise SystemExit('broken')"))
    with pytest.raises(StackError, match="database tables failed: broken"):
        run(step, {}, place)
    assert (place.logs / "migrate.log").read_text() == "broken\n"


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = secret.ensure(tmp_path / "secret_key")
    key = path.read_text()
    assert len(key) > 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret.ensure(path).read_text() == key
