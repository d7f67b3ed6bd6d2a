"""The admin: a workspace is opened for a reason and an hour, and all of it is in its audit log."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tenants.models import ApiKey, AuditEvent, Membership, Role, Tenant, User
from tenants.operators import LIMIT, SESSION_KEY
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
MEMBERS = "/admin/tenants/membership/"
REGISTER = "/admin/tenants/tenant/"


@pytest.fixture
def olivia(db: None) -> User:
    """Operates Kindling, and is a member nowhere."""
    return User.objects.create_superuser("olivia@kindling.test", "correct horse battery")


@pytest.fixture
def desk(olivia: User, client_for: ClientFor) -> Client:
    return client_for(olivia)


def open_workspace(desk: Client, tenant: Tenant, reason: str = "Ticket 4711: no mails") -> None:
    answer = desk.post(f"{REGISTER}{tenant.pk}/enter/", {"reason": reason})
    assert answer.status_code == 302


def events(tenant: Tenant) -> list[AuditEvent]:
    with tenant_scope(tenant):
        rows = AuditEvent.objects.select_related("user").order_by("created_at")
        return list(rows.filter(name__startswith="operator."))


def test_members_and_visitors_do_not_get_in(
    acme: Tenant, alice: User, client: Client, client_for: ClientFor
) -> None:
    assert client_for(alice).get("/admin/").status_code in {302, 403}
    assert client_for(alice).get("/admin/", follow=True).status_code == 403
    assert client.get("/admin/").status_code == 302


def test_signing_in_goes_through_the_ordinary_door_with_its_second_factor(client: Client) -> None:
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_the_register_shows_every_workspace(desk: Client, acme: Tenant, other: Tenant) -> None:
    page = desk.get(REGISTER).content.decode()
    assert str(acme.pk) in page
    assert str(other.pk) in page
    assert str(other.pk) not in desk.get(f"{REGISTER}?q=acm").content.decode()


@pytest.mark.parametrize("path", [MEMBERS, f"{MEMBERS}add/", "/admin/tenants/auditevent/"])
def test_without_an_open_workspace_there_are_no_rows(desk: Client, acme: Tenant, path: str) -> None:
    answer = desk.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith(REGISTER)


@pytest.mark.parametrize("reason", ["", "  ", "short"])
def test_a_reason_is_needed(desk: Client, acme: Tenant, reason: str) -> None:
    answer = desk.post(f"{REGISTER}{acme.pk}/enter/", {"reason": reason})
    assert answer.status_code == 200
    assert events(acme) == []
    assert desk.get(MEMBERS).status_code == 302


def test_an_open_workspace_shows_its_rows_and_no_others(
    desk: Client, acme: Tenant, other: Tenant
) -> None:
    open_workspace(desk, acme)
    page = desk.get(MEMBERS).content.decode()
    assert "alice@acme.test" in page
    assert "charlie@other.test" not in page
    with tenant_scope(other):
        foreign = Membership.objects.get().pk
    assert desk.get(f"{MEMBERS}{foreign}/change/").status_code == 302


def test_the_banner_names_the_workspace_on_every_page(desk: Client, acme: Tenant) -> None:
    open_workspace(desk, acme)
    for path in ("/admin/", MEMBERS, REGISTER, "/admin/tenants/user/"):
        page = desk.get(path).content.decode()
        assert "You are in the workspace “Acme”" in page, path
        assert "Ticket 4711" in page


def test_entering_and_leaving_stand_in_the_workspaces_log(
    desk: Client, acme: Tenant, olivia: User
) -> None:
    open_workspace(desk, acme)
    assert desk.post(f"{REGISTER}leave/").status_code == 302
    entered, left = events(acme)
    assert (entered.name, entered.user) == ("operator.entered", olivia)
    assert entered.data == {"reason": "Ticket 4711: no mails"}
    assert (left.name, left.data) == ("operator.left", {"expired": False})
    assert desk.get(MEMBERS).status_code == 302


def test_opening_another_workspace_leaves_the_first(
    desk: Client, acme: Tenant, other: Tenant
) -> None:
    open_workspace(desk, acme)
    open_workspace(desk, other)
    assert [event.name for event in events(acme)] == ["operator.entered", "operator.left"]
    assert "charlie@other.test" in desk.get(MEMBERS).content.decode()


def test_a_visit_ends_after_an_hour(desk: Client, acme: Tenant) -> None:
    open_workspace(desk, acme)
    session = desk.session
    visit = session[SESSION_KEY]
    assert datetime.fromisoformat(visit["until"]) <= timezone.now() + LIMIT
    session[SESSION_KEY] = {**visit, "until": (timezone.now() - timedelta(seconds=1)).isoformat()}
    session.save()
    assert desk.get(MEMBERS).status_code == 302
    assert events(acme)[-1].data == {"expired": True}


def test_signing_out_ends_the_visit(desk: Client, acme: Tenant) -> None:
    open_workspace(desk, acme)
    desk.post(reverse("account_logout"))
    assert events(acme)[-1].name == "operator.left"


def test_a_dismissed_operator_is_out_on_the_next_request(
    desk: Client, acme: Tenant, olivia: User
) -> None:
    open_workspace(desk, acme)
    User.objects.filter(pk=olivia.pk).update(is_staff=False, is_superuser=False)
    assert "alice@acme.test" not in desk.get(MEMBERS, follow=True).content.decode()


def test_a_change_is_in_the_workspaces_log_and_not_in_djangos(
    desk: Client, acme: Tenant, bob: User
) -> None:
    open_workspace(desk, acme)
    with tenant_scope(acme):
        row = Membership.objects.get(user=bob)
    answer = desk.post(f"{MEMBERS}{row.pk}/change/", {"role": Role.ADMIN})
    assert answer.status_code == 302
    changed = events(acme)[-1]
    assert changed.name == "operator.changed"
    assert (changed.subject_type, changed.subject_id) == ("tenants.membership", str(row.pk))
    assert not LogEntry.objects.exists()


def test_an_operator_cannot_take_the_last_owner_away(
    desk: Client, acme: Tenant, alice: User
) -> None:
    open_workspace(desk, acme)
    with tenant_scope(acme):
        row = Membership.objects.get(user=alice)
    assert desk.post(f"{MEMBERS}{row.pk}/change/", {"role": Role.VIEWER}).status_code == 409


def test_an_operators_scope_does_not_reach_beyond_the_admin(desk: Client, acme: Tenant) -> None:
    open_workspace(desk, acme)
    assert desk.get("/w/acme/settings/team/").status_code == 404


def test_only_the_admin_gets_the_looser_content_policy(desk: Client, acme: Tenant) -> None:
    assert "unsafe-eval" in desk.get(REGISTER)["Content-Security-Policy"]
    assert "unsafe" not in desk.get(reverse("account_email"))["Content-Security-Policy"]


def test_secrets_hashes_are_not_shown(desk: Client, acme: Tenant, alice: User) -> None:
    with tenant_scope(acme):
        key, _ = ApiKey.issue(name="Site", scopes=["read"], created_by=alice)
    open_workspace(desk, acme)
    page = desk.get(f"/admin/tenants/apikey/{key.pk}/change/")
    assert page.status_code == 200
    assert key.secret_sha256 not in page.content.decode()
