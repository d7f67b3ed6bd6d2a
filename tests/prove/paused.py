"""SIGSTOP of a worker for longer than its lease, then SIGCONT: it must not commit late.

python -m tests.prove.paused --times 10
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.prove.stage import Stage, Worker, stage

if TYPE_CHECKING:
    from tenants.jobs.models import Job
    from tests.prove.crowd import Crowd

LEASE_SECONDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="prove-") as folder, stage(Path(folder)) as made:
        from tests.prove.crowd import Crowd

        made.hire(2)
        crowd = Crowd.gather(1, Random(1))
        crowd.rolled_back = crowd.cancelled = 0
        late = sum(_pause(made, crowd, number) for number in range(options.times))
        faults, ends = crowd.check()
        print(
            f"attempts={options.times} failures={len(faults)} controls_ok={ends['succeeded']}\n"
            f"pauses={options.times} of {3 * LEASE_SECONDS} s, late work refused={late}, "
            f"done by another worker={ends['tried again']}"
        )
        for fault in faults:
            print(f"  {fault}")
        return 1 if faults or late < options.times else 0


def _pause(made: Stage, crowd: "Crowd", number: int) -> bool:
    """Stop the child that works, let another do its job, wake it: whether it was refused."""
    kind = "generate.stubborn" if number % 2 else "generate.steps"
    job = crowd.ask(kind, steps=50, ms=20)
    worker = _worker_of(made, crowd, job)
    before = worker.words("work_discarded")
    child = worker.child()
    child.send_signal(signal.SIGSTOP)
    time.sleep(3 * LEASE_SECONDS)
    crowd.wait_until_quiet(30)
    child.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + 10
    while worker.words("work_discarded") == before and time.monotonic() < deadline:
        time.sleep(0.1)
    return worker.words("work_discarded") > before


def _worker_of(made: Stage, crowd: "Crowd", job: "Job") -> Worker:
    from tenants.scope import tenant_scope

    with tenant_scope(crowd.tenants[0]):
        while not job.lease_owner:
            time.sleep(0.02)
            job.refresh_from_db()
    pid = int(job.lease_owner.split(":")[1])
    return next(worker for worker in made.workers if worker.child().pid == pid)


if __name__ == "__main__":
    sys.exit(main())
