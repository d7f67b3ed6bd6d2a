"""The one-off commands of a start, with their progress, and the order in which they run."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from saas.stack.config import ROOT
from saas.stack.errors import StackError
from saas.stack.place import Place
from saas.stack.processes import dies_with_parent
from saas.stack.terminal import say

SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """One command that must succeed before the next."""

    name: str
    what: str
    argv: tuple[str, ...]


def manage(name: str, what: str, *arguments: str) -> Step:
    return Step(name, what, (sys.executable, "manage.py", *arguments))


def run(step: Step, env: Mapping[str, str], place: Place) -> str:
    """Run it, showing its latest line now and then; its whole output goes to its log."""
    started = time.monotonic()
    say(step.name, f"{step.what} …")
    process = subprocess.Popen(
        step.argv,
        cwd=ROOT,
        env={**os.environ, **env, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )
    try:
        said = _follow(step.name, process)
    except BaseException:
        process.kill()
        raise
    log = place.logs / f"{step.name}.log"
    log.write_text("\n".join(said) + "\n")
    if process.returncode:
        reason = said[-1].strip() if said else f"exit {process.returncode}"
        raise StackError(f"{step.what} failed: {reason}", f"All it said is in {log}.")
    say(step.name, f"done in {time.monotonic() - started:.1f} s")
    return "\n".join(said)


def _follow(name: str, process: "subprocess.Popen[str]") -> list[str]:
    started = time.monotonic()
    said: list[str] = []
    output = process.stdout
    assert output
    reader = threading.Thread(
        target=lambda: said.extend(line.rstrip() for line in output), daemon=True
    )
    reader.start()
    while reader.is_alive():
        reader.join(SECONDS_BETWEEN_LINES)
        if reader.is_alive() and said:
            say(name, f"  {time.monotonic() - started:.0f} s: {said[-1].strip()[:70]}")
    process.wait()
    return said
