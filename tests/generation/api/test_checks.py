"""Text from anywhere is checked against a brand and a brief; places count in that text."""

from typing import Any

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

CHECK = "/api/v1/check/"
BRAND = {"name": "Lumen", "banned": ["cheap"], "facts": ["no blue light", "two-year guarantee"]}


def issues(api: APIClient, **body: Any) -> list[dict[str, Any]]:
    answer = api.post(CHECK, body)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["issues"]
    return found


def test_a_text_is_checked_against_the_brand(api: APIClient) -> None:
    api.post("/api/v1/brands/", BRAND)
    text = "A cheap lamp with blue light and a three-year guarantee."
    found = {each["service"]: each for each in issues(api, text=text)}
    assert found.keys() == {"banned_term", "negation_lost", "invented_number"}
    words = {text[each["from"] : each["until"]] for each in found.values()}
    assert words == {"cheap", "blue", "three-year"}
    assert found["negation_lost"]["suggestions"] == ["no blue light"]
    assert found["banned_term"]["severity"] == "error"


def test_a_piece_is_read_as_its_kind_and_places_count_in_the_whole(api: APIClient) -> None:
    api.post("/api/v1/brands/", BRAND)
    text = "**Headline:** Light for a cheap evening\n\n**Subheadline:** It dims.\n"
    fields = {"product": "lamp", "points": ["dims itself", "walnut foot"]}
    found = issues(api, text=text, kind="landing_hero", fields=fields)
    spans = {each["service"]: text[each["from"] : each["until"]] for each in found}
    assert spans["banned_term"] == "cheap"
    assert [each["suggestions"] for each in found if each["service"] == "missing"] == [
        ["walnut foot"]
    ]


def test_a_true_text_has_no_finding(api: APIClient) -> None:
    api.post("/api/v1/brands/", BRAND)
    assert issues(api, text="A lamp without blue light, with a two-year guarantee.") == []
    assert issues(api, text="一盏好灯。", language="zh-hans") == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": "x", "kind": "poem"}, "/kind"),
        ({"text": "x", "kind": "landing_hero", "fields": {"colour": "red"}}, "/fields/colour"),
        ({"text": "x", "tone": "warm"}, "/tone"),
    ],
)
def test_what_cannot_be_checked_says_why(
    api: APIClient, body: dict[str, Any], pointer: str
) -> None:
    answer = api.post(CHECK, body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
