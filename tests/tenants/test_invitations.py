"""Invitations: sent by mail, taken once, in time, and by nobody else."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from tenants.lookups import workspaces_of
from tenants.models import AuditEvent, Invitation, Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
INVITE = "/w/acme/settings/team/invite/"
LINK = re.compile(r"/invitations/[\w-]{43}\.[\w-]{43}/")
CONFIRMATION = re.compile(r"https?://[^/]+(/account/confirm-email/[^\s]+)")
PASSED_ON = re.compile(r"/invitations/[\w-]{43}/")
PAGE = "/invitations/"
JSON = {"accept": "application/json"}


def follow(client: Client, link: str) -> Client:
    """The browser after it followed the link, which leaves the secret behind."""
    assert client.get(link)["Location"] == PAGE
    return client


@pytest.fixture
def dora(db: None) -> User:
    """Has an account and no workspace."""
    return User.objects.create_user("dora@new.test", "correct horse battery")


@pytest.fixture
def invite(
    acme: Tenant,
    alice: User,
    client_for: ClientFor,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> Callable[..., str]:
    """Sends an invitation as Alice and returns its link's path, read from the mail."""

    def send(email: str = "dora@new.test", role: str = "editor") -> str:
        with django_capture_on_commit_callbacks(execute=True):
            answer = client_for(alice).post(INVITE, {"email": email, "role": role})
        assert answer.status_code == 201
        found = LINK.search(str(mail.outbox[-1].body))
        assert found is not None
        return found.group()

    return send


def test_the_mail_names_inviter_workspace_and_link(invite: Callable[..., str]) -> None:
    link = invite()
    message = mail.outbox[-1]
    assert message.to == ["dora@new.test"]
    assert message.subject == "Alice invites you to Acme on Kindling"
    assert "alice@acme.test" in str(message.body)
    html = str(message.alternatives[0][0])
    assert link in html
    assert "<script" not in html


def test_the_secret_is_stored_as_its_hash_alone(
    invite: Callable[..., str], acme: Tenant, client: Client
) -> None:
    link = invite()
    secret = link.split("/")[2].partition(".")[0]
    with tenant_scope(acme):
        stored = str(Invitation.objects.values().get()) + str(list(AuditEvent.objects.values()))
    client.get(link)
    assert secret not in stored + str(dict(client.session))


def test_the_invited_user_joins(
    invite: Callable[..., str], acme: Tenant, dora: User, client_for: ClientFor
) -> None:
    doras = follow(client_for(dora), invite())
    assert b"Join Acme" in doras.get(PAGE).content
    assert doras.post(PAGE)["Location"] == "/w/acme/"
    assert [(found.slug, found.role) for found in workspaces_of(dora.pk)] == [("acme", "editor")]
    with tenant_scope(acme):
        assert AuditEvent.objects.filter(name="member.joined", user=dora).count() == 1


def test_an_e_mail_in_capitals_is_the_same_address(
    invite: Callable[..., str], dora: User, client_for: ClientFor
) -> None:
    assert follow(client_for(dora), invite("Dora@New.test")).post(PAGE).status_code == 302


def test_somebody_else_is_refused(
    invite: Callable[..., str], charlie: User, client_for: ClientFor
) -> None:
    charlies = follow(client_for(charlie), invite())
    page = charlies.get(PAGE)
    assert page.status_code == 403
    assert "dora@new.test" in page.content.decode()
    answer = charlies.post(PAGE, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "invitation_for_other")
    assert workspaces_of(charlie.pk) == []


def test_somebody_else_changes_the_account_and_keeps_the_invitation(
    invite: Callable[..., str], charlie: User, dora: User, client_for: ClientFor
) -> None:
    browser = follow(client_for(charlie), invite())
    answer = browser.post("/invitations/switch/")
    assert answer["Location"] == "/account/login/?next=%2Finvitations%2F"
    credentials = {"login": "dora@new.test", "password": "correct horse battery", "next": PAGE}
    assert browser.post("/account/login/", credentials)["Location"] == PAGE
    assert browser.post(PAGE)["Location"] == "/w/acme/"


def test_a_second_use_is_refused(
    invite: Callable[..., str], dora: User, client_for: ClientFor
) -> None:
    link, doras = invite(), client_for(dora)
    follow(doras, link).post(PAGE)
    answer = follow(doras, link).post(PAGE, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "invitation_used")
    assert doras.get(PAGE)["Location"] == "/w/acme/"


