"""The room Recommend, as its readers and editors use it."""

from collections.abc import Callable

import pytest
from django.test import Client

from recommendations.models import Item, Person, Recommendation, Scenario
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.recommendations.conftest import Record, event

pytestmark = pytest.mark.django_db
In = Callable[[User], Client]


@pytest.fixture
def visited(record: Record) -> None:
    for number in range(3):
        record(event(f"p{number}", "fern", 9), event(f"p{number}", "pot", 8))
    record(event("ann", "fern", 5))


def test_an_empty_room_teaches(acme: Tenant, alice: User, client_for: In) -> None:
    page = client_for(alice).get("/w/acme/recommend/").content.decode()
    assert "Your site asks, Kindling answers" in page
    assert "/api/v1/interactions/" in page


def test_the_overview_counts(visited: None, alice: User, client_for: In) -> None:
    page = client_for(alice).get("/w/acme/recommend/").content.decode()
    assert "Nothing was fitted yet" in page
    assert "No answers yet" in page


def test_the_catalogue_is_searched(visited: None, alice: User, client_for: In) -> None:
    page = client_for(alice).get("/w/acme/recommend/items/?q=cactus").content.decode()
    assert "Bunny cactus" in page
    assert "Clay pot" not in page


def test_an_item_shows_what_goes_with_it(visited: None, alice: User, client_for: In) -> None:
    fern = Item.objects.get(key="fern")
    page = client_for(alice).get(f"/w/acme/recommend/items/{fern.pk}/").content.decode()
    assert "Clay pot" in page


def test_hiding_takes_it_out_of_answers(
    visited: None, acme: Tenant, bob: User, client_for: In
) -> None:
    pot, ann = Item.objects.get(key="pot"), Person.objects.get(key="ann")
    client_for(bob).post(f"/w/acme/recommend/items/{pot.pk}/visibility/")
    page = client_for(bob).get(f"/w/acme/recommend/people/{ann.pk}/").content.decode()
    assert "Clay pot" not in page.partition("Did")[0]


def test_a_person_page_says_why(visited: None, alice: User, client_for: In) -> None:
    ann = Person.objects.get(key="ann")
    page = client_for(alice).get(f"/w/acme/recommend/people/{ann.pk}/").content.decode()
    assert "People who looked at “Bathroom fern” went on to this." in page


def test_a_scenario_is_made_previewed_and_undone(
    visited: None, acme: Tenant, bob: User, client_for: In
) -> None:
    client = client_for(bob)
    filled = {
        "name": "Home",
        "key": "home",
        "diversity": 0,
        "rotation_rate": 0,
        "min_relevance": 0,
        "exploration": 10,
        "filter": "'type' == \"pot\"",
        "booster": "",
    }
    preview = client.post("/w/acme/recommend/scenarios/preview/", {**filled, "person": "ann"})
    assert "Clay pot" in preview.content.decode()
    assert "Bunny cactus" not in preview.content.decode()
    broken = client.post("/w/acme/recommend/scenarios/new/", {**filled, "filter": "'color' =="})
    assert broken.status_code == 422
    assert client.post("/w/acme/recommend/scenarios/new/", filled).status_code == 302
    with tenant_scope(acme):
        home = Scenario.objects.get()
        assert Recommendation.objects.count() == 0
    where = f"/w/acme/recommend/scenarios/{home.pk}/"
    client.post(where, {**filled, "filter": ""})
    client.post(f"{where}undo/")
    with tenant_scope(acme):
        assert Scenario.objects.get().settings["filter"] == "'type' == \"pot\""


def test_forgetting_is_for_admins(
    visited: None, acme: Tenant, bob: User, ada: User, client_for: In
) -> None:
    ann = Person.objects.get(key="ann")
    where = f"/w/acme/recommend/people/{ann.pk}/forget/"
    assert client_for(bob).post(where).status_code == 403
    assert client_for(ada).post(where).status_code == 302
    with tenant_scope(acme):
        assert not Person.objects.filter(key="ann").exists()
