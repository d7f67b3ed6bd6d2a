"""Cuts a rule's text into tokens with their places."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from recommendations.ranking.rules.errors import RuleError

MAX_LENGTH = 2000
MAX_NUMBER = 1e15
WORDS = {"and", "or", "not", "in", "if", "then", "else", "true", "false", "null"}
TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<attribute>'(?:[^'\\]|\\.)*')
    |(?P<symbol>==|!=|<=|>=|[-<>+*/(),\[\]])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """`kind`: number, word, text, attribute, symbol or end; `value` without its quotes."""

    kind: str
    value: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.value if self.kind != "end" else "the end"


def tokens(text: str) -> list[Token]:
    """All tokens and one of kind "end". Raises RuleError at what is none."""
    if len(text) > MAX_LENGTH:
        raise RuleError("too_long", MAX_LENGTH, len(text) - MAX_LENGTH, limit=MAX_LENGTH)
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if not match:
            code = "open_quote" if text[place] in "\"'" else "unknown_character"
            raise RuleError(code, place, found=text[place])
        kind, value = str(match.lastgroup), match.group()
        if kind in ("text", "attribute"):
            value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
        if kind != "space":
            found.append(Token(kind, value, place, match.end()))
        place = match.end()
    return [*found, Token("end", "", len(text), len(text))]


def number(token: Token) -> float:
    value = float(token.value)
    if not math.isfinite(value) or value > MAX_NUMBER:
        raise RuleError("bad_number", token.start, token.end - token.start, found=token.value)
    return value