def test_an_expired_one_is_gone(
    invite: Callable[..., str], acme: Tenant, dora: User, client_for: ClientFor
) -> None:
    link = invite()
    with tenant_scope(acme):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    doras = follow(client_for(dora), link)
    for method in ("get", "post"):
        answer = getattr(doras, method)(PAGE, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (410, "invitation_expired")


def test_one_to_a_workspace_that_is_being_erased_is_gone(
    invite: Callable[..., str], acme: Tenant, dora: User, client_for: ClientFor
) -> None:
    link = invite()
    doras = follow(client_for(dora), link)
    with tenant_scope(acme):
        Tenant.objects.filter(pk=acme.pk).update(status=Tenant.Status.ERASING)
    assert doras.get(link).status_code == 410
    assert doras.post(PAGE).status_code == 410


def test_an_unknown_link_is_not_found(client: Client, db: None) -> None:
    assert client.get(f"/invitations/{'x' * 43}/").status_code == 404
    assert client.get(PAGE).status_code == 404


def test_one_that_was_taken_back_is_not_found(
    invite: Callable[..., str], acme: Tenant, alice: User, dora: User, client_for: ClientFor
) -> None:
    link = invite()
    with tenant_scope(acme):
        pk = Invitation.objects.get().pk
    doras = follow(client_for(dora), link)
    answer = client_for(alice).post(f"/w/acme/settings/team/invitations/{pk}/revoke/")
    assert answer.status_code == 302
    assert doras.get(link).status_code == 404
    assert doras.post(PAGE).status_code == 404


def test_sending_again_kills_the_old_link(
    invite: Callable[..., str],
    acme: Tenant,
    alice: User,
    dora: User,
    client_for: ClientFor,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    old = invite()
    with tenant_scope(acme):
        pk = Invitation.objects.get().pk
    with django_capture_on_commit_callbacks(execute=True):
        client_for(alice).post(f"/w/acme/settings/team/invitations/{pk}/resend/")
    fresh = LINK.search(str(mail.outbox[-1].body))
    assert fresh is not None
    assert client_for(dora).get(old).status_code == 404
    assert follow(client_for(dora), fresh.group()).post(PAGE).status_code == 302


def test_inviting_twice_replaces_the_first(
    invite: Callable[..., str], acme: Tenant, dora: User, client_for: ClientFor
) -> None:
    old, fresh = invite(role="viewer"), invite(role="editor")
    with tenant_scope(acme):
        assert Invitation.objects.get().role == "editor"
    assert client_for(dora).get(old).status_code == 404
    assert client_for(dora).get(fresh).status_code == 302


def test_a_member_is_not_invited_again(
    acme: Tenant, alice: User, bob: User, client_for: ClientFor
) -> None:
    answer = client_for(alice).post(INVITE, {"email": "BOB@acme.test", "role": "viewer"})
    assert answer.status_code == 422
    assert "member already" in answer.content.decode()


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 250 + "@a.test"])
def test_a_bad_address_is_refused_and_kept_in_the_form(
    acme: Tenant, alice: User, client_for: ClientFor, email: str
) -> None:
    answer = client_for(alice).post(INVITE, {"email": email, "role": "viewer"})
    assert answer.status_code == 422
    assert answer.context["form"]["email"].value() == email


def test_an_admin_invites_nobody_as_owner(acme: Tenant, ada: User, client_for: ClientFor) -> None:
    answer = client_for(ada).post(INVITE, {"email": "dora@new.test", "role": "owner"})
    assert answer.status_code == 422


def test_editors_invite_nobody(acme: Tenant, bob: User, client_for: ClientFor) -> None:
    answer = client_for(bob).post(INVITE, {"email": "dora@new.test", "role": "viewer"})
    assert answer.status_code == 403


def test_the_thirty_first_mail_in_an_hour_waits(
    acme: Tenant, alice: User, client_for: ClientFor
) -> None:
    client = client_for(alice)
    statuses = [
        client.post(INVITE, {"email": f"p{n}@new.test", "role": "viewer"}) for n in range(31)
    ]
    assert [answer.status_code for answer in statuses[:30]] == [201] * 30
    assert statuses[30].status_code == 429
    assert 1 <= int(statuses[30]["Retry-After"]) <= 120


def sign_up(client: Client) -> User:
    data = {"email": "dora@new.test", "password1": "a long enough sentence", "next": PAGE}
    assert client.post("/account/signup/", data)["Location"] == PAGE
    return User.objects.get(email="dora@new.test")


def test_a_newcomer_signs_up_and_joins_without_a_workspace_of_their_own(
    invite: Callable[..., str], client: Client
) -> None:
    signup = f"/account/signup/?next={PAGE}"
    assert signup in follow(client, invite()).get(PAGE).content.decode()
    form = client.get(signup).content.decode()
    assert 'name="workspace"' not in form
    assert 'value="dora@new.test"' in form
    user = sign_up(client)
    assert client.post(PAGE).status_code == 302
    assert [found.slug for found in workspaces_of(user.pk)] == ["acme"]
    assert user.emailaddress_set.get().verified, "the link proved the address"


def test_the_inviter_can_pass_a_link_on_which_proves_no_address(
    acme: Tenant, alice: User, client_for: ClientFor, client: Client
) -> None:
    page = client_for(alice).post(INVITE, {"email": "dora@new.test", "role": "editor"})
    assert page["Cache-Control"].startswith("max-age=0")
    found = PASSED_ON.search(page.content.decode())
    assert found is not None
    data = {"email": "dora@new.test", "password1": "a long enough sentence", "next": PAGE}
    answer = follow(client, found.group()).post("/account/signup/", data)
    assert answer["Location"] == "/account/confirm-email/", "Alice had this link too"
    confirmation = CONFIRMATION.search(str(mail.outbox[-1].body))
    assert confirmation is not None
    assert client.post(confirmation.group(1))["Location"] == PAGE
    assert client.post(PAGE)["Location"] == "/w/acme/"


def test_a_visitor_takes_nothing(invite: Callable[..., str], client: Client) -> None:
    assert follow(client, invite()).post(PAGE).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_member(
    invite: Callable[..., str], dora: User, client_for: ClientFor
) -> None:
    link = invite()
    clients = [follow(client_for(dora), link) for _ in range(4)]

    def take(client: Client) -> int:
        try:
            return client.post(PAGE).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(take, clients))
    assert statuses == [302, 409, 409, 409]
