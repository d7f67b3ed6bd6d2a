"""What changed between two texts, word by word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# Each Chinese, Japanese or Korean character is a word of its own; so is each run of white space.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+(?:['’-]\w+)*|\s+|.", re.DOTALL)

Change = Literal["same", "del", "ins"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that stayed, went or came."""

    change: Change
    text: str


def words(before: str, after: str) -> list[Piece]:
    """The pieces which, read in order, turn one text into the other."""
    return list(_pieces(_steps(WORD.findall(before), WORD.findall(after))))


def _steps(old: list[str], new: list[str]) -> Iterator[tuple[bool, str, str]]:
    """(whether it stays, what was there, what is there now) of each stretch."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        yield tag == "equal", "".join(old[start:end]), "".join(new[new_start:new_end])


def _pieces(steps: Iterator[tuple[bool, str, str]]) -> Iterator[Piece]:
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
