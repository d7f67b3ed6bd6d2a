"""How JSON that is still being written is shown to the people who watch it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jiter

from generation.engine.text import storable


def json_strings(text: str) -> str:
    """The string values of unfinished JSON, a line each; it only grows as the text grows.

    Nothing for what is no JSON.
    """
    start = max(0, text.find("{"))
    try:
        value = jiter.from_json(storable(text[start:]).encode(), partial_mode="trailing-strings")
    except ValueError:
        return ""
    return "\n".join(map(storable, strings(value)))


def strings(value: Any) -> Iterator[str]:
    """All strings in a value, in their order; not the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)
