"""People for an item, segments for a person, and search ranked for who asks."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.support.api import api, stranger

__all__ = ["api", "stranger"]
pytestmark = pytest.mark.django_db
ASK = "/api/v1/recommendations/"


@pytest.fixture
def shop(api: APIClient) -> APIClient:
    """Ferns and pots; Ann looks at ferns, Ben at pots."""
    rows: list[dict[str, Any]] = [
        {"id": f"fern-{n}", "title": f"Green fern {n}", "tags": ["fern"], "type": "plant"}
        for n in range(3)
    ]
    rows += [
        {"id": f"pot-{n}", "title": f"Green pot {n}", "tags": ["clay"], "type": "pot"}
        for n in range(3)
    ]
    rows.append({"id": "hidden", "title": "Green nothing", "hidden": True})
    assert api.post("/api/v1/items/", rows).status_code == 201
    for who, what in (("ann", "fern"), ("ben", "pot"), ("eve", "fern"), ("bob", "pot")):
        events = [{"person": who, "item": f"{what}-{n}", "type": "click"} for n in range(2)]
        assert api.post("/api/v1/interactions/", events).status_code == 202
    return api


def names(answer: Any, where: str) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()[where]]


def test_people_for_an_item(shop: APIClient, stranger: APIClient) -> None:
    found = shop.post(f"{ASK}persons/", {"item": "fern-0"})
    assert set(names(found, "persons")) == {"ann", "eve"}
    assert len(names(shop.post(f"{ASK}persons/", {"item": "fern-0", "count": 1}), "persons")) == 1
    assert shop.post(f"{ASK}persons/", {"item": "nothing"}).status_code == 422
    assert stranger.post(f"{ASK}persons/", {"item": "fern-0"}).status_code == 422


def test_segments_for_a_person(shop: APIClient) -> None:
    tags = shop.post(f"{ASK}segments/", {"person": "ann", "count": 2})
    assert set(names(tags, "segments")) == {"fern", "clay"}
    types = shop.post(f"{ASK}segments/", {"person": "ann", "by": "type", "count": 1})
    assert len(names(types, "segments")) == 1
    assert types.json()["segments"][0]["score"] == 1
    assert shop.post(f"{ASK}segments/", {"person": "ann", "by": "colour"}).status_code == 422


def test_search_is_ranked_for_who_asks(shop: APIClient) -> None:
    own = shop.post(f"{ASK}search/", {"person": "ann", "query": "green", "count": 6})
    assert set(names(own, "items")) == {f"{what}-{n}" for what in ("fern", "pot") for n in range(3)}
    both = shop.post(f"{ASK}search/", {"person": "ann", "query": "green POT"})
    assert set(names(both, "items")) == {"pot-0", "pot-1", "pot-2"}
    more = shop.post(f"{ASK}search/", {"person": "ben", "query": "fern", "count": 2})
    assert len(names(more, "items")) == 2
    assert names(shop.post(f"{ASK}search/", {"person": "ann", "query": "zebra"}), "items") == []
    assert shop.post(f"{ASK}search/", {"person": "ann"}).status_code == 422
    kept = shop.post(
        f"{ASK}search/", {"person": "ann", "query": "green", "filter": "'type' == \"pot\""}
    )
    assert set(names(kept, "items")) == {"pot-0", "pot-1", "pot-2"}


def test_files_are_sent_over_the_api(shop: APIClient) -> None:
    def sent(path: str, name: str, text: bytes, **more: str) -> Any:
        data = {"file": SimpleUploadedFile(name, text), **more}
        return shop.post(f"/api/v1/{path}/imports/", data, format="multipart")

    assert sent("items", "a.csv", b"id,title\nx,X\n").status_code == 202
    assert (
        sent(
            "interactions", "a.jsonl", b'{"person": "a", "item": "x", "type": "click"}\n'
        ).status_code
        == 202
    )
    assert sent("items", "a.csv", b"name\nX\n").json()["code"] == "file_not_taken"
    mapping = '{"name": "id"}'
    assert sent("items", "a.csv", b"name\nX\n", mapping=mapping).status_code == 202
