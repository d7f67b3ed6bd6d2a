"""Our own long-running programs: the web server, and a worker for each queue."""

import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

from saas.stack.config import ROOT, Config
from saas.stack.place import Place
from saas.stack.processes import Child, Command, refuse

START_SECONDS = 60.0
# What a person waits at Ctrl-C; a job cut off here is taken up again at the next start.
WORKER_STOP_SECONDS = 10.0
# The queues, by how much their workers give way: somebody waits for short work and for writing.
NICENESS = {"generate": 0, "default": 0, "score": 10, "train": 15}


class Program:
    """A child that counts as started once `ready` says so."""

    def __init__(self, command: Command, place: Place, ready: Callable[[], bool]) -> None:
        self.child = Child(command, place)
        self._ready = ready

    def start(self) -> None:
        self.child.start()
        if not self.child.wait_until(self._ready, START_SECONDS):
            self.child.stop()
            raise refuse(self.child, f"The {self.child.name}")

    def stop(self) -> None:
        self.child.stop()


def web(config: Config, env: Mapping[str, str], place: Place) -> Program:
    command = Command(
        name="web",
        argv=(
            *(sys.executable, "-m", "saas.serve", "--port", str(config.port)),
            *("--grace", "3"),  # streams would hold it open for ever
        ),
        env=env,
        cwd=ROOT,
    )
    return Program(command, place, lambda: answers(f"{config.url}/healthz"))


def worker(queue: str, env: Mapping[str, str], place: Place) -> Program:
    """A queue's own worker, so that no work waits for work of another sort."""
    command = Command(
        name=f"worker-{queue}",
        argv=(
            *("nice", "-n", str(NICENESS[queue])),
            *(sys.executable, "-m", "celery", "--quiet", "-A", "saas", "worker"),
            *("-n", f"{queue}@%h", "-Q", queue, "-c", "1", "-P", "prefork"),
            *("--without-mingle", "--without-gossip", "--loglevel", "INFO"),
        ),
        # macOS ends a forked child that touches Objective-C, unless told not to.
        env={**env, "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"},
        cwd=ROOT,
        orphan_signal=signal.SIGQUIT,  # Celery's cold shutdown: its pool goes with it
        stop_seconds=WORKER_STOP_SECONDS,
    )
    return Program(command, place, lambda: True)


def predictor(env: Mapping[str, str], place: Place) -> Program:
    """What sorts texts for the web: somebody waits for it, so it gives way to nobody."""
    argv = (sys.executable, "manage.py", "predictor")
    command = Command(name="predictor", argv=argv, env=env, cwd=ROOT)
    return Program(command, place, lambda: True)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
