"""Each platform's own way to count, on texts that count differently everywhere."""

from __future__ import annotations

import unicodedata

import pytest

from generation import kinds
from generation.kinds import platforms
from tests.support.scripted import brief_of

FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("tea", 3),
        ("茶" * 140, 280),
        ("🌱" * 141, 282),
        (FAMILY, 2),
        ("🇩🇪", 2),
        ("1️⃣", 2),
        ("—", 1),
        ("€", 2),
        (unicodedata.normalize("NFD", "é") * 250, 250),
        ("https://example.com", 23),
        ("https://example.com/a/very/long/path?with=a&query=too#and-more", 23),
        ("https://example.com" + "茶" * 10, 43),
        ("茶example.com茶", 27),
        ("see example.photography now", 31),
        ("hello@example.com", 17),
        ("first.last@example.com", 22),
        ("one.two", 7),
    ],
)
def test_x_weighs_by_its_table(text: str, weight: int) -> None:
    assert platforms.x(text) == weight


@pytest.mark.parametrize(
    ("name", "text", "size"),
    [
        ("google", "茶tea", 5),
        ("google", "Ｔ", 2),
        ("google", "é", 1),
        ("bluesky", FAMILY + "é", 2),
        ("mastodon", "https://example.com/abc/def/ghi/jkl and example.com", 23 + 16),
        ("mastodon", "@ann@example.social hi", 7),
        ("threads", "🌱a", 5),
        ("linkedin", "🌱a", 3),
        ("characters", "🌱a", 2),
    ],
)
def test_each_platform_counts_its_own_way(name: str, text: str, size: int) -> None:
    assert platforms.COUNTS[name](text) == size


@pytest.mark.parametrize(
    ("network", "text", "fits"),
    [
        ("x", "茶" * 140, True),
        ("x", "茶" * 141, False),
        ("bluesky", "é" * 300, True),
        ("bluesky", "é" * 301, False),
        ("mastodon", "https://example.com/" + "a" * 600, True),
        ("threads", "🌱" * 126, False),
    ],
)
def test_a_post_is_held_to_its_network(network: str, text: str, fits: bool) -> None:
    brief = brief_of("social_post", network=network)
    found = kinds.load("social_post").check({"text": text, "hashtags": []}, brief)
    assert ("too_long" not in [issue.code for issue in found]) is fits


def test_full_width_lines_of_an_ad_count_double() -> None:
    data = {"headlines": ["茶" * 15, "茶" * 16, "tea"], "descriptions": ["茶" * 46, "tea tea"]}
    found = kinds.load("search_ad").check(data, brief_of("search_ad", language="zh-hans"))
    assert [issue.part for issue in found if issue.code == "too_long"] == [
        "headlines.1",
        "descriptions.0",
    ]


def test_a_hashtag_keeps_the_marks_of_its_script() -> None:
    data = kinds.load("social_post").parse("A post.\n\n#Über #कविता #茶")
    assert data == {"text": "A post.", "hashtags": ["#Über", "#कविता", "#茶"]}
