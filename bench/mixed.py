"""Texts of mixed lengths: rows that are refilled at once, against batches that wait.

A static batch, as transformers.generate makes it, goes on computing all of its rows until the
longest text is done. Our engine plays that part too, so that nothing but the batching differs:
every row is written to the longest length of its batch, and only the tokens that were asked for
count. As a second view, a batch whose finished rows rest while the others end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.measure import Goal, Reached, Remark, ratio, speed, turns
from bench.mode import Mode
from bench.ours import Writer, prompts, writer

ROWS = 32
REQUESTS = 96
SHORTEST, LONGEST = 16, 400
MEDIAN, SPREAD = 4.4, 0.8  # of the logarithm: half of the texts have at most 81 tokens
GOAL = Goal("mixed lengths: continuous vs static batch of 32", 1.5, 2)


def lengths() -> list[int]:
    source = random.Random(11)
    drawn = (round(source.lognormvariate(MEDIAN, SPREAD)) for _ in range(REQUESTS))
    return [min(LONGEST, max(SHORTEST, length)) for length in drawn]


def continuous(ours: Writer, wanted: list[int]) -> float:
    return ours.write(prompts(len(wanted)), wanted)


def static(ours: Writer, wanted: list[int], *, rest: bool) -> float:
    """Tokens that were asked for; `rest` lets a finished row cost nothing more."""
    for begin in range(0, len(wanted), ROWS):
        group = wanted[begin : begin + ROWS]
        ours.write(prompts(len(group)), group if rest else [max(group)] * len(group))
    return sum(wanted)


def rows(model: Path, mode: Mode) -> Iterator[Reached | Remark]:
    wanted = lengths()
    with writer(model, ROWS, mode.threads) as ours:
        runs = {
            "continuous": partial(continuous, ours, wanted),
            "static": partial(static, ours, wanted, rest=False),
            "resting": partial(static, ours, wanted, rest=True),
        }
        seen = turns(runs, 1)
    own, padded, resting = seen["continuous"], seen["static"], seen["resting"]
    speeds = (speed(each, mode.clock) for each in (own, padded))
    note = f"{REQUESTS} texts, {sum(wanted)} tokens"
    yield Reached(GOAL, mode.name, ratio(own, padded, mode.clock), *speeds, note)
    against = ratio(own, resting, mode.clock)
    yield Remark("the same, finished rows at rest", mode.name, f"{against:.2f}x, no goal")
