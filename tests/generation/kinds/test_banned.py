"""Banned terms are found however they are written, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.kinds.banned import banned_spans, has_banned

FOUND = [
    ("cheap", "A CHEAP flight"),
    ("cheap", "the cheapest flight"),
    ("cheap", "cheaper and cheaply"),
    ("cheap", "ch\u200beap flights"),
    ("cheap", "сheap with a Cyrillic letter"),
    ("cheap", "ｃｈｅａｐ in full width"),
    ("cheap", "chéap with an accent"),
    ("cheap", "soft\u00adhyphen che\u00adap"),
    ("guarantee", "we are guaranteeing it"),
    ("guarantee", "guaranteed"),
    ("stop", "stopping now"),
    ("easy", "the easiest way"),
    ("world-class", "a world class team"),
    ("world class", "World-Class!"),
    ("world class", "world\nclass"),
    ("no. 1", "the no. 1 choice"),
    ("最好", "这是最好的茶"),
    ("最好", "这是最 好的茶"),
    ("第一", "销量第一。"),
]
NOT_FOUND = [
    ("cheap", "escheapment"),
    ("art", "smart party"),
    ("sale", "wholesaler"),
    ("class", "classic"),
    ("world class", "the world has class"),
    ("", "anything"),
    ("  ", "any thing"),
    ("最好", "最近很好"),
]


@pytest.mark.parametrize(("term", "text"), FOUND)
def test_a_banned_term_is_found(term: str, text: str) -> None:
    assert has_banned(text, [term])


@pytest.mark.parametrize(("term", "text"), NOT_FOUND)
def test_other_words_are_left_alone(term: str, text: str) -> None:
    assert not has_banned(text, [term])


def test_the_span_covers_the_words_as_they_are_written() -> None:
    text = "Our ch\u200beapest tea"
    ((term, start, end),) = banned_spans(text, ["cheap"])
    assert (term, text[start:end]) == ("cheap", "ch\u200beapest")


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=12))
def test_any_text_and_any_term_are_taken(text: str, term: str) -> None:
    for _, start, end in banned_spans(text, [term]):
        assert 0 <= start < end <= len(text)


@settings(deadline=None)
@given(
    st.sampled_from(["cheap", "world class", "最好"]), st.text(max_size=20), st.text(max_size=20)
)
def test_a_term_between_blanks_is_always_found(term: str, before: str, after: str) -> None:
    assert has_banned(f"{before} {term} {after}", [term])
