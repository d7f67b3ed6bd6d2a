"""The room Recommend, as its readers and editors use it."""

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from recommendations.models import Item, Person, Recommendation, Scenario
from recommendations.services.fitting import fitting_request
from tenants.jobs.models import Job
from tenants.jobs.worker import run
from tenants.models import ApiKey, Tenant, User
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
    assert "No answers yet" in page
    quality = client_for(alice).get("/w/acme/recommend/quality/").content.decode()
    assert "Nothing was fitted yet" in quality


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


def test_an_item_page_speaks_of_the_item(visited: None, alice: User, client_for: In) -> None:
    fern = Item.objects.get(key="fern")
    page = client_for(alice).get(f"/w/acme/recommend/items/{fern.pk}/").content.decode()
    assert "People who looked at “Bathroom fern” went on to this." in page
    assert "It fits what they did last." not in page


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


def test_a_fit_that_failed_is_told_with_a_way_to_try_again(
    visited: None, acme: Tenant, alice: User, victor: User, client_for: In
) -> None:
    with tenant_scope(acme):
        job = fitting_request()
        Job.objects.filter(pk=job.pk).update(
            state="failed",
            error_code="internal_error",
            error_detail="Learning stopped.",
            finished_at=timezone.now(),
        )
    page = client_for(alice).get("/w/acme/recommend/").content.decode()
    assert "The last time, learning failed." in page
    assert "internal_error" in page
    assert "Try again" in page
    assert "Try again</" not in client_for(victor).get("/w/acme/recommend/").content.decode()
    assert client_for(alice).post("/w/acme/recommend/fit/").status_code == 302
    page = client_for(alice).get("/w/acme/recommend/").content.decode()
    assert "The last time, learning failed." not in page
    assert "It is learning." in page


@pytest.mark.django_db(transaction=True)
def test_a_file_of_items_is_looked_at_mapped_and_read(
    acme: Tenant, bob: User, client_for: In
) -> None:
    client, where = client_for(bob), "/w/acme/recommend/import/items/"
    assert "No files yet" in client.get("/w/acme/recommend/imports/").content.decode()
    file = SimpleUploadedFile("plants.csv", b"SKU,Name\nfern,Fern\nb d,Broken\n=1+1,Sum\n")
    look = client.post(where, {"file": file})
    assert look.status_code == 200
    page = look.content.decode()
    assert "Which column is what?" in page
    file_id = re.search(r'name="file_id" value="([^"]+)"', page)
    assert file_id is not None
    sent = {"file_id": file_id[1], "kind": "csv", "name": "plants.csv", "header": ["SKU", "Name"]}
    assert client.post(where, {**sent, "column_1": "title"}).status_code == 422
    assert client.post(where, {**sent, "column_0": "id", "column_1": "title"}).status_code == 302
    run("score", "test")
    with tenant_scope(acme):
        assert Item.objects.get().title == "Fern"
        job = Job.objects.get()
    page = client.get("/w/acme/recommend/imports/").content.decode()
    assert "1 new, 0 changed, 0 known already, 2 refused" in page
    errors = client.get(f"/w/acme/recommend/imports/{job.pk}/errors/").content.decode()
    assert [line[:5] for line in errors.splitlines()] == ["Line,", "3,id,", "4,id,"]
    wrong = SimpleUploadedFile("plants.pdf", b"%PDF")
    assert client.post(where, {"file": wrong}).status_code == 422


def test_keys_are_made_shown_and_revoked(
    acme: Tenant, ada: User, victor: User, client_for: In
) -> None:
    client, where = client_for(ada), "/w/acme/recommend/connect/"
    assert "A public key for your pages" in client.get(where).content.decode()
    for origins in (
        "",
        "shop.example",
        "https://shop.example/path",
        "https://*.example",
        "ftp://a",
    ):
        refused = client.post(f"{where}public-keys/", {"name": "Shop", "origins": origins})
        assert refused.status_code == 422, origins
    made = {"name": "Shop", "origins": "https://Shop.example/\nhttp://localhost:3000"}
    assert client.post(f"{where}public-keys/", made).status_code == 302
    page = client_for(victor).get(where).content.decode()
    assert "collect/collect.js" in page
    assert "pk_" in page
    assert "Revoke" not in page
    with tenant_scope(acme):
        key = ApiKey.objects.get()
    assert key.origins == ["https://shop.example", "http://localhost:3000"]
    token = client.post(f"{where}tokens/", {"name": "Backend"}).content.decode()
    assert 'RecombeeClient("acme-' in token
    assert "st_" in token
    assert "st_" not in client.get(where).content.decode()
    assert client.post(f"{where}keys/{key.pk}/revoke/").status_code == 302
    assert "pk_" not in client.get(where).content.decode()
