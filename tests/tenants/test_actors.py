"""Who acts, and the one record of what they did."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client

from saas.errors import AppError
from tenants import event_types
from tenants.actors import SYSTEM, Actor, acting, current_actor, require
from tenants.events import history, record, register
from tenants.models import ApiKey, AuditEvent, Membership, Role, Tenant, User
from tenants.scope import ScopeError, tenant_scope
from tests.support.api import client_for as api_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[None]:
    with tenant_scope(acme):
        yield


def test_the_system_acts_where_nobody_else_does(in_acme: None) -> None:
    assert current_actor() == SYSTEM
    event = record("workspace.renamed")
    assert (event.user, event.api_key, event.who) == (None, None, "")


def test_blocks_nest_and_end_with_an_error_too(alice: User, bob: User) -> None:
    with acting(Actor(user=alice)):
        with pytest.raises(RuntimeError), acting(Actor(user=bob)):
            raise RuntimeError
        assert current_actor().user == alice
    assert current_actor() == SYSTEM


def test_a_role_is_the_one_of_this_moment(in_acme: None, ada: User) -> None:
    with acting(Actor(user=ada)):
        require(Role.ADMIN)
        with pytest.raises(AppError, match="role"):
            require(Role.ADMIN, Role.OWNER)
        Membership.objects.filter(user=ada).update(role=Role.VIEWER)
        with pytest.raises(AppError, match="role"):
            require(Role.ADMIN)


@pytest.mark.parametrize("actor", [SYSTEM, Actor(user=User())])
def test_who_is_no_member_covers_nothing(in_acme: None, actor: Actor) -> None:
    with acting(actor), pytest.raises(AppError) as refused:
        require(Role.VIEWER)
    assert refused.value.code == "insufficient_role"


def test_a_service_account_covers_its_own_role(in_acme: None) -> None:
    key, _ = ApiKey.issue(name="Site", scopes=[], role="admin")
    with acting(Actor(api_key=key)):
        require(Role.ADMIN)
        with pytest.raises(AppError):
            require(Role.OWNER)


def test_an_event_names_its_subject_and_who_did_it(in_acme: None, alice: User, bob: User) -> None:
    key, _ = ApiKey.issue(name="Site", scopes=[], created_by=alice)
    with acting(Actor(user=alice, api_key=key, address="8.8.8.8", request_id="req_1")):
        record("member.role_changed", bob, before="editor", after="viewer")
    record("member.joined", alice)
    (event,) = history(bob)
    assert (event.subject_type, event.subject_label) == ("tenants.user", "bob@acme.test")
    assert (event.who, event.by_key) == ("alice@acme.test", "Site")
    assert (event.address, event.request_id) == ("8.8.8.8", "req_1")
    assert (event.label, event.data["after"]) == ("Role changed", "viewer")


def test_an_event_is_gone_with_a_change_that_fails(in_acme: None, bob: User) -> None:
    with transaction.atomic():
        record("member.joined", bob)
        transaction.set_rollback(True)
    assert not history(bob).exists()


def test_another_workspace_has_another_history(in_acme: None, bob: User, other: Tenant) -> None:
    record("member.joined", bob)
    with tenant_scope(other):
        assert not history(bob).exists()


def test_events_need_a_scope_and_a_registered_name(acme: Tenant) -> None:
    with pytest.raises(ScopeError):
        record("member.joined")
    with tenant_scope(acme), pytest.raises(LookupError, match="nobody.knows"):
        record("nobody.knows")


def test_names_are_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_types, "_labels", {})
    register({"tea.made": "Tea made"})
    assert event_types.label_of("tea.made") == "Tea made"
    assert event_types.label_of("tea.spilt") == "tea.spilt"
    with pytest.raises(ImproperlyConfigured, match="tea.made"):
        register({"tea.made": "Again"})


def test_the_portal_and_the_api_say_who_acts(
    acme: Tenant, alice: User, client_for: Callable[[User], Client]
) -> None:
    client_for(alice).post("/w/acme/settings/general/", {"name": "Acme Foods", "time_zone": "UTC"})
    api_for(acme, by=alice).post("/api/v1/models/reset/")
    with tenant_scope(acme):
        events = AuditEvent.objects.select_related("user", "api_key").order_by("created_at")
        renamed, promoted = events[1:]
    assert (renamed.user, renamed.by_key, renamed.address) == (alice, "", "127.0.0.1")
    assert (promoted.user, promoted.by_key) == (alice, "Test")
    assert promoted.request_id.startswith("req_")
    assert current_actor() == SYSTEM


def test_the_audit_log_tells_the_key(
    acme: Tenant, alice: User, client_for: Callable[[User], Client]
) -> None:
    api_for(acme, by=alice).post("/api/v1/models/reset/")
    page = client_for(alice).get("/w/acme/settings/audit/").content.decode()
    assert re.search(r"alice@acme\.test\s*<br>", page)
    assert "by the key “Test”" in page
