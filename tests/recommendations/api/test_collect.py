"""Events from web pages: what a public key may do, from where, and how often."""

import json
import time
from typing import Any

import pytest
from django.test import Client

from recommendations.api.collect import base
from recommendations.models import Interaction, Item, Person
from recommendations.services.keys import public_key_issue, public_text
from tenants.actors import Actor, acting
from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import api, key_for, stranger

__all__ = ["api", "stranger"]
pytestmark = pytest.mark.django_db
SHOP = "https://shop.example"


@pytest.fixture
def key(acme: Tenant, alice: User, api: Any) -> ApiKey:
    """A public key of Acme's, whose catalogue has a fern and a pot."""
    assert api.post("/api/v1/items/", [{"id": "fern"}, {"id": "pot"}]).status_code == 201
    with tenant_scope(acme), acting(Actor(user=alice)):
        return public_key_issue(name="Site", origins=[SHOP])


def send(key: ApiKey, *events: Any, origin: str = SHOP, **more: Any) -> Any:
    now = int(time.time() * 1000)
    body = {"person": "ann", "session": "s1", "sent": now, "events": list(events), **more}
    return post(text_of(key), body, origin)


def text_of(key: ApiKey) -> str:
    with tenant_scope(key.workspace_id):
        return public_text(key)


def post(secret: str, body: Any, origin: str = SHOP, path: str = "/collect/") -> Any:
    headers = {"origin": origin} if origin else {}
    return Client().post(
        f"{path}?key={secret}", json.dumps(body), content_type="text/plain", headers=headers
    )


def ago(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def event(type: str = "view", item: str = "fern", seconds: float = 1, **more: Any) -> Any:
    return {"type": type, "item": item, "at": ago(seconds), **more}


def rows(key: ApiKey) -> list[Any]:
    with tenant_scope(key.workspace_id):
        return list(
            Interaction.objects.order_by("occurred_at").values_list(
                "person__key", "item__key", "type", "session", "seconds"
            )
        )


def test_events_are_counted(key: ApiKey) -> None:
    answer = send(key, event("impression", seconds=2), event("click", "pot"))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "rejected": 0})
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert rows(key) == [
        ("ann", "fern", "impression", "s1", None),
        ("ann", "pot", "click", "s1", None),
    ]


def test_how_long_a_page_was_looked_at_belongs_to_its_view(key: ApiKey) -> None:
    view = event()
    send(key, view)
    for seconds in (4.5, 9.0, 7.0):
        send(key, {**view, "type": "dwell", "seconds": seconds})
    assert rows(key) == [("ann", "fern", "view", "s1", 9.0)]
    assert send(key, event("dwell", seconds=99)).json()["accepted"] == 0


def test_a_clock_that_is_wrong_is_put_right(key: ApiKey) -> None:
    day = 86_400_000
    late = [{"type": "view", "item": "fern", "at": ago(1) + 90 * day}]
    assert send(key, *late, sent=ago(0) + 90 * day).json()["accepted"] == 1
    assert send(key, *late).json() == {"accepted": 0, "rejected": 1}


def test_what_is_not_in_order_is_left_out_alone(key: ApiKey) -> None:
    strange = [
        event(item="not there"),
        event(item="unknown"),
        event("own_type"),
        event(at="soon"),
        event(seconds=-600),
        {"type": "click"},
        event() | {"value": "x"},
    ]
    assert send(key, event(), *strange).json() == {"accepted": 1, "rejected": len(strange)}
    with tenant_scope(key.workspace_id):
        assert Item.objects.count() == 2
        assert Person.objects.count() == 1


@pytest.mark.parametrize("body", [[], {}, {"events": 5}, {"events": [5]}, {"events": None}])
def test_bodies_out_of_order_are_refused(key: ApiKey, body: Any) -> None:
    assert post(text_of(key), body).status_code == 422
    assert send(key, *[event()] * 101).status_code == 413


@pytest.mark.parametrize(
    "origin", ["", "https://elsewhere.example", "http://shop.example", "https://shop.example:8443"]
)
def test_other_origins_are_refused(key: ApiKey, origin: str) -> None:
    answer = send(key, event(), origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answer
    assert rows(key) == []


def test_browsers_may_ask_first(key: ApiKey) -> None:
    path = f"/collect/?key={text_of(key)}"
    answer = Client().options(path, headers={"origin": SHOP})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert answer["Access-Control-Allow-Methods"] == "POST"
    assert Client().options(path, headers={"origin": "https://a.example"}).status_code == 403


def test_a_public_key_opens_no_other_door(key: ApiKey) -> None:
    secret = text_of(key)
    bearer = {"authorization": f"Bearer {secret}", "origin": SHOP}
    for path in ("/api/v1/items/", "/api/v1/me/", "/v1/models"):
        assert Client().get(path, headers=bearer).status_code == 401
    assert Client().get("/gorse/api/items", headers={"x-api-key": secret}).status_code == 401
    assert Client().get(f"/collect/?key={secret}", headers={"origin": SHOP}).status_code == 405


def test_other_keys_do_not_open_this_one(key: ApiKey, acme: Tenant) -> None:
    assert post(key_for(acme), {"events": []}).status_code == 401
    assert post("pk_00000000_no", {"events": []}).status_code == 401
    with tenant_scope(acme):
        secret = public_text(key)
        key.revoke()
    assert post(secret, {"events": []}).status_code == 401


def test_events_go_to_the_keys_own_workspace(key: ApiKey, stranger: Any, other: Tenant) -> None:
    stranger.post("/api/v1/items/", [{"id": "fern"}])
    assert send(key, event()).json()["accepted"] == 1
    with tenant_scope(other):
        assert not Interaction.objects.exists()


def test_one_address_is_served_so_often(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PER_ADDRESS", 2)
    for _ in range(2):
        assert send(key).status_code == 202
    answer = send(key)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer["Retry-After"]) >= 1


def test_the_script_is_small_and_for_everybody() -> None:
    answer = Client().get("/collect/collect.js")
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Content-Type"].startswith("text/javascript")
    assert 1_000 < len(answer.content) <= 3_000
