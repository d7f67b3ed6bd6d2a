"""kill -9 of workers and of the broker at random moments, under load; then the history is checked.

With --stops workers are asked to stop instead, as a deploy does: no attempt may be lost by that.

python -m tests.prove.chaos --kills 200 --broker-kills 20      (CHAOS_SEED repeats a run)
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.prove.stage import Stage, stage

if TYPE_CHECKING:
    from tests.prove.crowd import Crowd

BACKLOG = 12
QUIET_SECONDS = 180.0


def main() -> int:
    options = _options()
    random = Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="prove-") as folder, stage(Path(folder)) as made:
        from tests.prove.copywriters import Copywriters
        from tests.prove.crowd import Crowd

        made.hire(options.workers)
        crowd = (Copywriters if options.copy else Crowd).gather(options.tenants, random)
        if not options.kills:
            crowd.poisoned = 0  # only what the stops do is to be seen
        begun = time.monotonic()
        _torment(made, crowd, random, options)
        settled = crowd.wait_until_quiet(QUIET_SECONDS, made.keep_alive)
        print(f"seconds={time.monotonic() - begun:.0f} quiet after={settled:.1f}s")
        return _judge(made, crowd, options)


def _judge(made: Stage, crowd: "Crowd", options: argparse.Namespace) -> int:
    faults, ends = crowd.check()
    recovered, refused = made.said("job_recovered"), made.said("work_discarded")
    kills = options.kills + options.broker_kills
    if recovered and not kills:
        faults.append(f"{recovered} attempts lost by stopping in good order")
    if not ends["succeeded"]:
        faults.append("control: no job succeeded")
    attempts = kills + options.stops
    print(f"attempts={attempts} failures={len(faults)} controls_ok={ends['succeeded']}")
    print(f"seed={options.seed} leases recovered={recovered} late work refused={refused}")
    print(
        f"worker kills={options.kills} broker kills={options.broker_kills} stops={options.stops}",
        f"jobs={sum(len(jobs) for jobs in crowd.promised.values())}",
        *(f"{state}={count}" for state, count in sorted(ends.items())),
    )
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--broker-kills", type=int, default=20)
    parser.add_argument("--stops", type=int, default=0)
    parser.add_argument("--copy", action="store_true", help="have real copy written")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tenants", type=int, default=4)
    seed = int(os.environ.get("CHAOS_SEED") or time.time())
    parser.add_argument("--seed", type=int, default=seed)
    return parser.parse_args()


def _torment(made: Stage, crowd: "Crowd", random: Random, options: argparse.Namespace) -> None:
    """Kill in a random order at random moments."""
    events = ["worker"] * options.kills + ["broker"] * options.broker_kills
    events += ["stop"] * options.stops
    random.shuffle(events)
    for number, event in enumerate(events, 1):
        for _ in range(max(0, BACKLOG - crowd.active())):
            crowd.ask()
        time.sleep(random.uniform(0.05, 1.2))
        if event == "broker":
            made.kill_broker(random)
        elif event == "stop":
            random.choice(made.workers).restart()
        else:
            what = random.choices(["child", "parent", "both"], weights=[70, 15, 15])[0]
            random.choice(made.workers).kill(what)
        if number % 20 == 0:
            print(f"{number}/{len(events)} kills, {crowd.active()} jobs active", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
