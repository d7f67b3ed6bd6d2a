"""Eight callers at once through the API, the portal and the bulk upload: the limits hold."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from generation.models import Audience, Brand, Brief
from tenants.billing.verify import verify
from tenants.jobs.models import Job
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.api.test_briefs import order
from tests.generation.views.test_batches import write
from tests.generation.views.test_write import answers
from tests.support.api import client_for as program_for
from tests.support.threads import race

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS = 8
MOST = 3


def count(tenant: Tenant, model: Any) -> int:
    with tenant_scope(tenant):
        return int(model.objects.count())


def through_api(tenant: Tenant, brand: Brand, _: User) -> None:
    program = program_for(tenant)
    race(tenant, CALLERS, lambda n: order(program, brand, f"k-{n}", variants=1).status_code)


def through_portal(tenant: Tenant, brand: Brand, user: User) -> None:
    browser = signed_in(user)
    address = f"/w/{tenant.slug}/write/note/"
    race(tenant, CALLERS, lambda _: browser.post(address, answers(brand, variants="1")).status_code)


def through_bulk(tenant: Tenant, brand: Brand, user: User) -> None:
    browser, rows = signed_in(user), "topic\nAnvils\nRockets\n"
    race(tenant, CALLERS, lambda _: write(browser, bulk(tenant), brand, rows).status_code)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def bulk(tenant: Tenant) -> Callable[..., str]:
    return lambda name: f"/w/{tenant.slug}/write/bulk/"


@pytest.mark.parametrize("door", [through_api, through_portal, through_bulk])
def test_no_door_lets_more_jobs_wait_than_may(
    door: Callable[[Tenant, Brand, User], None],
    acme: Tenant,
    alice: User,
    brand: Brand,
    note: str,
    settings: Any,
) -> None:
    settings.LIMITS = {"queued_jobs": MOST}
    door(acme, brand, alice)
    assert count(acme, Job) == count(acme, Brief) == MOST
    with tenant_scope(acme):
        assert verify().faults == []


def test_no_door_lets_more_brands_in_than_may(
    acme: Tenant, alice: User, brand: Brand, settings: Any
) -> None:
    settings.LIMITS = {"brands": MOST, "audiences": MOST}
    program, browser = program_for(acme), signed_in(alice)

    def ask(number: int) -> None:
        given = {"name": f"Another {number}"}
        for what in ("brands", "audiences"):
            if number % 2:
                program.post(f"/api/v1/{what}/", given, HTTP_IDEMPOTENCY_KEY=f"{what}-{number}")
            else:
                browser.post(f"/w/{acme.slug}/{what}/new", given)

    race(acme, CALLERS, ask)
    assert (count(acme, Brand), count(acme, Audience)) == (MOST, MOST)


def test_a_refused_brand_says_why(acme: Tenant, alice: User, brand: Brand, settings: Any) -> None:
    settings.LIMITS = {"brands": 1, "variants": 1}
    refused = program_for(acme).post("/api/v1/brands/", {"name": "Second"})
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")
    assert refused.json()["limit"] == "brands"
    page = signed_in(alice).post(f"/w/{acme.slug}/brands/new", {"name": "Second"})
    assert page.status_code == 422
    assert "Second" in page.content.decode()
    assert "Brands: 1 of 1 are taken." in page.content.decode()
    asked = order(program_for(acme), brand, variants=2)
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/variants")
