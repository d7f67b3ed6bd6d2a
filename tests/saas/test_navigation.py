"""The sidebar: only what is built, in its order, greyed where the role may not go."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from saas.navigation import MAIN, SETTINGS, NavEntry, Navigation, navigation
from saas.shell import Shell
from tenants.jobs.registry import JobKind, registered
from tenants.jobs.services import job_request
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope

LIBRARY = NavEntry("library", "Library", "library", 30)


@pytest.fixture
def declared() -> Navigation:
    fresh = Navigation()
    fresh.add(LIBRARY)
    fresh.add(NavEntry("home", "Home", "house", 10))
    fresh.add(NavEntry("team", "Team", "users", 10, SETTINGS))
    return fresh


def test_entries_stand_in_their_order_by_section(declared: Navigation) -> None:
    assert [entry.name for entry in declared.entries(MAIN)] == ["home", "library"]
    assert [entry.name for entry in declared.entries(SETTINGS)] == ["team"]
    assert declared.home("acme") == "/w/acme/"


@pytest.mark.parametrize("order", [10, 20])
def test_a_name_or_a_place_is_taken_once(declared: Navigation, order: int) -> None:
    name = "library" if order == 20 else "write"
    with pytest.raises(ImproperlyConfigured):
        declared.add(NavEntry(name, "Again", "house", order))


def test_a_value_is_provided_once(declared: Navigation) -> None:
    declared.provide("answer", lambda request: 42)
    assert declared.value("answer", RequestFactory().get("/")) == 42
    with pytest.raises(ImproperlyConfigured):
        declared.provide("answer", lambda request: 43)


def test_a_page_that_is_not_built_or_lacks_its_workspace_has_no_address() -> None:
    assert NavEntry("nowhere", "Nowhere", "house", 1).url("acme") == ""
    assert LIBRARY.url("acme") == "/w/acme/library/"
    assert LIBRARY.url("") == ""


def shell_of(user: User | AnonymousUser, path: str = "/", **attributes: object) -> Shell:
    request = RequestFactory().get(path)
    request.user, request.session = user, {}
    for name, value in attributes.items():
        setattr(request, name, value)
    return Shell(request)


def shell_in(tenant: Tenant, user: User, path: str = "/") -> Shell:
    with tenant_scope(tenant):
        membership = Membership.objects.get(user=user)
    return shell_of(user, path, tenant=tenant, membership=membership)


def test_a_viewer_sees_write_but_may_not_enter(acme: Tenant, victor: User) -> None:
    links = {link.name: link for link in shell_in(acme, victor).nav}
    assert not links["write"].allowed
    assert links["library"].allowed


def test_settings_follow_the_role(acme: Tenant, bob: User) -> None:
    links = shell_in(acme, bob).settings_nav
    refused = {"settings-general", "model-server", "api-keys", "audit"}
    assert {link.name for link in links if not link.allowed} == refused


@pytest.mark.parametrize(
    ("path", "name"),
    [("", "home"), ("library/42/", "library"), ("briefs/42/", "write"), ("jobs/", "")],
)
def test_the_page_one_is_in_is_active(acme: Tenant, bob: User, path: str, name: str) -> None:
    links = shell_in(acme, bob, f"/w/acme/{path}").nav
    assert [link.name for link in links if link.active] == ([name] if name else [])


def test_the_shell_counts_the_work_that_is_not_done(acme: Tenant, bob: User) -> None:
    shell = shell_in(acme, bob)
    nothing = JobKind(name="test.nothing", label="Nothing", handler=print)
    with registered(nothing), tenant_scope(acme):
        job_request(kind="test.nothing", payload={}, estimate=0)
        assert shell.values["running_jobs"] == 1
    assert (shell.role, shell.slug) == ("editor", "acme")
    assert shell_of(bob).values["running_jobs"] == 0


def test_a_page_about_oneself_shows_the_workspace_visited_last(
    acme: Tenant, other: Tenant, alice: User
) -> None:
    with tenant_scope(other):
        Membership.objects.create(user=alice, role="viewer")
    shell = shell_of(alice)
    shell.request.session["workspace"] = "other"
    assert (shell.slug, shell.role) == ("other", "viewer")
    assert not shell.may("editor")
    found = [(each.slug, each.url, each.current) for each in shell.workspaces]
    assert found == [("acme", "/w/acme/", False), ("other", "/w/other/", True)]


def test_a_visitor_has_no_workspace() -> None:
    shell = shell_of(AnonymousUser())
    assert (shell.workspaces, shell.workspace, shell.nav) == ([], None, [])


def test_every_page_that_an_app_declares_is_built() -> None:
    for section in ("main", "settings", "account", "workspaces"):
        entries = navigation.entries(section)
        assert entries
        assert [entry.name for entry in entries if not entry.url("acme")] == []
