"""What training reads: rows of token ids, each token marked as learnt or only read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from generation.engine.tokenizer import Tokenizer
    from generation.engine.types import Message

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """tokens (n,); learnt (n,): whether token i is one that the model shall learn to say."""

    tokens: IntArray
    learnt: BoolArray

    @classmethod
    def of(cls, prompt: Sequence[int], completion: Sequence[int]) -> Row:
        """`completion` ends with the model's stop token."""
        tokens = np.asarray([*prompt, *completion], dtype=np.int32)
        return cls(tokens, np.arange(len(tokens)) >= len(prompt))

    def __len__(self) -> int:
        return len(self.tokens)

    def targets(self, completion_only: bool) -> IntArray:
        """The places whose tokens are predicted; the first token has nothing before it."""
        learnt = self.learnt if completion_only else np.ones(len(self), dtype=np.bool_)
        return (np.flatnonzero(learnt[1:]) + 1).astype(np.int32)

    def sides(self) -> tuple[Row, ...]:
        return (self,)

    def cut(self, length: int) -> Row:
        return self if len(self) <= length else Row(self.tokens[:length], self.learnt[:length])


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two answers to one prompt, of which the first is preferred."""

    chosen: Row
    rejected: Row

    def __len__(self) -> int:
        return len(self.chosen) + len(self.rejected)

    def sides(self) -> tuple[Row, ...]:
        return self.chosen, self.rejected

    def cut(self, length: int) -> Pair:
        return Pair(self.chosen.cut(length), self.rejected.cut(length))


def chat_row(tokenizer: Tokenizer, messages: Sequence[Message], stop_id: int) -> Row:
    """A conversation in the model's own template, of which every assistant's turn is learnt.

    The tokens are those that the engine would read and write. Where a template changes what was
    said before as the conversation grows, only the last answer is learnt.
    """
    row: Row | None = None
    for place, message in enumerate(messages):
        if message.role != "assistant":
            continue
        prompt = tokenizer.encode_chat(tuple(messages[:place]))
        answer = [*tokenizer.encode(message.content), stop_id]
        row = grown(row, prompt, answer)
    if row is None:
        raise ValueError("A conversation to learn from holds at least one assistant's turn.")
    return row


def grown(row: Row | None, prompt: list[int], answer: list[int]) -> Row:
    """The row of the turns so far with one more; `prompt` holds all that comes before it."""
    following = Row.of(prompt, answer)
    if row is not None and prompt[: len(row)] == row.tokens.tolist():
        following.learnt[: len(row)] = row.learnt
    return following


def pair_of(
    tokenizer: Tokenizer, prompt: Sequence[Message], chosen: str, rejected: str, *, stop_id: int
) -> Pair:
    start = tokenizer.encode_chat(tuple(prompt))
    sides = (Row.of(start, [*tokenizer.encode(text), stop_id]) for text in (chosen, rejected))
    return Pair(*sides)


def truncated(rows: Sequence[Row], max_length: int) -> tuple[list[Row], int]:
    """The rows cut to `max_length` tokens, and how many were longer."""
    return [row.cut(max_length) for row in rows], sum(len(row) > max_length for row in rows)


def rows_sha256(rows: Iterable[Row | Pair]) -> str:
    """What names the data of a run: their tokens, marks and order."""
    digest = hashlib.sha256()
    for row in rows:
        for side in row.sides():
            digest.update(len(side).to_bytes(4, "little"))
            digest.update(side.tokens.astype("<i4").tobytes() + side.learnt.tobytes())
    return digest.hexdigest()
