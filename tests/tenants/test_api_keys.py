"""API keys: made with scopes and an end, shown once, revoked at once."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from saas.errors import AppError
from tenants.authentication import authenticate_key
from tenants.models import ApiKey, AuditEvent, Role, Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
KEYS = "/w/acme/settings/api-keys/"
SECRET = re.compile(r"sk_[0-9a-f]{8}_[\w-]{43}")
FORM = {"name": "Website", "scopes": ["read", "generate"], "days": "90"}


def test_the_secret_is_shown_once(acme: Tenant, ada: User, client_for: ClientFor) -> None:
    client = client_for(ada)
    made = client.post(KEYS, FORM)
    found = SECRET.search(made.content.decode())
    assert made.status_code == 201
    assert found is not None
    assert "no-store" in made["Cache-Control"]
    assert not SECRET.search(client.get(KEYS).content.decode())
    with tenant_scope(acme):
        key = ApiKey.objects.get()
        assert key.matches(found.group())
        assert key.scopes == ["read", "generate"]
        assert timedelta(days=89) < key.expires_at - timezone.now() < timedelta(days=91)
        assert found.group() not in str(list(AuditEvent.objects.values()))


def test_a_key_without_an_end_has_none(acme: Tenant, ada: User, client_for: ClientFor) -> None:
    client_for(ada).post(KEYS, {**FORM, "days": "0"})
    with tenant_scope(acme):
        assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"scopes": []},
        {"scopes": ["root"]},
        {"days": "9999"},
        {"days": ""},
    ],
)
def test_a_wrong_form_makes_no_key_and_loses_nothing(
    acme: Tenant, ada: User, client_for: ClientFor, wrong: dict[str, object]
) -> None:
    answer = client_for(ada).post(KEYS, {**FORM, **wrong})
    assert answer.status_code == 422
    assert answer.context["form"]["name"].value() == {**FORM, **wrong}["name"]
    with tenant_scope(acme):
        assert not ApiKey.objects.exists()


def test_editors_do_not_see_keys(acme: Tenant, bob: User, client_for: ClientFor) -> None:
    assert client_for(bob).get(KEYS).status_code == 403
    assert client_for(bob).post(KEYS, FORM).status_code == 403


def test_a_revoked_key_stops_at_once(
    acme: Tenant, ada: User, client_for: ClientFor, rf: object
) -> None:
    with tenant_scope(acme):
        key, secret = ApiKey.issue(name="Site", scopes=["read"], created_by=ada)
    request = rf.get("/api/v1/", headers={"authorization": f"Bearer {secret}"})  # type: ignore[attr-defined]
    assert authenticate_key(request) == (key, Role.ADMIN)
    assert client_for(ada).post(f"{KEYS}{key.pk}/revoke/").status_code == 302
    with pytest.raises(AppError) as refused:
        authenticate_key(request)
    assert refused.value.status == 401
    page = client_for(ada).get(KEYS).content.decode()
    assert "Revoked" in page


def test_revoking_twice_is_noted_once(acme: Tenant, ada: User, client_for: ClientFor) -> None:
    with tenant_scope(acme):
        key, _ = ApiKey.issue(name="Site", scopes=["read"], created_by=ada)
    for _ in range(2):
        assert client_for(ada).post(f"{KEYS}{key.pk}/revoke/").status_code == 302
    with tenant_scope(acme):
        assert AuditEvent.objects.filter(name="api_key.revoked").count() == 1


def test_another_workspaces_key_is_not_found(
    acme: Tenant, other: Tenant, ada: User, charlie: User, client_for: ClientFor
) -> None:
    with tenant_scope(other):
        key, _ = ApiKey.issue(name="Theirs", scopes=["read"], created_by=charlie)
    assert client_for(ada).post(f"{KEYS}{key.pk}/revoke/").status_code == 404
    with tenant_scope(other):
        assert ApiKey.objects.get().live


def test_last_use_is_shown(acme: Tenant, ada: User, client_for: ClientFor) -> None:
    with tenant_scope(acme):
        key, _ = ApiKey.issue(name="Site", scopes=["read"], created_by=ada)
        key.mark_used()
    assert "now" in client_for(ada).get(KEYS).content.decode()
