"""Numbers, names and addresses that the brief does not have are seen; its own are not."""

from __future__ import annotations

import pytest

from generation.kinds import facts

KNOWN = (
    "Kettle & Co sends tea to Leeds. 20% off, 1,200 customers since 2019, two teapots. "
    "See https://kettle.example/start or write to hello@kettle.example. Works with Slack and VAT. "
    "满199元包邮"
)


def texts(spans: object) -> list[str]:
    return [span.text for span in spans]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Get 20% off.", []),
        ("Get 25% off.", ["25%"]),
        ("1200 customers", []),
        ("1,200 customers", []),
        ("1,300 customers", ["1,300"]),
        ("2 teapots, since 2019", []),
        ("two teapots", []),
        ("three teapots", ["three"]),
        ("dark at four", []),
        ("Twenty percent", []),
        ("a dozen teas", ["a dozen"]),
        ("满199元", []),
        ("满299元", ["299元"]),
        ("百分之五十", ["百分之五十"]),
        ("有三十年历史", ["三十年"]),
        ("see https://kettle.example/99", []),
    ],
)
def test_unknown_numbers(text: str, found: list[str]) -> None:
    assert texts(facts.unknown_numbers(text, KNOWN)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Order at https://kettle.example/start.", []),
        ("Order at kettle.example", []),
        ("Order at www.kettle.example/start", []),
        ("Order at https://kettle.example/other", ["https://kettle.example/other"]),
        ("Order at teapot.com!", ["teapot.com"]),
        ("Write to hello@kettle.example", []),
        ("Write to boss@teapot.com.", ["boss@teapot.com"]),
        ("It is fine. So are we.", []),
        ("e.g. tea", []),
    ],
)
def test_unknown_addresses(text: str, found: list[str]) -> None:
    assert texts(facts.unknown_addresses(text, KNOWN)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We post tea to Leeds.", []),
        ("We post tea to Bradford.", ["Bradford"]),
        ("Tea is good. People like it.", []),
        ("Ask John Smith about it.", ["John Smith"]),
        ("John Smith likes it.", ["John Smith"]),
        ("The Guardian likes it.", ["Guardian"]),
        ("It works with Slack and Zoom.", ["Zoom"]),
        ("Kettle & Co's tea", []),
        ("On Monday I drink tea in English.", []),
        ("NASA drinks tea.", ["NASA"]),
        ("Your VAT is done.", []),
        ("Fresh Tea Every Month", []),
        ("- Fresh tea\n- Free post", []),
        ("He said: “Tea is good.”", []),
        ("认识Kettle & Co散装茶", []),
        ("认识一下Zoom的茶", ["Zoom"]),
    ],
)
def test_unknown_names(text: str, found: list[str]) -> None:
    assert texts(facts.unknown_names(text, KNOWN)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tea for every customer", []),
        ("The tea you love, sent to Leeds", []),
        ("Docker works with Slack", ["Docker"]),
        ("A biodegradable teapot", ["biodegradable"]),
        ("Sending teas", []),
    ],
)
def test_unknown_words(text: str, found: list[str]) -> None:
    assert facts.unknown_words(text, KNOWN) == found


def test_a_claim_has_to_stand_in_the_brief_as_it_is() -> None:
    known = "free delivery on every box; 30 days to try"
    assert facts.unknown_claims("free delivery", known) == []
    assert facts.unknown_claims("a free box", known) == ["free box"]
    assert facts.unknown_claims("30 boxes", known) == ["30 boxes"]


@pytest.mark.parametrize(
    ("text", "halved"),
    [
        ("Free for teams up to 10", False),
        ("Free for teams", True),
        ("20% off", True),
        ("Get 20% off your first box", False),
        ("Works for teams", False),
    ],
)
def test_an_offer_keeps_its_terms(text: str, halved: bool) -> None:
    claims = ("free for teams up to 10", "20% off the first box")
    assert facts.halved_claim(text, claims) is halved
