"""A fact that a finished piece leaves out is named; one in other words is not."""

from __future__ import annotations

import pytest

from generation.kinds.coverage import missing

LINES = (
    "free delivery on every box",
    "cancel any time",
    "roasted in Leeds each Tuesday",
    "£50 bonus for a friend",
    "20% off the first box",
)
PIECE = [
    "Every box ships free.",
    "Quit whenever it suits you.",
    "We roast in Leeds, every Tuesday.",
    "Bring a friend and a £50 bonus is yours.",
    "Your first box comes with twenty percent off.",
]
CHINESE = ("福建茶农手工采摘", "全国三天送达", "附赠一只玻璃茶杯")
CHINESE_PIECE = ["福建茶农一叶一叶手工采下。", "三天送到全国各地。", "还送您一只玻璃杯。"]


def test_a_piece_that_says_all_in_its_own_words_lacks_nothing() -> None:
    assert list(missing(PIECE, LINES, "coffee")) == []
    assert list(missing(CHINESE_PIECE, CHINESE, "茶")) == []


@pytest.mark.parametrize("place", range(len(LINES)))
def test_what_is_left_out_is_named(place: int) -> None:
    rest = [line for at, line in enumerate(PIECE) if at != place]
    assert list(missing(rest, LINES, "coffee")) == [LINES[place]]


@pytest.mark.parametrize("place", range(len(CHINESE)))
def test_what_is_left_out_in_chinese_is_named(place: int) -> None:
    rest = [line for at, line in enumerate(CHINESE_PIECE) if at != place]
    assert list(missing(rest, CHINESE, "茶")) == [CHINESE[place]]


def test_digits_of_another_number_say_nothing_of_this_one() -> None:
    assert list(missing(["A friend gets a 50% bonus."], ["£50 bonus for a friend"])) == [
        "£50 bonus for a friend"
    ]


def test_nothing_is_asked_of_a_brief_without_facts() -> None:
    assert list(missing(["Tea."], [])) == []
