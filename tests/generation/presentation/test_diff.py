"""The word-level difference between two texts."""

import pytest

from generation.presentation.diff import words


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("a b c", "a b c", []),
        ("a b c", "a x c", [("del", "b"), ("ins", "x")]),
        ("a b", "a b c", [("ins", " c")]),
        ("a b c d", "a x y d", [("del", "b c"), ("ins", "x y")]),
        ("a b\n", "x y\n", [("del", "a b"), ("ins", "x y")]),
        ("don't go", "do go", [("del", "don't"), ("ins", "do")]),
        ("买一送一", "买二送一", [("del", "一"), ("ins", "二")]),
        ("", "new", [("ins", "new")]),
    ],
)
def test_only_the_words_that_changed_are_marked(
    before: str, after: str, changed: list[tuple[str, str]]
) -> None:
    pieces = words(before, after)
    assert [(piece.change, piece.text) for piece in pieces if piece.change != "same"] == changed
    assert "".join(piece.text for piece in pieces if piece.change != "ins") == before
    assert "".join(piece.text for piece in pieces if piece.change != "del") == after
