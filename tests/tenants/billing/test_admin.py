"""Operators look at jobs and the ledger of the workspace they opened, and change nothing."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from tenants.billing.models import LedgerAccount, LedgerTransfer, UsageEvent
from tenants.billing.prices import Usage
from tenants.billing.services import reserve, settle
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
        spent = reserve(amount=90, purpose="generate.variant", key="spent")
        settle(
            job_id=uuid4(), kind="generate.variant", reservation=spent, amount=70, usage=Usage(7, 8)
        )


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
