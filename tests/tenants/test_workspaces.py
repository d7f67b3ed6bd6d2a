"""Making, renaming and closing workspaces."""

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from tenants.lookups import workspaces_of
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NEW = "/workspaces/new/"
GENERAL = "/w/acme/settings/general/"


def test_a_new_workspace_has_its_maker_as_owner(charlie: User, client_for: ClientFor) -> None:
    answer = client_for(charlie).post(NEW, {"name": "Bright Oats"})
    (workspace,) = workspaces_of(charlie.pk)
    assert answer["Location"] == f"/w/{workspace.slug}/"
    assert (workspace.name, workspace.role) == ("Bright Oats", "owner")
    assert workspace.slug.startswith("bright-oats-")


def test_a_name_without_latin_letters_gets_an_address_too(
    charlie: User, client_for: ClientFor
) -> None:
    client_for(charlie).post(NEW, {"name": "明亮燕麦"})
    (workspace,) = workspaces_of(charlie.pk)
    assert workspace.slug.startswith("workspace-")


@pytest.mark.parametrize(
    "name",
    ["", "   ", "!!!", "x" * 81, "a\u202eb", "a\x00b", "Win at https://x.test", "www.x.test"],
)
def test_a_bad_name_is_refused_and_kept_in_the_form(
    charlie: User, client_for: ClientFor, name: str
) -> None:
    answer = client_for(charlie).post(NEW, {"name": name})
    assert answer.status_code == 422
    assert answer.context["form"]["name"].value() == name
    assert workspaces_of(charlie.pk) == []


def test_visitors_sign_in_first(client: Client) -> None:
    answer = client.get(NEW)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


def test_an_admin_renames_it_and_its_address_stays(
    acme: Tenant, ada: User, client_for: ClientFor
) -> None:
    assert (
        client_for(ada).post(GENERAL, {"name": "Acme Foods", "time_zone": "UTC"}).status_code == 302
    )
    (workspace,) = workspaces_of(ada.pk)
    assert (workspace.name, workspace.slug) == ("Acme Foods", "acme")
    with tenant_scope(acme):
        event = AuditEvent.objects.get(name="workspace.renamed")
    assert event.data == {"before": "Acme", "after": "Acme Foods"}
    assert event.user_id == ada.pk
    assert event.request_id.startswith("req_")


def test_times_are_written_by_the_workspaces_clock(
    acme: Tenant, ada: User, client_for: ClientFor
) -> None:
    client = client_for(ada)
    wrong = client.post(GENERAL, {"name": "Acme", "time_zone": "Mars/Olympus"})
    assert wrong.status_code == 422
    assert client.post(GENERAL, {"name": "Acme", "time_zone": "Asia/Tokyo"}).status_code == 302
    with tenant_scope(acme):
        event = AuditEvent.objects.get(name="workspace.time_zone")
    tokyo = event.created_at.astimezone(ZoneInfo("Asia/Tokyo"))
    log = client.get("/w/acme/settings/audit/").content.decode()
    assert f"{tokyo.day} {tokyo:%b %Y, %H:%M}" in log
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_editor_does_not_reach_the_settings(
    acme: Tenant, bob: User, client_for: ClientFor, method: str
) -> None:
    answer = getattr(client_for(bob), method)(GENERAL, {"name": "Mine"})
    assert answer.status_code == 403


def test_a_refused_role_is_told_as_a_problem_to_programs(
    acme: Tenant, bob: User, client_for: ClientFor
) -> None:
    answer = client_for(bob).get(GENERAL, headers={"accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "insufficient_role"


def test_outsiders_and_unknown_addresses_get_the_same_answer(
    acme: Tenant, charlie: User, client_for: ClientFor
) -> None:
    client = client_for(charlie)
    headers = {"x-request-id": "same-request"}
    hidden = client.get(GENERAL, headers=headers)
    unknown = client.get("/w/acne/settings/general/", headers=headers)
    assert hidden.status_code == unknown.status_code == 404
    assert without_token(hidden.content) == without_token(unknown.content)


def without_token(page: bytes) -> bytes:
    """The page less what each answer has of its own: the masked CSRF token and its address."""
    page = page.replace(b"/w/acme/", b"/w/acne/")
    return re.sub(rb'(csrf-token" content|csrfmiddlewaretoken" value)="\w+"', b"", page)


@pytest.mark.parametrize("slug", ["ACME", "Acme", "a_b", "acme-", "acme%00", "%2e%2e", "ä", "'"])
def test_no_spelling_of_an_address_gets_past_the_door(
    acme: Tenant, alice: User, client_for: ClientFor, slug: str
) -> None:
    for path in ("", "settings/team/", "settings/audit.csv"):
        assert client_for(alice).get(f"/w/{slug}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [("suspended", 403, "tenant_suspended"), ("erasing", 410, "tenant_erased")],
)
def test_a_closed_workspace_answers_so_to_its_owner(
    acme: Tenant, alice: User, client_for: ClientFor, state: str, status: int, code: str
) -> None:
    client = client_for(alice)
    with tenant_scope(acme):
        Tenant.objects.filter(pk=acme.pk).update(status=state)
    answer = client.get("/w/acme/settings/team/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/w/acme/settings/team/").status_code == status


def test_csrf_is_asked_for(acme: Tenant, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post(GENERAL, {"name": "Evil"}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
