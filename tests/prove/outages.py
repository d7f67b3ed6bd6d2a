"""Servers that die, stop, hang and forget under load: nothing is lost, and work goes on at once.

python -m tests.prove.outages --faults postgres-kill=3,postgres-stop:4=2 --copy
(CHAOS_SEED repeats a run; a fault is name=times, or name:seconds=times)
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import psutil
import psycopg

from tests.prove.stage import Stage, stage

if TYPE_CHECKING:
    from tests.prove.crowd import Crowd

BACKLOG = 16
QUIET_SECONDS = 240.0
# What is promised: so soon after a fault has ended the next job is done.
RECOVERED_S = 10.0
GAVE_UP_S = 90.0


def postgres_kill(made: Stage, seconds: float) -> None:
    assert made.postgres.child.pid is not None
    os.kill(made.postgres.child.pid, signal.SIGKILL)
    time.sleep(seconds)
    made.postgres.start()


def postgres_stop(made: Stage, seconds: float) -> None:
    made.postgres.stop()
    time.sleep(seconds)
    made.postgres.start()


def postgres_hang(made: Stage, seconds: float) -> None:
    _hang(made.postgres.child.pid, seconds)


def valkey_kill(made: Stage, seconds: float) -> None:
    assert made.valkey.child.pid is not None
    os.kill(made.valkey.child.pid, signal.SIGKILL)
    time.sleep(seconds)
    made.valkey.start()


def valkey_hang(made: Stage, seconds: float) -> None:
    _hang(made.valkey.child.pid, seconds)


def valkey_forgets(made: Stage, seconds: float) -> None:
    made.tell_valkey("FLUSHALL")


def valkey_full(made: Stage, seconds: float) -> None:
    """It refuses every write, as noeviction has it."""
    made.tell_valkey("CONFIG", "SET", "maxmemory", "1")
    time.sleep(seconds)
    made.tell_valkey("CONFIG", "SET", "maxmemory", "0")


def worker_pause(made: Stage, seconds: float) -> None:
    child = made.workers[0].child()
    child.suspend()
    time.sleep(seconds)
    child.resume()


def worker_kill(made: Stage, seconds: float) -> None:
    made.workers[0].kill("child")


def _hang(pid: int | None, seconds: float) -> None:
    """SIGSTOP for the server and all that it has started."""
    assert pid is not None
    server = psutil.Process(pid)
    frozen = [server, *server.children(recursive=True)]
    for process in frozen:
        process.suspend()
    time.sleep(seconds)
    for process in frozen:
        process.resume()


FAULTS: dict[str, Callable[[Stage, float], None]] = {
    "postgres-kill": postgres_kill,
    "postgres-stop": postgres_stop,
    "postgres-hang": postgres_hang,
    "valkey-kill": valkey_kill,
    "valkey-hang": valkey_hang,
    "valkey-forgets": valkey_forgets,
    "valkey-full": valkey_full,
    "worker-pause": worker_pause,
    "worker-kill": worker_kill,
}


class Orders(threading.Thread):
    """Orders all the time, also while servers are away; refusals are counted."""

    def __init__(self, crowd: "Crowd") -> None:
        super().__init__(name="orders", daemon=True)
        self.crowd = crowd
        self.refused = 0
        self.over = threading.Event()

    def run(self) -> None:
        from django.db import connection

        from saas.outages import AWAY

        while not self.over.wait(0.15):
            try:
                if self.crowd.active() < BACKLOG:
                    self.crowd.ask()
            except AWAY:
                self.refused += 1
                connection.close()
        connection.close()


class Watchdog:
    """Sees when jobs come to their ends, past Django and past the workers."""

    def __init__(self, url: str) -> None:
        self.url = url

    def recovered(self) -> float:
        """Seconds until the next job is done, counted from now."""
        began = time.monotonic()
        before: int | None = None
        while time.monotonic() - began < GAVE_UP_S:
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as seen:
                    while time.monotonic() - began < GAVE_UP_S:
                        now = self._done(seen)
                        before = now if before is None else before
                        if now > before:
                            return time.monotonic() - began
                        time.sleep(0.05)
            except psycopg.OperationalError:
                time.sleep(0.05)
        return GAVE_UP_S

    def _done(self, seen: psycopg.Connection) -> int:
        row = seen.execute("SELECT count(*) FROM jobs_job WHERE state = 'succeeded'").fetchone()
        assert row is not None
        return int(row[0])


def main() -> int:
    options = _options()
    random = Random(options.seed)
    with (
        tempfile.TemporaryDirectory(prefix="prove-") as folder,
        stage(Path(folder), durable=True) as made,
    ):
        from django.db import connection

        from tests.prove.copywriters import Copywriters
        from tests.prove.crowd import Crowd

        made.hire(options.workers)
        crowd = (Copywriters if options.copy else Crowd).gather(options.tenants, random)
        crowd.poisoned = crowd.flaky = crowd.cancelled = 0  # every try that is used up is a fault
        orders = Orders(crowd)
        orders.start()
        took = _torment(made, random, options)
        orders.over.set()
        orders.join(30)
        connection.close()  # as it was before the first fault
        crowd.wait_until_quiet(QUIET_SECONDS, made.keep_alive)
        return _judge(made, crowd, orders, took, options)


def _torment(made: Stage, random: Random, options: argparse.Namespace) -> dict[str, list[float]]:
    faults = [each for each, times in options.faults for _ in range(times)]
    random.shuffle(faults)
    took: dict[str, list[float]] = defaultdict(list)
    watchdog = Watchdog(made.admin_url)
    watchdog.recovered()  # the load is there
    for number, fault in enumerate(faults, 1):
        time.sleep(random.uniform(0.5, 2.5))
        name, _, seconds = fault.partition(":")
        FAULTS[name](made, float(seconds or 0))
        took[fault].append(watchdog.recovered())
        made.keep_alive()
        print(f"{number}/{len(faults)} {fault}: {took[fault][-1]:.1f} s", file=sys.stderr)
    return took


def _judge(
    made: Stage,
    crowd: "Crowd",
    orders: Orders,
    took: dict[str, list[float]],
    options: argparse.Namespace,
) -> int:
    faults, ends = crowd.check()
    if ends["tried again"]:
        faults.append(f"{ends['tried again']} jobs have used up an attempt")
    if not ends["succeeded"]:
        faults.append("control: no job succeeded")
    attempts = 0
    for name, seconds in sorted(took.items()):
        attempts += len(seconds)
        print(f"{name} x {len(seconds)}: back after {max(seconds):.1f} s at most")
        if max(seconds) > RECOVERED_S:
            faults.append(f"{name}: {max(seconds):.1f} s until the next job was done")
    lost = sum(fault.startswith(("lost", "not at its end")) for fault in faults)
    print(f"attempts={attempts} failures={len(faults)} controls_ok={ends['succeeded']}")
    print(
        f"seed={options.seed} lost={lost} handed back={ends['handed back']}",
        f"refused orders={orders.refused} tracebacks={made.said('Traceback')}",
    )
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def _faults(text: str) -> list[tuple[str, int]]:
    """`name:seconds=times`, with commas between them."""
    found = []
    for part in text.split(","):
        fault, _, times = part.partition("=")
        if fault.partition(":")[0] not in FAULTS:
            raise argparse.ArgumentTypeError(f"{fault}: know {', '.join(FAULTS)}")
        found.append((fault, int(times or 1)))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=_faults, required=True)
    parser.add_argument("--copy", action="store_true", help="have real copy written")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tenants", type=int, default=4)
    seed = int(os.environ.get("CHAOS_SEED") or time.time())
    parser.add_argument("--seed", type=int, default=seed)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
