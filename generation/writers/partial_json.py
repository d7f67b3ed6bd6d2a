"""How JSON that is still being written is shown to the people who watch it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from generation.engine.text import storable


def json_strings(text: str) -> str:
    """The string values of unfinished JSON, a line each; it only grows as the text grows."""
    return "\n".join(string_values(text))


def string_values(text: str) -> Iterator[str]:
    containers: list[str] = []
    is_value = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            end = string_end(text, at + 1)
            if is_value or containers[-1:] == ["["]:
                yield unescape(text[at + 1 : end])
            at = end
        elif char in "{[":
            containers.append(char)
        elif char in "}]" and containers:
            containers.pop()
        is_value = char == ":" or (is_value and char.isspace())
        at += 1


def string_end(text: str, start: int) -> int:
    """The offset of the quote that closes a string, or the end of the text."""
    at = start
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def unescape(raw: str) -> str:
    """The characters of a JSON string whose last escape may still be unfinished."""
    # The longest unfinished escape is half a surrogate pair and most of its other half.
    for cut in range(min(12, len(raw)) + 1):
        value = loads_string(raw[: len(raw) - cut])
        if value is not None:
            return value
    return ""


def loads_string(raw: str) -> str | None:
    try:
        value = str(json.loads(f'"{raw}"', strict=False))
        value.encode()
    except (ValueError, UnicodeEncodeError):
        return None
    return storable(value)
