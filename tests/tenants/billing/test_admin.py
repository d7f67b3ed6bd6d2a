"""Operators look at jobs and the ledger of the workspace they opened, and change nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.billing.models import LedgerAccount, LedgerTransfer, Price, Source, UsageEvent
from tenants.billing.services import charge
from tenants.jobs.models import Job
from tenants.jobs.services import job_request
from tenants.models import Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
MODELS = [Job, LedgerAccount, LedgerTransfer, UsageEvent]


@pytest.fixture
def desk(db: None, acme: Tenant, client_for: Callable[[User], Client]) -> Client:
    """An operator's browser, with Acme opened."""
    desk = client_for(User.objects.create_superuser("olivia@kindling.test", "correct horse"))
    desk.post(f"/admin/tenants/tenant/{acme.pk}/enter/", {"reason": "Ticket 4711: no credits"})
    return desk


@pytest.fixture(autouse=True)
def _work(acme: Tenant) -> None:
    with tenant_scope(acme):
        job_request(kind="generate.variant", payload={"title": "Our secret plan"}, estimate=500)
        charge(source=Source("test", "1"), kind="generate.variant", usage={"prompt_tokens": 7})


@pytest.mark.parametrize("model", MODELS)
def test_the_rows_are_listed_and_shown(model: type[Job], desk: Client, acme: Tenant) -> None:
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    with tenant_scope(acme):
        pk = model.objects.first().pk
    assert desk.get(address).status_code == 200
    page = desk.get(f"{address}{pk}/change/")
    assert page.status_code == 200
    assert "Our secret plan" not in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_changed(model: type[Job], desk: Client, acme: Tenant) -> None:
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    with tenant_scope(acme):
        pk = model.objects.first().pk
    assert desk.get(f"{address}add/").status_code == 403
    assert desk.post(f"{address}{pk}/change/", {}).status_code == 403
    assert desk.post(f"{address}{pk}/delete/", {"post": "yes"}).status_code == 403


def test_operators_set_prices_that_are_still_to_come(desk: Client) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    asked = {"meter": "prompt_tokens", "micro_credits": 50, "per": 1}
    asked |= {"valid_from_0": f"{hour:%Y-%m-%d}", "valid_from_1": f"{hour:%H:%M:%S}"}
    refused = desk.post("/admin/billing/price/add/", asked)
    assert "still to come" in refused.content.decode()
    later = hour + timedelta(hours=2)
    asked |= {"valid_from_0": f"{later:%Y-%m-%d}", "valid_from_1": f"{later:%H:%M:%S}"}
    assert desk.post("/admin/billing/price/add/", asked).status_code == 302
    price = Price.objects.get()
    assert (price.meter, price.micro_credits, price.valid_from) == ("prompt_tokens", 50, later)
    assert desk.post(f"/admin/billing/price/{price.pk}/delete/", {"post": "yes"}).status_code == 302


def test_a_price_that_holds_is_never_changed(desk: Client) -> None:
    price = Price.objects.create(
        meter="prompt_tokens", micro_credits=50, valid_from=timezone.now() - timedelta(hours=1)
    )
    assert "prompt_tokens" in desk.get("/admin/billing/price/").content.decode()
    for what in ("change", "delete"):
        answer = desk.post(f"/admin/billing/price/{price.pk}/{what}/", {"post": "yes"})
        assert answer.status_code == 403
