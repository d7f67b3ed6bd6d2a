"""/api/v1/endpoint: an owner's key changes it, any key reads it, and nobody reads its key."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from generation.models import Endpoint
from tenants.models import Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import client_for

pytestmark = pytest.mark.django_db
URL = "/api/v1/endpoint/"
KEY = "mk-canary-3f9c27aa5d1e"
SERVER = {"base_url": "https://8.8.8.8/v1", "model": "big-model", "key": KEY}


def test_an_owners_key_sets_it_up_reads_it_and_removes_it(api: APIClient, acme: Tenant) -> None:
    assert api.get(URL).status_code == 404
    made = api.put(URL, SERVER)
    assert made.status_code == 200, made.content
    found = api.get(URL)
    assert found.json() == made.json()
    assert found.json()["key_tail"] == "5d1e"
    assert found.json()["enabled"] is True
    assert "canary" not in found.content.decode()
    with tenant_scope(acme):
        assert Endpoint.objects.get().key == KEY
    assert api.delete(URL).status_code == 204
    assert api.get(URL).status_code == 404
    assert api.delete(URL).status_code == 404


def test_the_key_stays_unless_it_is_sent(api: APIClient, acme: Tenant) -> None:
    api.put(URL, SERVER)
    without = {name: value for name, value in SERVER.items() if name != "key"}
    assert api.put(URL, without | {"model": "bigger"}).json()["key_tail"] == "5d1e"
    moved = api.put(URL, without | {"base_url": "https://8.8.4.4/v1"})
    assert (moved.status_code, moved.json()["errors"][0]["pointer"]) == (422, "/key")
    assert api.put(URL, SERVER | {"key": ""}).json()["key_tail"] == ""
    with tenant_scope(acme):
        assert Endpoint.objects.get().key == ""


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR])
def test_a_key_that_no_owner_made_changes_nothing(acme: Tenant, alice: User, role: Any) -> None:
    maker = User.objects.create_user("maker@acme.test")
    with tenant_scope(acme):
        Membership.objects.create(user=maker, role=role)
    client = client_for(acme, by=maker)
    for answer in (client.put(URL, SERVER), client.delete(URL)):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_role")
    with tenant_scope(acme):
        assert not Endpoint.objects.exists()


def test_an_owners_key_loses_the_right_with_its_maker(acme: Tenant, alice: User) -> None:
    client = client_for(acme, by=alice)
    with tenant_scope(acme):
        Membership.objects.update(role=Role.EDITOR)
    assert client.put(URL, SERVER).status_code == 403


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/v1", "https://127.0.0.1/v1", "https://a:b@8.8.8.8/v1", "https://8.8.8.8:22/"],
)
def test_an_address_that_is_not_allowed_is_a_problem_of_its_own(api: APIClient, url: str) -> None:
    answer = api.put(URL, SERVER | {"base_url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "url_not_allowed")
    assert answer.json()["errors"][0]["pointer"] == "/base_url"


def test_another_workspace_reads_nothing(api: APIClient, stranger: APIClient) -> None:
    api.put(URL, SERVER)
    assert stranger.get(URL).status_code == 404
