"""Runs the parts that are named, prints what they say and keeps it in bench/RESULTS.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from bench.rec import answers, events, leave_one_out, newcomers, periods, population, speed
from bench.rec.data import MissingData, movielens_1m, movielens_100k

RESULTS = Path(__file__).parents[1] / "RESULTS.md"
TITLES = {
    "quality": "MovieLens-1M, leave-one-out, all items ranked; validation chose, test read once",
    "time": "MovieLens-100K, last tenth by time, each event predicted from all before it",
    "cold": "MovieLens-1M, items that training never saw",
    "policy": "A made-up population",
    "speed": "Exact top-k",
    "answers": "Answers and events through the web process",
    "events": "Events of three years in one workspace",
}
PACKAGES = ("numpy", "torch", "implicit", "faiss-cpu", "scikit-learn")


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    parts = {name: run for name, run in runs(options).items() if name in options.parts}
    lines = [f"### {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}", ""]
    for name, run in parts.items():
        start = time.process_time()
        try:
            found = run()
        except MissingData as error:
            sys.exit(f"bench-rec │ {error}")
        seconds = time.process_time() - start
        lines += [f"**{TITLES[name]}** ({seconds:.0f} CPU s)", ""]
        lines += [line for text in found for line in (text, "")]
    print("\n".join(lines))
    if options.keep:
        with RESULTS.open("a") as file:
            file.write("\n" + "\n".join(lines))


def runs(options: argparse.Namespace) -> dict[str, Callable[[], list[str]]]:
    data, work = options.data, options.work
    return {
        "speed": speed.report,
        "events": lambda: events.report(options.events),
        "answers": lambda: answers.report(tuple(options.items)),
        "quality": lambda: leave_one_out.report(movielens_1m(data), work),
        "time": lambda: periods.report(*movielens_100k(data)),
        "cold": lambda: newcomers.report(movielens_1m(data), work),
        "policy": population.report,
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(TITLES), help=", ".join(TITLES))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BENCH_DATA", "data")))
    parser.add_argument("--work", type=Path, default=Path(".data/bench-rec"))
    parser.add_argument("--items", type=int, nargs="+", default=answers.SIZES)
    parser.add_argument("--events", type=int, default=events.EVENTS)
    parser.add_argument("--keep", action="store_true", help="append to bench/RESULTS.md")
    return parser.parse_args()


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{os.cpu_count()} cores {platform.machine()}, one thread; {packages}"


if __name__ == "__main__":
    main()
