"""What a key may: what its maker may now, or what its service account's role allows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.me import provide_limits
from tenants.models import ApiKey, AuditEvent, Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import client_for as api_for
from tests.support.api import key_for

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
BRANDS = "/api/v1/brands/"
KEYS = "/w/acme/settings/api-keys/"
TEAM = "/w/acme/settings/team/"
FORM = {"name": "Site", "scopes": ["read", "write"], "days": "90"}


def write(api: Any) -> int:
    return int(api.post(BRANDS, {"name": "Lumen"}).status_code)


def read(api: Any) -> int:
    return int(api.get(BRANDS).status_code)


def test_a_personal_key_follows_its_makers_role(acme: Tenant, bob: User) -> None:
    api = api_for(acme, by=bob)
    assert (read(api), write(api)) == (200, 201)
    with tenant_scope(acme):
        Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    answer = api.post(BRANDS, {"name": "Lumen"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_role")
    assert answer.json()["needed"] == "editor"
    assert read(api) == 200


def test_it_stops_while_its_maker_is_deactivated(acme: Tenant, bob: User) -> None:
    api = api_for(acme, by=bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert (read(api), write(api)) == (401, 401)
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert read(api) == 200


def test_it_ends_with_the_membership_for_good(
    acme: Tenant, alice: User, bob: User, client_for: ClientFor
) -> None:
    api, site = api_for(acme, by=bob), api_for(acme, role=Role.EDITOR)
    with tenant_scope(acme):
        key_for(acme, by=bob)
        member = Membership.objects.get(user=bob)
    page = client_for(alice).get(TEAM).content.decode()
    assert "2 API keys will stop working." in page
    client_for(alice).post(f"{TEAM}members/{member.pk}/remove/")
    assert (read(api), read(site)) == (401, 200)
    with tenant_scope(acme):
        assert AuditEvent.objects.get(name="member.removed").data["revoked_keys"] == 2
        Membership.objects.create(user=bob, role=Role.ADMIN)
    assert read(api) == 401, "a new membership brings no old key back"


def test_a_membership_that_went_another_way_ends_it_too(acme: Tenant, bob: User) -> None:
    api = api_for(acme, by=bob)
    with tenant_scope(acme):
        Membership.objects.filter(user=bob).delete()
    assert read(api) == 401


def test_a_service_account_outlives_its_maker_in_its_own_role(
    acme: Tenant, alice: User, bob: User
) -> None:
    with tenant_scope(acme):
        Membership.objects.filter(user=bob).update(role=Role.OWNER)
        key, secret = ApiKey.issue(
            name="Site", scopes=["read", "write"], role="viewer", created_by=bob
        )
        Membership.objects.filter(user=bob).delete()
    headers = {"authorization": f"Bearer {secret}"}
    assert Client().get(BRANDS, headers=headers).status_code == 200
    assert Client().post(BRANDS, {"name": "Lumen"}, headers=headers).status_code == 403
    me = Client().get("/api/v1/me/", headers=headers).json()
    assert (me["user"], me["role"], me["key"]["personal"]) == (None, "viewer", False)


def test_only_owners_make_keys_of_service_accounts(
    acme: Tenant, alice: User, ada: User, client_for: ClientFor
) -> None:
    assert "A service account:" not in client_for(ada).get(KEYS).content.decode()
    assert client_for(ada).post(KEYS, {**FORM, "role": "viewer"}).status_code == 422
    assert client_for(alice).post(KEYS, {**FORM, "role": "viewer"}).status_code == 201
    with tenant_scope(acme):
        assert ApiKey.objects.get().role == "viewer"
    assert "Service account" in client_for(alice).get(KEYS).content.decode()


def test_approving_is_off_by_default_and_can_be_given(
    acme: Tenant, alice: User, client_for: ClientFor
) -> None:
    form = client_for(alice).get(KEYS).context["form"]
    assert form["scopes"].value() == ["read"]
    client_for(alice).post(KEYS, {**FORM, "scopes": ["approve"]})
    with tenant_scope(acme):
        assert ApiKey.objects.get().scopes == ["approve"]


@pytest.mark.parametrize("scope", ["read", "write", "generate", "approve"])
def test_every_key_can_ask_what_it_is(acme: Tenant, bob: User, scope: str) -> None:
    me = api_for(acme, [scope], by=bob).get("/api/v1/me/").json()
    assert me["workspace"]["slug"] == "acme"
    assert me["user"]["email"] == "bob@acme.test"
    assert (me["role"], me["key"]["scopes"], me["key"]["personal"]) == ("editor", [scope], True)
    assert "secret" not in str(me)


def test_it_is_told_the_limits_that_apps_declare(
    acme: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.me._limits", [])
    provide_limits(lambda: {"brands": 100})
    assert api_for(acme, by=bob).get("/api/v1/me/").json()["limits"] == {"brands": 100}


def test_generating_includes_listing_models(acme: Tenant) -> None:
    api = api_for(acme, ["generate"])
    assert api.get("/v1/models").status_code == 200
    assert api.get(BRANDS).status_code == 403
