"""Events in, answers out, over the API."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.utils import timezone
from rest_framework.test import APIClient

from recommendations.models import Interaction, Item, Person
from saas.api import throttling
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import api, stranger

__all__ = ["api", "stranger"]
pytestmark = pytest.mark.django_db
EVENTS, ASK = "/api/v1/interactions/", "/api/v1/recommendations/"


@pytest.fixture
def catalogue(api: APIClient) -> None:
    rows = [
        {"id": f"item-{n}", "title": f"Item {n}", "type": "even" if n % 2 == 0 else "odd"}
        for n in range(12)
    ]
    assert api.post("/api/v1/items/", rows).status_code == 201


def click(person: str, item: str, minutes: float = 1, **more: Any) -> dict[str, Any]:
    at = timezone.now() - timedelta(minutes=minutes)
    return {"person": person, "item": item, "type": "click", "timestamp": at.isoformat(), **more}


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer.json()["items"]]


def test_the_next_answer_counts_the_last_click(api: APIClient, catalogue: None) -> None:
    for number in range(5):
        visit = [click(f"p{number}", "item-3", 9), click(f"p{number}", "item-7", 8)]
        assert api.post(EVENTS, visit).status_code == 202
    assert api.post(EVENTS, click("ann", "item-3")).json()["accepted"] == 1
    answer = api.post(ASK, {"person": "ann", "count": 3, "explain": True})
    assert ids(answer)[0] == "item-7"
    assert "item-3".removeprefix("item-") in answer.json()["items"][0]["why"]["text"]


def test_somebody_new_gets_what_many_choose(api: APIClient, catalogue: None) -> None:
    api.post(EVENTS, [click(f"p{n}", "item-5") for n in range(4)])
    answer = api.post(ASK, {"person": "new-one", "count": 5})
    assert ids(answer)[0] == "item-5"
    assert len(ids(answer)) == 5


def test_hidden_and_expired_items_never_come(api: APIClient, catalogue: None) -> None:
    api.patch("/api/v1/items/item-5/", {"hidden": True})
    past = (timezone.now() - timedelta(hours=1)).isoformat()
    api.patch("/api/v1/items/item-6/", {"available_until": past})
    api.patch("/api/v1/items/item-7/", {"in_stock": False})
    api.delete("/api/v1/items/item-8/")
    answer = api.post(ASK, {"person": "ann", "count": 20})
    assert set(ids(answer)) == {f"item-{n}" for n in (0, 1, 2, 3, 4, 9, 10, 11)}


def test_the_next_page_repeats_nothing(api: APIClient, catalogue: None) -> None:
    first = api.post(ASK, {"person": "ann", "count": 5})
    page = f"{ASK}{first.json()['recomm_id']}/next/"
    second, third = api.post(page, {"count": 5}), api.post(page, {"count": 5})
    seen = [*ids(first), *ids(second), *ids(third)]
    assert len(seen) == len(set(seen)) == 12
    assert api.post(f"{ASK}{uuid4()}/next/", {}).status_code == 404


def test_filters_and_boosters(api: APIClient, catalogue: None) -> None:
    odd = api.post(ASK, {"person": "ann", "count": 20, "filter": "'type' == \"odd\""})
    assert len(ids(odd)) == 6
    broken = api.post(ASK, {"person": "ann", "filter": "'type' == "})
    assert (broken.status_code, broken.json()["code"]) == (422, "rule_invalid")
    assert broken.json()["position"] >= 0
    boosted = {"person": "ann", "booster": "if 'id' == \"item-9\" then 9 else 1"}
    assert ids(api.post(ASK, boosted))[0] == "item-9"


def test_an_empty_catalogue_says_so(api: APIClient) -> None:
    answer = api.post(ASK, {"person": "ann"})
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert answer.json()["reason"] == "catalogue_empty"


def test_everything_out_of_stock_says_so(api: APIClient, catalogue: None) -> None:
    api.post("/api/v1/items/", [{"id": f"item-{n}", "in_stock": False} for n in range(12)])
    answer = api.post(ASK, {"person": "ann"}).json()
    assert (answer["items"], answer["reason"]) == ([], "nothing_allowed")


def test_a_question_without_anybody_is_refused(api: APIClient) -> None:
    answer = api.post(ASK, {"count": 3})
    assert (answer.status_code, answer.json()["code"]) == (422, "question_invalid")


@pytest.mark.parametrize(
    "at",
    ["9999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-01-01T00:00:00", "soon", 0, True, []],
)
def test_impossible_times_are_refused(api: APIClient, at: Any) -> None:
    event = {"person": "ann", "item": "a", "type": "click", "timestamp": at}
    answer = api.post(EVENTS, event)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "event_time_out_of_range"


def test_clocks_may_be_five_minutes_ahead(api: APIClient) -> None:
    now = timezone.now()
    ahead = {"person": "ann", "item": "a", "type": "click"}
    for seconds, status in ((290, 202), (302, 422)):
        at = (now + timedelta(seconds=seconds)).isoformat()
        assert api.post(EVENTS, {**ahead, "timestamp": at}).status_code == status


def test_old_events_are_taken_when_asked_for(api: APIClient) -> None:
    old = click("ann", "a", minutes=60 * 24 * 36)
    assert api.post(EVENTS, old).status_code == 422
    assert api.post(f"{EVENTS}?historical=true", old).status_code == 202


def test_a_batch_with_some_bad_events_keeps_the_good_ones(api: APIClient) -> None:
    rows: list[Any] = [click(f"p{n}", "a") for n in range(1000)]
    rows[3] = {"person": "p3"}
    rows[500] = {**rows[500], "value": 1e308}
    rows[999] = "nothing"
    answer = api.post(EVENTS, rows)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 997
    assert [row["index"] for row in answer.json()["rejected"]] == [3, 500, 999]


def test_a_batch_of_too_many_is_refused(api: APIClient) -> None:
    answer = api.post(EVENTS, [{}] * 10_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_large")


def test_strict_refuses_what_the_catalogue_does_not_have(api: APIClient, catalogue: None) -> None:
    answer = api.post(f"{EVENTS}?strict=true", [click("ann", "item-1"), click("ann", "nothing")])
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["code"] == "unknown_entity"
    assert api.post(EVENTS, click("ann", "nothing")).json()["unknown_entity"] == 1


def test_an_event_id_with_another_event_conflicts(api: APIClient) -> None:
    first = click("ann", "a", event_id="e1")
    assert api.post(EVENTS, first).status_code == 202
    assert api.post(EVENTS, first).json()["duplicates"] == 1
    other = api.post(EVENTS, {**first, "item": "b"})
    assert (other.status_code, other.json()["code"]) == (409, "event_conflict")


@pytest.mark.parametrize("price", [-1, 1e308, "NaN", "Infinity", -0.01])
def test_impossible_prices_are_refused(api: APIClient, price: Any) -> None:
    answer = api.post("/api/v1/items/", {"id": "a", "price": price})
    assert answer.status_code == 422


def test_workspaces_with_the_same_ids_share_nothing(
    api: APIClient, stranger: APIClient, acme: Tenant, other: Tenant, catalogue: None
) -> None:
    stranger.post("/api/v1/items/", [{"id": "item-1", "title": "Theirs"}, {"id": "only-theirs"}])
    api.post(EVENTS, [click("ann", f"item-{n}") for n in range(5)])
    theirs = stranger.post(ASK, {"person": "ann", "count": 50, "return_properties": True})
    assert {row["id"] for row in theirs.json()["items"]} == {"item-1", "only-theirs"}
    assert all(row["properties"]["title"] in ("Theirs", "") for row in theirs.json()["items"])
    recomm_id = api.post(ASK, {"person": "ann"}).json()["recomm_id"]
    assert stranger.post(f"{ASK}{recomm_id}/next/", {}).status_code == 404
    with tenant_scope(other):
        assert Interaction.objects.count() == 0
        assert Person.objects.get().recent_items == []


def test_a_forgotten_person_is_gone(api: APIClient, acme: Tenant, catalogue: None) -> None:
    api.post(EVENTS, click("ann", "item-1"))
    assert api.delete("/api/v1/persons/ann/").status_code == 204
    assert api.get("/api/v1/persons/ann/").status_code == 404
    with tenant_scope(acme):
        assert not Interaction.objects.exists()
        assert Item.objects.count() == 12


def test_answers_and_events_go_on_without_valkey(
    api: APIClient, catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(throttling.limiter, "admit", down)
    assert api.post(EVENTS, click("ann", "item-3")).status_code == 202
    assert ids(api.post(ASK, {"person": "ann", "count": 3}))


def test_a_session_without_a_person(api: APIClient, catalogue: None) -> None:
    for number in range(3):
        api.post(EVENTS, [click(f"p{number}", "item-2", 9), click(f"p{number}", "item-4", 8)])
    api.post(EVENTS, click("cookie-1", "item-2", session="s1"))
    # Now and then something new is tried in one of the places.
    assert "item-4" in ids(api.post(ASK, {"session": "s1", "count": 3}))


def test_scenarios_decide_and_can_be_undone(api: APIClient, catalogue: None) -> None:
    made = {"id": "home", "name": "Home", "settings": {"filter": "'type' == \"odd\""}}
    assert api.post("/api/v1/scenarios/", made).status_code == 201
    asked = {"person": "ann", "scenario": "home", "count": 20}
    assert len(ids(api.post(ASK, asked))) == 6
    changed = api.patch("/api/v1/scenarios/home/", {"settings": {}})
    assert changed.json()["number"] == 2
    assert len(ids(api.post(ASK, asked))) == 12
    assert api.post("/api/v1/scenarios/home/undo/").json()["number"] == 3
    assert len(ids(api.post(ASK, asked))) == 6
    strange = api.patch("/api/v1/scenarios/home/", {"settings": {"speed": 1}})
    assert strange.status_code == 422


def test_an_experiment_splits_people_for_good(api: APIClient, catalogue: None) -> None:
    api.post("/api/v1/scenarios/", {"id": "home", "name": "Home"})
    arms = [
        {"name": "control", "share": 50, "settings": {}},
        {"name": "odd", "share": 50, "settings": {"filter": "'type' == \"odd\""}},
    ]
    made = api.post("/api/v1/experiments/", {"name": "Odd", "scenario": "home", "arms": arms})
    assert made.status_code == 201
    sizes = {}
    for number in range(40):
        asked = {"person": f"p{number}", "scenario": "home", "count": 20}
        sizes[number] = len(ids(api.post(ASK, asked)))
        assert len(ids(api.post(ASK, asked))) == sizes[number]
    assert set(sizes.values()) == {6, 12}
    again = api.post("/api/v1/experiments/", {"name": "Odd", "scenario": "home", "arms": arms})
    assert again.json()["code"] == "experiment_running"
    stopped = api.post(f"/api/v1/experiments/{made.json()['id']}/stop/")
    assert stopped.json()["state"] == "stopped"
