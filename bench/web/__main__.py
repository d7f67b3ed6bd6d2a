"""Starts the servers on a filled scratch database, calls the pages, prints what they took."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.database import FOLDER, scratch_database
from bench.web.calls import Timing, calls, statements, timed
from bench.web.server import served
from bench.web.workspace import CONTENTS, workspace

RESULTS = Path(__file__).parents[1] / "RESULTS.md"
HEAD = (
    "| call | p50 ms | p95 ms | budget | | web CPU ms | Postgres CPU ms | statements |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def main() -> None:
    options = arguments()
    # This process renders the pages too, with the files that the server collects.
    os.environ.update({"ENGINE": os.environ.get("ENGINE", "echo"), "DATA_DIR": str(FOLDER)})
    database = scratch_database()
    place = workspace()
    chosen = [call for call in calls(place) if options.only in call.name]
    with served(database) as processes:
        counted = {call.name: statements(call, place) for call in chosen}
        timings = [timed(call, place, processes) for call in chosen]
    lines = [*heading(), *HEAD, *(line(each, counted[each.call.name]) for each in timings), ""]
    print("\n".join(lines))
    if options.keep:
        with RESULTS.open("a") as file:
            file.write("\n" + "\n".join(lines))
    sys.exit(0 if all(timing.fits for timing in timings) else 1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="calls with this in their name")
    parser.add_argument("--keep", action="store_true", help="append to bench/RESULTS.md")
    return parser.parse_args()


def heading() -> Iterable[str]:
    load = psutil.getloadavg()[0]
    yield f"### The web server, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield ""
    yield (
        f"{os.cpu_count()} cores {platform.machine()}, load average {load:.1f}, Python "
        f"{platform.python_version()}, {CONTENTS} contents, one caller, warm."
    )
    yield ""


def line(timing: Timing, statements: int) -> str:
    call, budget = timing.call, timing.call.budget
    limits = f"{budget.p50:g} / {budget.p95:g}" if budget.p50 < float("inf") else ""
    verdict = ("kept" if timing.fits else "**missed**") if limits else ""
    found = f"{timing.quantile(0.5):.1f} | {timing.quantile(0.95):.1f} | {limits} | {verdict}"
    cpu = f"{timing.web_cpu:.1f} | {timing.database_cpu:.1f}"
    return f"| {call.name} | {found} | {cpu} | {statements or ''} |"


if __name__ == "__main__":
    main()
