"""Streamed JSON is shown as the text inside it, and never takes back what it showed."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from generation.engine.text import storable
from generation.kinds.text import read_json
from generation.writers.partial_json import json_strings


def test_values_are_shown_and_keys_are_not() -> None:
    text = json.dumps({"headlines": ["Tea in a minute", "Warm"], "path": "tea"})
    assert json_strings(text) == "Tea in a minute\nWarm\ntea"


def test_an_unfinished_value_is_shown() -> None:
    assert json_strings('{"headlines": ["Tea in a mi') == "Tea in a mi"


def test_an_unfinished_key_is_not_shown() -> None:
    assert json_strings('{"headl') == ""


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(max_size=8), max_size=4), st.booleans())
def test_it_only_ever_grows(values: list[str], plain: bool) -> None:
    text = json.dumps({"a": values, "b": {"c": values}}, ensure_ascii=not plain)
    shown = ""
    for end in range(len(text) + 1):
        longer = json_strings(text[:end])
        assert longer.startswith(shown)
        shown = longer
    assert shown == "\n".join(map(storable, [*values, *values]))


@settings(deadline=None, max_examples=30)
@given(st.text(alphabet='{}[]":,\\ua0 ', max_size=40))
def test_broken_json_raises_nothing(text: str) -> None:
    json_strings(text).encode()


def test_escapes_that_no_database_can_hold_are_marked() -> None:
    text = r'{"a": ["x\u0000y", "\ud83d\ude42"], "b": {"c": "half \ud83d"}}'
    assert read_json(text) == {"a": ["x\ufffdy", "🙂"], "b": {"c": "half \ufffd"}}
    assert json_strings(r'{"a": "x\u0000y"}') == "x\ufffdy"
