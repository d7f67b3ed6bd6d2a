"""The official recombee-api-client against our server, call by call."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from recombee_api_client import api_requests as calls
from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.exceptions import ResponseException

from recommendations.models import Item
from recommendations.services.keys import database_id, signing_token_issue
from tenants.actors import Actor, acting
from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC).replace(microsecond=0)
Send = Callable[[Any], Any]


def token_of(tenant: Tenant, owner: User) -> tuple[str, str]:
    with tenant_scope(tenant), acting(Actor(user=owner)):
        key, secret = signing_token_issue(name="Backend")
        return database_id(key), secret


def client_of(server: str, database: str, token: str) -> RecombeeClient:
    host = urlsplit(server).netloc
    return RecombeeClient(
        database, token, protocol="http", options={"base_uri": f"{host}/recombee"}
    )


@pytest.fixture
def send(server: str, acme: Tenant, alice: User) -> Send:
    client = client_of(server, *token_of(acme, alice))

    def sent(request: Any) -> Any:
        request.ensure_https = False  # the tests' server speaks plain HTTP
        request.timeout = 60_000
        return client.send(request)

    return sent


@pytest.fixture
def shop(send: Send) -> Send:
    """Six items with titles and prices; five visitors go from the fern to the pot."""
    send(calls.AddItemProperty("title", "string"))
    send(calls.AddItemProperty("price", "double"))
    send(calls.AddItemProperty("tags", "set"))
    rows = ("fern", "pot", "cactus", "stand", "mister", "soil")
    sets = [
        calls.SetItemValues(
            name,
            {"title": f"A {name}", "price": 5.0 + n, "tags": [("green", "tool")[n % 2]]},
            cascade_create=True,
        )
        for n, name in enumerate(rows)
    ]
    views = [
        calls.AddDetailView(
            f"p{n}", item, timestamp=NOW - timedelta(minutes=30 - at), cascade_create=True
        )
        for n in range(5)
        for at, item in enumerate(("fern", "pot"))
    ]
    answers = send(calls.Batch([*sets, *views]))
    assert [answer["code"] for answer in answers] == [200] * 16
    return send


def refused(send: Send, request: Any) -> int:
    with pytest.raises(ResponseException) as caught:
        send(request)
    return int(caught.value.status_code)


def test_items(send: Send) -> None:
    assert send(calls.AddItem("fern")) == "ok"
    assert refused(send, calls.AddItem("fern")) == 409
    send(calls.AddItemProperty("title", "string"))
    send(calls.AddItemProperty("light", "set"))
    assert refused(send, calls.AddItemProperty("light", "set")) == 409
    assert send(calls.GetItemPropertyInfo("title")) == {"name": "title", "type": "string"}
    assert [each["name"] for each in send(calls.ListItemProperties())] == ["light", "title"]
    send(calls.SetItemValues("fern", {"title": "A fern", "light": ["low"]}))
    values = {"title": "A fern", "light": ["low"]}
    assert send(calls.GetItemValues("fern")) == values
    assert refused(send, calls.SetItemValues("fern", {"title": 5})) == 400
    assert refused(send, calls.SetItemValues("fern", {"colour": "red"})) == 400
    assert refused(send, calls.SetItemValues("pot", {"title": "A pot"})) == 404
    send(calls.SetItemValues("pot", {"title": "A pot"}, cascade_create=True))
    assert send(calls.ListItems()) == ["fern", "pot"]
    full = send(calls.ListItems(return_properties=True, included_properties=["title"], count=1))
    assert full == [{"itemId": "fern", "title": "A fern"}]
    assert send(calls.ListItems(filter="'title' == \"A pot\"")) == ["pot"]
    send(calls.DeleteItemProperty("light"))
    assert send(calls.GetItemValues("fern")) == {"title": "A fern"}
    send(calls.DeleteItem("fern"))
    assert refused(send, calls.GetItemValues("fern")) == 404
    changed = send(calls.UpdateMoreItems("'title' == \"A pot\"", {"title": "Pot"}))
    assert changed == {"itemIds": ["pot"], "count": 1}
    assert send(calls.DeleteMoreItems("'title' == \"Pot\""))["count"] == 1


def test_titles_and_prices_are_ours_too(shop: Send, acme: Tenant) -> None:
    with tenant_scope(acme):
        fern = Item.objects.get(key="fern")
    assert (fern.title, str(fern.price), fern.tags) == ("A fern", "5.00", ["green"])


def test_users(send: Send) -> None:
    assert send(calls.AddUser("bob")) == "ok"
    assert refused(send, calls.AddUser("bob")) == 409
    send(calls.AddUserProperty("city", "string"))
    send(calls.SetUserValues("bob", {"city": "Oslo"}))
    assert send(calls.GetUserValues("bob")) == {"city": "Oslo"}
    assert send(calls.ListUserProperties()) == [{"name": "city", "type": "string"}]
    send(calls.AddUser("cookie"))
    send(calls.MergeUsers("bob", "cookie"))
    assert send(calls.ListUsers()) == ["bob"]
    send(calls.DeleteUser("bob"))
    assert refused(send, calls.GetUserValues("bob")) == 404


def test_interactions(shop: Send) -> None:
    assert refused(shop, calls.AddPurchase("new", "fern")) == 404
    at = NOW - timedelta(minutes=1)
    shop(calls.AddPurchase("new", "fern", timestamp=at, price=9.5, cascade_create=True))
    assert refused(shop, calls.AddPurchase("new", "fern", timestamp=at)) == 409
    shop(calls.AddRating("new", "pot", 0.5))
    assert refused(shop, calls.AddRating("new", "pot", 3)) == 400
    shop(calls.AddCartAddition("new", "pot"))
    shop(calls.AddBookmark("new", "soil"))
    shop(calls.AddDetailView("new", "soil", duration=12))
    shop(calls.SetViewPortion("new", "fern", 0.3, session_id="s"))
    shop(calls.SetViewPortion("new", "fern", 0.8, session_id="s"))
    assert refused(shop, calls.SetViewPortion("new", "fern", 0.1, session_id="s")) == 409
    (bought,) = shop(calls.ListUserPurchases("new"))
    assert (bought["itemId"], bought["price"]) == ("fern", 9.5)
    assert bought["timestamp"] == at.timestamp()
    assert [each["rating"] for each in shop(calls.ListItemRatings("pot"))] == [0.5]
    assert [each["portion"] for each in shop(calls.ListUserViewPortions("new"))] == [0.8]
    assert [each["duration"] for each in shop(calls.ListUserDetailViews("new"))] == [12]
    assert len(shop(calls.ListItemBookmarks("soil"))) == 1
    assert len(shop(calls.ListUserCartAdditions("new"))) == 1
    shop(calls.DeletePurchase("new", "fern", timestamp=at.timestamp()))
    assert shop(calls.ListUserPurchases("new")) == []
    assert refused(shop, calls.DeletePurchase("new", "fern")) == 404


def test_recommendations(shop: Send) -> None:
    shop(calls.AddDetailView("bob", "fern", cascade_create=True))
    answer = shop(calls.RecommendItemsToUser("bob", 2, return_properties=True))
    assert answer["recomms"][0]["id"] == "pot"
    assert answer["recomms"][0]["values"]["title"] == "A pot"
    more = shop(calls.RecommendNextItems(answer["recommId"], 2))
    ids = {each["id"] for each in (*answer["recomms"], *more["recomms"])}
    assert len(ids) == 4
    near = shop(calls.RecommendItemsToItem("fern", None, 1))
    assert near["recomms"] == [{"id": "pot"}]
    cheap = shop(calls.RecommendItemsToUser("nobody", 9, filter="'price' < 7"))
    assert {each["id"] for each in cheap["recomms"]} == {"fern", "pot"}
    assert refused(shop, calls.RecommendItemsToUser("bob", 9, filter="'price' <")) == 400
    assert refused(shop, calls.RecommendItemsToItem("nothing", "bob", 1)) == 404
    assert refused(shop, calls.RecommendNextItems("nonsense", 1)) == 404


def test_people_segments_and_search(shop: Send) -> None:
    suited = shop(calls.RecommendUsersToItem("pot", 3))
    assert {each["id"] for each in suited["recomms"]} <= {f"p{n}" for n in range(5)}
    assert len(suited["recomms"]) == 3
    alike = shop(calls.RecommendUsersToUser("p0", 9))
    assert {each["id"] for each in alike["recomms"]} == {f"p{n}" for n in range(1, 5)}
    segments = shop(calls.RecommendItemSegmentsToUser("p0", 2))
    assert {each["id"] for each in segments["recomms"]} == {"green", "tool"}
    found = shop(calls.SearchItems("p0", "pot", 5))
    assert [each["id"] for each in found["recomms"]] == ["pot"]
    assert shop(calls.SearchItems("p0", "zebra", 5))["recomms"] == []


def test_batches_tell_each_outcome(shop: Send) -> None:
    answers = shop(
        calls.Batch(
            [
                calls.AddItem("fern"),
                calls.AddDetailView("nobody", "fern"),
                calls.AddDetailView("p0", "fern", timestamp=NOW - timedelta(minutes=30)),
                calls.AddDetailView("p0", "soil"),
                calls.AddRating("p0", "soil", 7),
                calls.RecommendItemsToUser("p0", 1),
                calls.ResetDatabase(),
            ]
        )
    )
    assert [each["code"] for each in answers] == [409, 404, 409, 200, 400, 200, 404]
    assert answers[5]["json"]["recommId"]


def test_only_signed_requests_are_answered(
    server: str, shop: Send, acme: Tenant, alice: User, other: Tenant, charlie: User
) -> None:
    database, token = token_of(acme, alice)
    foreign, foreign_token = token_of(other, charlie)
    stranger = client_of(server, foreign, foreign_token)
    assert stranger.send(calls.ListItems()) == []
    for wrong in (client_of(server, database, "st_no"), client_of(server, database, foreign_token)):
        assert refused(wrong.send, calls.ListItems()) == 401
    assert httpx.get(f"{server}/recombee/{database}/items/list/").status_code == 401
    own = client_of(server, database, token)
    assert len(own.send(calls.ListItems())) == 6
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: NOW.timestamp() - 600)
        assert refused(own.send, calls.ListItems()) == 401
    with tenant_scope(acme):
        ApiKey.objects.filter(prefix=database.rpartition("-")[2]).revoke()
    assert refused(own.send, calls.ListItems()) == 401


def test_what_is_not_there_says_so(shop: Send) -> None:
    assert refused(shop, calls.ListSeries()) == 404
    assert refused(shop, calls.AddSeries("s")) == 404
