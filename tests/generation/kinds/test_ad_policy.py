"""What Google is sure to refuse in an ad, and what it takes."""

from __future__ import annotations

import pytest

from generation.kinds import ad_policy


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"headlines": ["Stays hot!"]}, "headlines.0"),
        ({"headlines": ["STAYS HOT ALL DAY"]}, "headlines.0"),
        ({"headlines": ["BREAKING tea news"]}, "headlines.0"),
        ({"headlines": ["Tea 🌱"]}, "headlines.0"),
        ({"headlines": ["Tea → now"]}, "headlines.0"),
        ({"descriptions": ["Really hot!!"]}, "descriptions.0"),
        ({"descriptions": ["Really hot?!"]}, "descriptions.0"),
        ({"path1": "tea set"}, "path1"),
        ({"path2": "tea/set"}, "path2"),
        ({"headlines": ["Hot tea"], "descriptions": ["Hot tea"]}, "descriptions.0"),
    ],
)
def test_it_is_named_with_its_place(data: dict[str, object], place: str) -> None:
    assert [issue.part for issue in ad_policy.findings(data)] == [place]


def test_what_google_takes_is_left_alone() -> None:
    data = {
        "headlines": ["USB-C for Your Desk", "CRM for VAT", "Acme® Tea", "Why Wait?"],
        "descriptions": ["Stays hot!", "No. 2 of a fine family."],
        "path1": "tea-set",
    }
    assert list(ad_policy.findings(data)) == []
