"""Numbers with their units and limits: the brief's in other words, and those that are not its."""

from __future__ import annotations

import pytest

from generation.kinds import quantities

KNOWN = (
    "delivery within 48 hours; 30 days to try; at most 8 people; a £50 bonus; over 700 recipes; "
    "Stadtfuchs 500; from £12 a month; 20% off; a 6-week course; twelve jars; 1,250 members\n"
    "满199元包邮\n首盒八折\n不超过5人"
)


@pytest.mark.parametrize(
    "text",
    [
        *("two days", "48-hour delivery", "a month to try", "thirty days", "up to eight people"),
        *("£50 for you", "700+ recipes", "700 recipes", "the Stadtfuchs 500", "from £12"),
        *("twenty percent off", "six weeks", "12 jars", "1250 members", "three reasons why"),
        *("dark at four", "a thousand ideas", "满199元", "打八折", "立减20%", "最多五人"),
    ],
)
def test_the_briefs_own_are_known_in_any_form(text: str) -> None:
    assert list(quantities.faults(text, KNOWN)) == []


@pytest.mark.parametrize(
    ("text", "code", "span"),
    [
        ("within 24 hours", "invented_number", "24 hours"),
        ("48 days", "changed_unit", "48 days"),
        ("a $50 bonus", "changed_unit", "$50"),
        ("for 8 people", "changed_limit", "8"),
        ("at least 8 people", "changed_limit", "8"),
        ("£12 a month", "changed_limit", "£12"),
        ("25% off", "invented_number", "25%"),
        ("eleven jars", "invented_number", "eleven"),
        ("1,350 members", "invented_number", "1,350"),
        ("within one minute", "invented_number", "one minute"),
        ("满299元", "invented_number", "299元"),
        ("首盒七折", "invented_number", "七折"),
        ("5人成团", "changed_limit", "5"),
    ],
)
def test_what_is_not_the_briefs_is_found(text: str, code: str, span: str) -> None:
    (fault,) = quantities.faults(text, KNOWN)
    assert (fault.code, fault.span.text) == (code, span)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("twenty-five", 25), ("two hundred and ten", 210), ("1.5", 1.5), ("1,5", 1.5)),
        *(("1.200", 1200), ("3k", 3000), ("二十五个", 25), ("三百六十", 360), ("2万", 20000)),
    ],
)
def test_a_number_is_read_in_any_spelling(text: str, value: float) -> None:
    assert quantities.read(text)[0].value == value
