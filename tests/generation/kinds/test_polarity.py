"""What a brief denies stays denied, and what it says stays said; turns of phrase are free."""

from __future__ import annotations

import pytest

from generation.kinds import polarity

BRIEF = (
    "don't bleach it when wet",
    "no palm oil",
    "gluten-free",
    "without artificial flavours",
    "never sprayed with pesticides",
    "not oven safe",
    "no contract",
    "free setup for every team",
    "pause any time",
    "arrives ready to plant",
    "loves wind and rain",
)
CHINESE = ("不能机洗", "无香精", "不含防腐剂", "0添加蔗糖", "每周新款", "随时可以退订", "两天送达")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Let's bleach it", "negation_lost"),
        ("Bleach it when wet.", "negation_lost"),
        ("Rich in palm oil", "negation_lost"),
        ("Full of gluten", "negation_lost"),
        ("Bursting with artificial flavours", "negation_lost"),
        ("Sprayed with pesticides", "negation_lost"),
        ("Oven Safe", "negation_lost"),
        ("Sign the contract and relax", "negation_lost"),
        ("Setup is not free", "negation_added"),
        ("You can't pause any time", "negation_added"),
        ("Never arrives ready to plant", "negation_added"),
        ("It doesn't love wind", "negation_added"),
    ],
)
def test_what_is_turned_is_found(text: str, code: str) -> None:
    assert [fault.code for fault in polarity.faults(text, BRIEF)] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "Don't bleach it when wet.",
        "Keep it away from bleach",
        "No salt, palm oil or fuss",
        "Free of gluten, full of taste",
        "We skip the artificial flavours",
        "Not just free setup for every team",
        "Never run out of things to plant",
        "It does not mind the wind",
        "Don't wait: setup is free",
        "Not oven safe, so let it rest on the table",
        "Unsprayed since the first day",
        "Contract? None.",
    ],
)
def test_what_keeps_its_sense_is_left_alone(text: str) -> None:
    assert list(polarity.faults(text, BRIEF)) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("可以机洗", "negation_lost"),
        ("放心机洗，省心省力", "negation_lost"),
        ("含香精，更好闻", "negation_lost"),
        ("添加蔗糖", "negation_lost"),
        ("不能随时退订", "negation_added"),
        ("两天不送达", "negation_added"),
        ("每周没有新款", "negation_added"),
    ],
)
def test_what_is_turned_in_chinese_is_found(text: str, code: str) -> None:
    assert [fault.code for fault in polarity.faults(text, CHINESE)] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "请勿机洗",
        "零香精",
        "拒绝防腐剂",
        "新款不断，每周都有",
        "随时退订，不问理由",
        "不错的两天送达",
    ],
)
def test_what_keeps_its_sense_in_chinese_is_left_alone(text: str) -> None:
    assert list(polarity.faults(text, CHINESE)) == []


def test_a_fault_says_what_the_brief_says() -> None:
    (fault,) = polarity.faults("So bleach it when wet", BRIEF)
    assert (fault.span.text, fault.given) == ("bleach", "don't bleach it when wet")
