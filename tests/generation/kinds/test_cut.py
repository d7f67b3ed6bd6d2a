"""Lines that break off, and lines that only look so."""

from __future__ import annotations

import pytest

from generation.kinds.cut import cut_end

LINES = (
    "delivered in two days",
    "Capital at risk",
    "save 20% today",
    "2,500 recipes",
    "a stoneware mug",
)
KNOWN = "\n".join(LINES)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("A mug for", "for"),
        ("Tea and", "and"),
        ("Delivered in", "in"),
        ("Capital", "Capital"),
        ("Capital at", "at"),
        ("Save 20", "20"),
        ("More than 2,5", "2,5"),
        ("Your stonew", "stonew"),
        ("Our mug,", ","),
        ("手工制作的", "的"),
    ],
)
def test_a_line_that_wants_more_is_found(text: str, end: str) -> None:
    span = cut_end(text, LINES, KNOWN)
    assert span is not None
    assert span.text == end


@pytest.mark.parametrize(
    "text",
    ["Come on in", "What are you waiting for?", "Capital at risk", "Save 20%", "2,500 recipes",
     "Your stoneware mug", "Water from below", "A cuppa to snugglify", "好茶手工做"],
)  # fmt: skip
def test_a_whole_line_is_left_alone(text: str) -> None:
    assert cut_end(text, LINES, KNOWN) is None
