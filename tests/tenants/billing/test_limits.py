"""Limits: where they come from, and that nobody slips past one."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client

from saas import env
from saas.errors import Conflict
from tenants.billing import limits
from tenants.billing.errors import LimitReached
from tenants.billing.limits import Limit, limit, registered, require_room
from tenants.billing.models import LimitOverride
from tenants.billing.prices import CREDIT
from tenants.billing.services import balance
from tenants.errors import TooManyWorkspaces
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import workspace_create
from tests.support.api import client_for as program_for
from tests.support.threads import race

pytestmark = pytest.mark.django_db
PARALLEL = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _boxes() -> Iterator[None]:
    with registered(Limit("boxes", "Boxes", 3)):
        yield


def test_the_environment_comes_before_the_default_and_a_row_before_both(
    acme: Tenant, other: Tenant, settings: Any
) -> None:
    with tenant_scope(acme):
        assert limit("boxes") == 3
        settings.LIMITS = {"boxes": 5}
        assert limit("boxes") == 5
        LimitOverride.objects.create(name="boxes", value=0)
        assert limit("boxes") == limits.limits()["boxes"] == 0
    with tenant_scope(other):
        assert limit("boxes") == limits.limits()["boxes"] == 5


def test_an_unknown_limit_is_a_mistake(acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(LookupError, match="crates"):
        limit("crates")
    with pytest.raises(ImproperlyConfigured, match="boxes"):
        limits.register(Limit("boxes", "Again", 1))


def test_limits_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT_BOXES", "7")
    assert env.limits()["boxes"] == 7
    monkeypatch.setenv("LIMIT_BOXES", "-1")
    with pytest.raises(ImproperlyConfigured, match="LIMIT_BOXES='-1'"):
        env.limits()


def test_a_limit_of_the_environment_that_no_app_knows_is_named(settings: Any) -> None:
    settings.LIMITS = {"boxes": 1, "crates": 1}
    assert ["LIMIT_CRATES" in str(error.msg) for error in limits.check_names()] == [True]


def test_a_refusal_says_which_limit_and_how_much_is_taken(acme: Tenant) -> None:
    with tenant_scope(acme):
        require_room("boxes", lambda: 2)
        with pytest.raises(LimitReached) as caught:
            require_room("boxes", lambda: 2, more=2)
    assert str(caught.value) == "Boxes: 2 of 3 are taken, and this needs 2 more."
    assert caught.value.extra == {"limit": "boxes", "allowed": 3, "used": 2}
    assert (caught.value.status, caught.value.code) == (409, "limit_reached")


@PARALLEL
def test_eight_who_ask_at_once_get_no_more_than_there_is(acme: Tenant) -> None:
    def take(number: int) -> None:
        for again in range(3):
            with suppress(LimitReached), transaction.atomic():
                require_room("boxes", Membership.objects.count)
                user = User.objects.create_user(f"{number}-{again}@acme.test")
                Membership.objects.create(user=user)

    race(acme, 8, take)
    with tenant_scope(acme):
        assert Membership.objects.count() == 3


def test_the_monthly_credits_are_a_limit(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        LimitOverride.objects.create(name="monthly_credits", value=7)
        assert balance().available == 7 * CREDIT
    with tenant_scope(other):
        LimitOverride.objects.create(name="monthly_credits", value=0)
        assert balance().available == 0


def test_a_workspace_may_have_other_rates_than_the_rest(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        LimitOverride.objects.create(name="requests", value=2)
    program = program_for(acme)
    answers = [program.get("/api/v1/brands/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"requests";q=2;w=60'
    assert program_for(other).get("/api/v1/brands/")["RateLimit-Policy"] == '"requests";q=600;w=60'


def test_operators_set_a_workspaces_limits(
    acme: Tenant, other: Tenant, client_for: Callable[[User], Client]
) -> None:
    desk = client_for(User.objects.create_superuser("olivia@kindling.test", "correct horse"))
    desk.post(f"/admin/tenants/tenant/{acme.pk}/enter/", {"reason": "Ticket 4712: more boxes"})
    asked = {"name": "boxes", "value": "12"}
    assert desk.post("/admin/billing/limitoverride/add/", asked).status_code == 302
    assert "Boxes" in desk.get("/admin/billing/limitoverride/").content.decode()
    with tenant_scope(acme):
        assert limit("boxes") == 12
    with tenant_scope(other):
        assert limit("boxes") == 3
    refused = desk.post("/admin/billing/limitoverride/add/", asked | {"name": "crates"})
    assert refused.status_code == 200
    assert "crates is not one of the available choices" in refused.content.decode()


def test_free_workspaces_are_limited_per_person(
    alice: User, acme: Tenant, other: Tenant, client_for: Callable[[User], Client]
) -> None:
    with tenant_scope(other):
        Membership.objects.create(user=alice)  # edits there, which does not count
    browser = client_for(alice)
    made = [browser.post("/workspaces/new/", {"name": f"Again {n}"}) for n in range(3)]
    assert [answer.status_code for answer in made] == [302, 302, 422]
    assert "You own 3 workspaces, as many as one person may have" in made[-1].content.decode()


@PARALLEL
def test_free_workspaces_are_limited_however_fast_they_are_asked_for(
    alice: User, acme: Tenant
) -> None:
    def create(number: int) -> bool:
        try:
            workspace_create(owner=alice, name=f"Race {number}")
        except TooManyWorkspaces:
            return False
        return True

    assert sum(race(acme, 8, create)) == 2


def test_a_demoted_owner_may_have_another(alice: User, acme: Tenant, settings: Any) -> None:
    settings.FREE_WORKSPACES_PER_PERSON = 1
    with pytest.raises(Conflict, match="1 workspace,"):
        workspace_create(owner=alice, name="Second")
    with tenant_scope(acme):
        Membership.objects.update(role="admin")
    assert workspace_create(owner=alice, name="Second")
