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
    old, new = WORD.findall(before), WORD.findall(after)
    return list(_pieces(old, new))


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(old[start:end]))
            continue
        if gone := "".join(old[start:end]):
            yield Piece("del", gone)
        if come := "".join(new[new_start:new_end]):
            yield Piece("ins", come)
