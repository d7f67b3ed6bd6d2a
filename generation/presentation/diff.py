"""What changed between two texts, word by word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

from rapidfuzz.distance import LCSseq

# Each Chinese, Japanese or Korean character is a word of its own; so is each run of white space.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+(?:['’-]\w+)*|\s+|.", re.DOTALL)

# Words of one stretch times those of the other: 64 pairs are one step of a fast loop.
MOST_PAIRS = 25_000_000

Change = Literal["same", "del", "ins"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that stayed, went or came."""

    change: Change
    text: str


class Step(NamedTuple):
    """A stretch of both texts: whether it stays, what was there, what is there now."""

    stays: bool
    old: str
    new: str


def words(before: str, after: str) -> list[Piece]:
    """The pieces which, read in order, turn one text into the other.

    Lines are compared first, then the words of those that changed. The time is that of the lengths
    times a small constant, and of a pair of stretches too long to compare all of it is new.
    """
    return list(_pieces(_steps(before, after)))


def _steps(before: str, after: str) -> Iterator[Step]:
    for step in _compared(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if step.stays:
            yield step
        else:
            yield from _compared(WORD.findall(step.old), WORD.findall(step.new))


def _compared(old: list[str], new: list[str]) -> Iterator[Step]:
    """What the longest common subsequence of two lists keeps, and what stands between."""
    if len(old) * len(new) > MOST_PAIRS:
        yield Step(False, "".join(old), "".join(new))
        return
    steps = LCSseq.opcodes(old, new)
    for stays, same in groupby(steps, key=lambda step: step.tag == "equal"):
        run = list(same)
        first, last = run[0], run[-1]
        yield Step(
            stays,
            "".join(old[first.src_start : last.src_end]),
            "".join(new[first.dest_start : last.dest_end]),
        )


def _pieces(steps: Iterator[Step]) -> Iterator[Piece]:
    """Changes with nothing but white space between them are one change: that reads better."""
    gone = come = space = ""
    for stays, old, new in steps:
        if not stays:
            gone, come, space = gone + space + old, come + space + new, ""
        elif (gone or come) and old.isspace():
            space = old
        else:
            yield from _changed(gone, come)
            yield Piece("same", space + old)
            gone = come = space = ""
    yield from _changed(gone, come)
    if space:
        yield Piece("same", space)


def _changed(gone: str, come: str) -> Iterator[Piece]:
    if gone:
        yield Piece("del", gone)
    if come:
        yield Piece("ins", come)
