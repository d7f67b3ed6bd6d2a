"""From sampled tokens to text that may be shown: whole characters, stop strings, banned phrases."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# What neither Postgres' JSON nor UTF-8 can hold; models write the one, distant servers both.
UNHEARD_OF = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    return UNHEARD_OF.sub("\ufffd", text)


def fold(text: str) -> str:
    """Lower case, one character for one, so that places in both texts agree."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


class StopChecker:
    """Strings to look out for at the end of a growing text."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        self.phrases = phrases
        self.longest = max(map(len, phrases), default=0)
        self.prefixes = frozenset(
            phrase[:size] for phrase in phrases for size in range(1, len(phrase))
        )

    def held(self, text: str) -> int:
        """How many characters at the end of `text` may still become one of the phrases."""
        longest = min(self.longest - 1, len(text))
        sizes = (size for size in range(longest, 0, -1) if text[-size:] in self.prefixes)
        return next(sizes, 0)

    def find(self, text: str, new: int) -> int | None:
        """Where the first phrase begins that reaches into the last `new` characters."""
        start = max(0, len(text) - new - self.longest + 1)
        places = (text.find(phrase, start) for phrase in self.phrases)
        return min((place for place in places if place >= 0), default=None)


class BannedChecker(StopChecker):
    """Phrases that must not come as whole words: `ai` is not in `rain`. What touches a phrase
    decides, so one at the end of the text is undecided until more comes, or nothing does."""

    def __init__(self, phrases: tuple[str, ...]) -> None:
        super().__init__(phrases)
        self.prefixes |= frozenset(phrases)

    def held(self, text: str) -> int:
        sizes = range(min(self.longest, len(text)), 0, -1)
        return next((size for size in sizes if text[-size:] in self.prefixes), 0)

    def find(self, text: str, new: int) -> int | None:
        """Where the first phrase begins that the last `new` characters completed as words."""
        start = max(0, len(text) - new - self.longest)
        return min(self.places(text, start, closed=False), default=None)

    def at_end(self, text: str) -> int | None:
        """Where a phrase begins that the text ends with."""
        start = max(0, len(text) - self.longest)
        return min(self.places(text, start, closed=True), default=None)

    def places(self, text: str, start: int, *, closed: bool) -> Iterator[int]:
        for phrase in self.phrases:
            at = text.find(phrase, start)
            while at >= 0:
                if self.is_whole(text, at, at + len(phrase), closed=closed):
                    yield at
                at = text.find(phrase, at + 1)

    def is_whole(self, text: str, start: int, end: int, *, closed: bool) -> bool:
        if end == len(text) and not closed and joins(text[end - 1]):
            return False
        before = start > 0 and joins(text[start]) and joins(text[start - 1])
        behind = end < len(text) and joins(text[end - 1]) and joins(text[end])
        return not (before or behind)


def joins(char: str) -> bool:
    """Whether a character goes on a word that it touches; those of Chinese stand alone."""
    return char.isalnum() and not "\u3040" <= char <= "\u9fff"


@dataclass(frozen=True, slots=True)
class StopCheck:
    """What a new token did: ended the text at a stop string, or completed a banned phrase."""

    stopped: bool = False
    banned_at: int | None = None


@dataclass(slots=True)
class TextStream:
    """One sequence's text, token by token; `ends[i]` is its length after i tokens."""

    stop: StopChecker
    banned: BannedChecker
    text: str = ""
    folded: str = ""
    shown: int = 0
    ends: list[int] = field(default_factory=lambda: [0])
    pieces: list[bytes] = field(default_factory=list)
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: new_decoder())

    def push(self, piece: bytes) -> StopCheck:
        new = self.decoder.decode(piece)
        self.pieces.append(piece)
        self.text += new
        self.folded += fold(new) if self.banned.phrases else ""
        self.ends.append(len(self.text))
        return self.check(len(new))

    def check(self, new: int) -> StopCheck:
        if not new:
            return StopCheck()
        stop = self.stop.find(self.text, new)
        reach = len(self.text) if stop is None else stop
        banned = self.banned.find(self.folded[:reach], new) if self.banned.phrases else None
        if banned is not None:
            return StopCheck(banned_at=self.token_at(banned))
        if stop is not None:
            self.text = self.text[:stop]
        return StopCheck(stopped=stop is not None)

    def banned_at_end(self) -> int | None:
        """The token in which a banned phrase begins that the text ends with."""
        place = self.banned.at_end(self.folded[: len(self.text)]) if self.banned.phrases else None
        return None if place is None else self.token_at(place)

    def token_at(self, place: int) -> int:
        """The token in which the character at `place` begins."""
        return next(index for index, end in enumerate(self.ends[1:]) if end > place)

    def rewind(self, count: int) -> None:
        """Forget all tokens but the first `count`."""
        pieces = self.pieces[:count]
        self.pieces, self.ends = pieces, self.ends[: count + 1]
        self.text, self.folded = self.text[: self.ends[-1]], self.folded[: self.ends[-1]]
        self.decoder = new_decoder()
        for piece in pieces:
            self.decoder.decode(piece)

    def take(self, *, final: bool = False) -> str:
        """The text that may be shown now and was not yet."""
        end = len(self.text) if final else self.safe_end()
        fresh, self.shown = self.text[self.shown : end], max(self.shown, end)
        return fresh

    def safe_end(self) -> int:
        end = len(self.text) - self.stop.held(self.text)
        held = self.banned.held(self.folded) if self.banned.phrases else 0
        if held:
            # A rewind drops whole tokens, so a token that is partly in doubt is held back whole.
            end = min(end, self.ends[self.token_at(len(self.text) - held)])
        return end


def new_decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")(errors="replace")
