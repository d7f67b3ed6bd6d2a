"""The shell's rooms: only what is built, greyed where the role may not go."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from saas.context import ROOMS, SETTINGS_ROOMS, Room, Shell, covers, nav_items
from tenants.jobs.services import job_request
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope

BUILT = Room("admin:index", "Nowhere", "house")


@pytest.fixture
def _all_rooms_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(name: str, slug: str) -> str:
        return f"/w/{slug}/" if name == "home" else f"/w/{slug}/{name}/"

    monkeypatch.setattr("saas.context.workspace_url", address)


def test_a_room_that_is_not_built_is_not_shown() -> None:
    assert nav_items((BUILT,), slug="acme", role="owner", path="/") == []


@pytest.mark.usefixtures("_all_rooms_built")
def test_a_viewer_sees_write_but_may_not_enter() -> None:
    items = {item.name: item for item in nav_items(ROOMS, slug="a", role="viewer", path="/w/a/")}
    assert not items["write"].allowed
    assert items["library"].allowed


@pytest.mark.usefixtures("_all_rooms_built")
def test_the_room_one_is_in_is_active_and_home_only_at_its_own_address() -> None:
    items = nav_items(ROOMS, slug="a", role="owner", path="/w/a/library/42/")
    assert [item.name for item in items if item.active] == ["library"]


@pytest.mark.usefixtures("_all_rooms_built")
def test_a_brief_belongs_to_the_room_of_writing() -> None:
    items = nav_items(ROOMS, slug="a", role="owner", path="/w/a/briefs/42/")
    assert [item.name for item in items if item.active] == ["write"]


@pytest.mark.usefixtures("_all_rooms_built")
def test_settings_rooms_follow_the_role() -> None:
    items = nav_items(SETTINGS_ROOMS, slug="a", role="editor", path="/w/a/")
    assert {item.name for item in items if not item.allowed} == {
        "settings-general",
        "model-server",
        "api-keys",
        "audit",
    }


@pytest.mark.parametrize(
    ("role", "needed", "expected"),
    [("owner", "admin", True), ("viewer", "editor", False), ("", "viewer", False)],
)
def test_a_role_covers_those_below_it(role: str, needed: str, expected: bool) -> None:
    assert covers(role, needed) is expected


def shell_of(user: User | AnonymousUser, **attributes: object) -> Shell:
    request = RequestFactory().get("/")
    request.user, request.session = user, {}
    for name, value in attributes.items():
        setattr(request, name, value)
    return Shell(request)


def test_the_shell_counts_the_work_that_is_not_done(acme: Tenant, bob: User) -> None:
    with tenant_scope(acme):
        membership = Membership.objects.get(user=bob)
        job_request(kind="generate.chat", payload={}, estimate=0)
        shell = shell_of(bob, tenant=acme, membership=membership)
        assert shell.running_jobs == 1
    assert (shell.role, shell.slug) == ("editor", "acme")


def test_a_page_about_oneself_shows_the_workspace_visited_last(
    acme: Tenant, other: Tenant, alice: User
) -> None:
    with tenant_scope(other):
        Membership.objects.create(user=alice, role="viewer")
    shell = shell_of(alice)
    shell.request.session["workspace"] = "other"
    assert (shell.slug, shell.role) == ("other", "viewer")
    assert [workspace.slug for workspace in shell.workspaces] == ["acme", "other"]


def test_a_visitor_has_no_workspace() -> None:
    shell = shell_of(AnonymousUser())
    assert (shell.workspaces, shell.workspace, shell.nav) == ([], None, [])
