"""Limits per person and per address: another workspace or another account does not help."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from saas.errors import TooManyRequests
from tenants.actors import Actor, acting
from tenants.errors import TooManyWorkspaces
from tenants.models import Membership, Role, Tenant, User
from tenants.quotas import INVITATIONS, MADE_PER_FREE
from tenants.scope import tenant_scope
from tenants.services import (
    invitation_accept,
    invitation_send,
    member_change_role,
    member_remove,
    workspace_create,
)

pytestmark = pytest.mark.django_db


def few(monkeypatch: pytest.MonkeyPatch, **most: int) -> None:
    for name, quota in most.items():
        kind = INVITATIONS[name]
        monkeypatch.setitem(INVITATIONS, name, kind.__class__(kind.name, quota, kind.window))


def invite(tenant: Tenant, by: User, to: str, address: str = "") -> None:
    with tenant_scope(tenant), acting(Actor(user=by, address=address)):
        invitation_send(email=to, role=Role.VIEWER)


def test_a_persons_invitations_count_over_all_workspaces(
    acme: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, person=2)
    second = workspace_create(owner=alice, name="Second")
    invite(acme, alice, "a@x.test")
    invite(second, alice, "b@x.test")
    with pytest.raises(TooManyRequests) as refused:
        invite(second, alice, "c@x.test")
    assert refused.value.extra["policy"] == "invitations"


def test_invitations_from_one_address_count_over_all_people(
    acme: Tenant, other: Tenant, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, address=1)
    invite(acme, alice, "a@x.test", address="2001:db8::1")
    with pytest.raises(TooManyRequests):
        invite(other, charlie, "b@x.test", address="2001:db8::2")
    invite(other, charlie, "b@x.test", address="198.51.100.1")


def test_nobody_gets_more_than_a_few_invitations_whoever_sends_them(
    acme: Tenant, other: Tenant, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, to=1)
    invite(acme, alice, "victim@x.test")
    with pytest.raises(TooManyRequests):
        invite(other, charlie, "Victim@x.test")


def test_workspaces_from_one_address_count_over_all_accounts(
    alice: User, charlie: User, client_for: Callable[[User], Client], settings: Any
) -> None:
    settings.SIGN_UPS_PER_ADDRESS = 1
    new = {"name": "One more"}
    assert client_for(alice).post("/workspaces/new/", new).status_code == 302
    refused = client_for(charlie).post("/workspaces/new/", new)
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, True)


def test_a_workspace_given_away_counts_for_its_new_owner(acme: Tenant, ada: User) -> None:
    for number in range(django_settings.FREE_WORKSPACES_PER_PERSON):
        workspace_create(owner=ada, name=f"Ada's {number}")
    with tenant_scope(acme):
        alice = Membership.objects.get(role=Role.OWNER)
        row = Membership.objects.get(user=ada)
        with acting(Actor(user=alice.user)), pytest.raises(TooManyWorkspaces, match="ada owns"):
            member_change_role(member_id=row.pk, role=Role.OWNER)
        with acting(Actor(user=alice.user)):
            member_change_role(member_id=row.pk, role=Role.EDITOR)
            member_remove(member_id=row.pk)
            invitation, _ = invitation_send(email=ada.email, role=Role.OWNER)
    with acting(Actor(user=ada)), pytest.raises(TooManyWorkspaces, match="You own"):
        invitation_accept(secret_sha256=invitation.secret_sha256)


def test_giving_workspaces_away_makes_no_endless_credits(alice: User, db: None) -> None:
    most = MADE_PER_FREE * django_settings.FREE_WORKSPACES_PER_PERSON
    for number in range(most):
        give_away(workspace_create(owner=alice, name=f"Number {number}"), number)
    with pytest.raises(TooManyRequests):
        workspace_create(owner=alice, name="One more")


def give_away(tenant: Tenant, number: int) -> None:
    with tenant_scope(tenant):
        heir = User.objects.create_user(f"heir{number}@x.test")
        Membership.objects.all().delete()
        Membership.objects.create(user=heir, role=Role.OWNER)
