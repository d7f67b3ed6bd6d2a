"""The official PyGorse client against our server, call by call."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from gorse import AsyncGorse, Gorse, GorseException

from recommendations.models import Item, Person
from tenants.models import Role, Tenant
from tenants.scope import tenant_scope
from tests.support.api import key_for

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


@pytest.fixture
def gorse(server: str, acme: Tenant) -> Gorse:
    return Gorse(f"{server}/gorse", key_for(acme))


@pytest.fixture
def shop(gorse: Gorse) -> Gorse:
    """Eight items in two categories, and five visitors who go from the fern to the pot."""
    for n, name in enumerate(("fern", "pot", "cactus", "stand", "mister", "soil", "seed", "lamp")):
        row = {"ItemId": name, "Comment": f"A {name}", "Categories": [("green", "tool")[n % 2]]}
        assert gorse.insert_item(row) == {"RowAffected": 1}
    gorse.insert_feedbacks(
        [
            feedback(f"p{n}", item, minutes=30 - at)
            for n in range(5)
            for at, item in enumerate(("fern", "pot"))
        ]
    )
    return gorse


def feedback(user: str, item: str, kind: str = "star", minutes: float = 1) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes)).isoformat()
    return {"FeedbackType": kind, "UserId": user, "ItemId": item, "Timestamp": at, "Value": 1}


def refused(call: Any, *args: Any, **kwargs: Any) -> int:
    with pytest.raises(GorseException) as caught:
        call(*args, **kwargs)
    return int(caught.value.status_code)


def test_users(gorse: Gorse) -> None:
    assert gorse.insert_user({"UserId": "bob", "Labels": ["a", "b"], "Comment": "A reader"})
    assert gorse.insert_users([{"UserId": f"u{n}"} for n in range(4)]) == {"RowAffected": 4}
    assert gorse.get_user("bob") == {
        "UserId": "bob",
        "Labels": ["a", "b"],
        "Comment": "A reader",
    }
    seen, cursor = [], ""
    while True:
        rows, cursor = gorse.get_users(2, cursor)
        seen += [row["UserId"] for row in rows]
        if not cursor:
            break
    assert seen == ["bob", "u0", "u1", "u2", "u3"]
    assert gorse.delete_user("bob") == {"RowAffected": 1}
    assert refused(gorse.get_user, "bob") == 404


def test_items(gorse: Gorse) -> None:
    row = {
        "ItemId": "fern",
        "IsHidden": False,
        "Categories": ["plant"],
        "Labels": {"light": ["low"]},
        "Comment": "A fern",
        "Timestamp": "2022-02-24T12:00:00+00:00",
    }
    gorse.insert_item(row)
    assert gorse.get_item("fern") == row
    gorse.update_item("fern", is_hidden=True, labels=["shade"])
    changed = {**row, "IsHidden": True, "Labels": ["shade"]}
    assert gorse.get_item("fern") == changed
    gorse.insert_item({"ItemId": "pot", "Comment": "Clay " * 100})
    assert gorse.get_item("pot")["Comment"] == "Clay " * 100
    first, cursor = gorse.get_items(1)
    second, end = gorse.get_items(1, cursor)
    assert [first[0]["ItemId"], second[0]["ItemId"], end] == ["fern", "pot", ""]
    assert [found["ItemId"] for found in gorse.search_items("fern")] == ["fern"]
    assert gorse.delete_item("fern") == {"RowAffected": 1}
    assert refused(gorse.get_item, "fern") == 404


def test_what_gorse_has_no_field_for_stays(gorse: Gorse, acme: Tenant) -> None:
    gorse.insert_item({"ItemId": "fern", "Labels": ["a"]})
    with tenant_scope(acme):
        Item.objects.update(price="9.00", attributes={"labels": ["a"], "light": "low"})
    gorse.insert_item({"ItemId": "fern", "Comment": "A fern"})
    with tenant_scope(acme):
        item = Item.objects.get()
    assert (str(item.price), item.attributes, item.title) == ("9.00", {"light": "low"}, "A fern")


def test_feedback(shop: Gorse) -> None:
    assert shop.insert_feedback("like", "bob", "fern", "2026-11-01 08:00:00", 2.5)
    assert shop.insert_feedback("like", "bob", "fern", "2026-11-02", 1)
    (found,) = shop.list_feedbacks("like", "bob")
    assert (found["Value"], found["ItemId"]) == (3.5, "fern")
    assert found["Timestamp"].startswith("2026-11-02")
    seen, cursor = [], ""
    while True:
        rows, cursor = shop.get_feedbacks(3, cursor)
        seen += [(row["UserId"], row["ItemId"]) for row in rows]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 11
    assert shop.delete_feedback("bob", "fern") == {"RowAffected": 1}
    assert shop.list_feedbacks("like", "bob") == []


def test_feedback_can_be_written_over(server: str, shop: Gorse, acme: Tenant) -> None:
    with httpx.Client(headers={"X-API-Key": shop.api_key}) as client:
        body = [feedback("p0", "fern", minutes=29.5) | {"Value": 5}]
        assert client.put(f"{server}/gorse/api/feedback", json=body).status_code == 200
        (found,) = shop.list_feedbacks("star", "p0")[1:]
        assert (found["ItemId"], found["Value"]) == ("fern", 5)
        one = client.get(f"{server}/gorse/api/feedback/star/p0/fern")
        assert one.json()["Value"] == 5


def test_recommendations(shop: Gorse) -> None:
    shop.insert_feedback("star", "bob", "fern", NOW.isoformat())
    found = shop.get_recommend("bob", n=3)
    assert found[0].id == "pot"
    assert len(found) == 3
    assert "fern" not in {each.id for each in shop.get_recommend("bob", n=10)}
    tools = shop.get_recommend("bob", category="tool", n=10)
    assert {each.id for each in tools} == {"pot", "stand", "soil", "lamp"}
    both = [each.id for each in shop.get_recommend("bob", n=7)]
    assert len(set(both)) == 7


def test_what_is_written_back_does_not_come_again(shop: Gorse, acme: Tenant) -> None:
    first = {each.id for each in shop.get_recommend("ann", n=3, write_back_type="read")}
    second = {each.id for each in shop.get_recommend("ann", n=5, write_back_type="read")}
    assert len(first | second) == 8
    later = {"write_back_type": "read", "write_back_delay": "1h30m"}
    shop.get_recommend("eve", n=8, **later)
    assert len(shop.get_recommend("eve", n=8)) == 8
    assert shop.list_feedbacks("read", "ann") == []
    assert (
        refused(shop.get_recommend, "eve", write_back_type="read", write_back_delay="soon") == 400
    )
    with tenant_scope(acme):
        assert Person.objects.get(key="ann").recent_items == []


def test_sessions_and_neighbours(shop: Gorse, acme: Tenant) -> None:
    found = shop.session_recommend([feedback("", "fern") | {"UserId": "nobody"}], n=3)
    assert found[0]["Id"] == "pot"
    assert len(found) == 3
    with tenant_scope(acme):
        assert not Person.objects.filter(key="nobody").exists()
    near = shop.get_neighbors("fern", n=2)
    assert [near[0]["Id"], len(near)] == ["pot", 2]
    assert shop.get_neighbors("fern", n=2, offset=1)[0] == near[1]
    assert refused(shop.get_neighbors, "nothing") == 404


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("popular?n=2", "fern|pot"),
        ("latest?n=2", "lamp"),
        ("non-personalized/popular?category=tool", "pot"),
        ("item-to-item/neighbors/fern", "pot"),
        ("user-to-user/neighbors/p1", "p0|p2|p3|p4"),
        ("user/p1/neighbors?n=1", "p0|p2|p3|p4"),
        ("collaborative-filtering/p1", ""),
        ("item/fern/feedback/star", ""),
        ("health/ready", ""),
        ("feedback/star", ""),
    ],
)
def test_addresses_that_the_client_has_no_call_for(
    server: str, shop: Gorse, path: str, first: str
) -> None:
    answer = httpx.get(f"{server}/gorse/api/{path}", headers={"X-API-Key": shop.api_key})
    assert answer.status_code == 200, answer.text
    if first:
        assert answer.json()[0]["Id"] in first.split("|")


def test_the_asynchronous_client_works_too(server: str, shop: Gorse) -> None:
    client = AsyncGorse(f"{server}/gorse", shop.api_key)

    async def both() -> Any:
        await client.insert_feedback("star", "bob", "fern", NOW.isoformat())
        return await client.get_recommend("bob", n=3)

    # Now and then something new is tried in one of the places.
    assert "pot" in [each.id for each in asyncio.run(both())]


def test_keys_roles_and_other_workspaces(
    server: str, shop: Gorse, acme: Tenant, other: Tenant
) -> None:
    entry = f"{server}/gorse"
    assert refused(Gorse(entry, "").get_users, 1) == 401
    assert refused(Gorse(entry, "sk_00000000_no").get_users, 1) == 401
    reader = Gorse(entry, key_for(acme, ["read"]))
    assert reader.get_item("fern")["ItemId"] == "fern"
    assert refused(reader.insert_user, {"UserId": "x"}) == 403
    viewer = Gorse(entry, key_for(acme, role=Role.VIEWER))
    assert refused(viewer.insert_item, {"ItemId": "x"}) == 403
    assert viewer.session_recommend([], n=1)
    stranger = Gorse(entry, key_for(other))
    assert refused(stranger.get_item, "fern") == 404
    assert stranger.get_feedbacks(10) == ([], "")
    assert stranger.get_recommend("p0") == []


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"ItemId": "a b"},
        {"ItemId": "x" * 129},
        {"ItemId": "a", "Categories": "plant"},
        {"ItemId": "a", "Categories": ["x" * 61]},
        {"ItemId": "a", "IsHidden": "no"},
        {"ItemId": "a", "Comment": 5},
        {"ItemId": "a", "Comment": "x" * 20_001},
        {"ItemId": "a", "Timestamp": "soon"},
        {"ItemId": "a", "Labels": ["x" * 20_001]},
        [],
    ],
)
def test_items_out_of_order_are_refused(gorse: Gorse, row: Any) -> None:
    assert refused(gorse.insert_item, row) == 400


@pytest.mark.parametrize(
    "change",
    [
        {"FeedbackType": ""},
        {"FeedbackType": "x" * 31},
        {"UserId": None},
        {"ItemId": "a/b"},
        {"Value": "much"},
        {"Value": 1e300},
        {"Timestamp": "2099-01-01"},
        {"Timestamp": "1970-01-01"},
        {"Timestamp": 7},
    ],
)
def test_feedback_out_of_order_is_refused(gorse: Gorse, change: Any) -> None:
    assert refused(gorse.insert_feedbacks, [feedback("a", "b") | change]) == 400


def test_pages_out_of_order_are_refused(shop: Gorse) -> None:
    assert refused(shop.get_users, 5_000) == 400
    assert refused(shop.get_users, -1) == 400
    assert refused(shop.get_feedbacks, 5, "nonsense") == 400
    assert refused(shop.get_recommend, "a b") == 404
