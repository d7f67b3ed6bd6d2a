"""Measures taken in turn, so that a busy machine is as unfair to ours as to theirs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

# What a run returns is its number of tokens; everything else that happens in it is its cost.
Run = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Taken:
    """One turn: what came out, the processor's seconds of this process, and the wall's."""

    made: float
    cpu: float
    wall: float

    def speed(self, clock: str) -> float:
        """Tokens a second by `clock`, "cpu" or "wall"."""
        seconds: float = getattr(self, clock)
        return self.made / seconds

    def less(self, other: Taken) -> Taken:
        """What this turn did beyond the other."""
        return Taken(self.made - other.made, self.cpu - other.cpu, self.wall - other.wall)


def taken(run: Run) -> Taken:
    cpu, wall = time.process_time(), time.perf_counter()
    made = run()
    return Taken(made, time.process_time() - cpu, time.perf_counter() - wall)


def turns(runs: dict[str, Run], count: int) -> dict[str, list[Taken]]:
    """Each run once, then each again, `count` times: ours, theirs, ours, theirs."""
    seen: dict[str, list[Taken]] = {name: [] for name in runs}
    for _ in range(count):
        for name, run in runs.items():
            seen[name].append(taken(run))
    return seen


def speed(own: list[Taken], clock: str) -> float:
    return median(turn.speed(clock) for turn in own)


def ratio(ours: list[Taken], theirs: list[Taken], clock: str) -> float:
    """The median of the turn-by-turn ratios of tokens a second."""
    pairs = zip(ours, theirs, strict=True)
    return median(one.speed(clock) / other.speed(clock) for one, other in pairs)


@dataclass(frozen=True, slots=True)
class Goal:
    """A line of the table: what must be reached and what is aimed at; lower is better in ms, s."""

    what: str
    must: float
    aim: float
    unit: str = "x"

    @property
    def falls(self) -> bool:
        return self.must > self.aim

    def verdict(self, reached: float) -> str:
        def within(limit: float) -> bool:
            return reached <= limit if self.falls else reached >= limit

        return "aim" if within(self.aim) else "reached" if within(self.must) else "**missed**"


@dataclass(frozen=True, slots=True)
class Reached:
    """A goal's outcome on one core (CPU seconds) or on two threads (wall clock)."""

    goal: Goal
    mode: str
    value: float
    ours: float | None = None
    theirs: float | None = None
    note: str = ""

    def line(self) -> str:
        shown = [number(self.ours), number(self.theirs)]
        must, aim = (f"{limit:g}{self.goal.unit}" for limit in (self.goal.must, self.goal.aim))
        value = f"{self.value:.3g}{self.goal.unit}"
        cells = [self.goal.what, self.mode, must, aim, value, self.goal.verdict(self.value)]
        return "| " + " | ".join([*cells, *shown, self.note]) + " |"


@dataclass(frozen=True, slots=True)
class Remark:
    """A line that is told but not judged: why something is not measured, or a second view."""

    what: str
    mode: str
    said: str

    def line(self) -> str:
        return f"| {self.what} | {self.mode} | | | | | | | {self.said} |"


HEAD = (
    "| what | measured | must | aim | reached | verdict | ours | theirs | note |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
