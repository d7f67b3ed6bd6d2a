"""Usage, balance and prices by API, and that they say what the ledger and the portal say."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.billing.meters import Meter, registered
from tenants.billing.models import Price, Source, UsageEvent
from tenants.billing.prices import CREDIT, in_credits
from tenants.billing.services import balance, charge, reserve
from tenants.jobs.models import Job
from tenants.jobs.services import finish, job_request
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import api, client_for
from tests.support.credits import MONTHLY_GRANT
from tests.tenants.jobs.conftest import start

__all__ = ["api"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _meters() -> Iterator[None]:
    with registered(Meter("steps", "Steps walked", price=3, per=2)):
        yield


def walk(tenant: Tenant, name: str, steps: int) -> UsageEvent:
    with tenant_scope(tenant):
        return charge(source=Source("walk", name), kind="test.walk", usage={"steps": steps})


def test_usage_is_listed_newest_first_and_found_by_what_it_was_for(
    api: APIClient, acme: Tenant, other: Tenant
) -> None:
    first, second = walk(acme, "1", 2), walk(acme, "2", 5)
    walk(other, "3", 7)
    listed = api.get("/api/v1/usage/").json()["data"]
    assert [row["id"] for row in listed] == [str(second.pk), str(first.pk)]
    assert listed[0] == {
        "id": str(second.pk),
        "source": "walk",
        "source_id": "2",
        "kind": "test.walk",
        "usage": {"steps": 5},
        "seconds": 0.0,
        "customer_endpoint": False,
        "amount": 8,
        "created_at": listed[0]["created_at"],
    }
    found = {
        "source_id": "1",
        "until": second.created_at.isoformat(),
        "kind": "test.walk",
    }
    assert [row["id"] for row in api.get("/api/v1/usage/", found).json()["data"]] == [str(first.pk)]
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    assert api.get("/api/v1/usage/", {"since": later}).json()["data"] == []
    assert api.get("/api/v1/usage/", {"since": "yesterday"}).status_code == 422
    assert api.get(f"/api/v1/usage/{first.pk}/").json()["amount"] == 3
    assert client_for(other).get(f"/api/v1/usage/{first.pk}/").status_code == 404


def test_ledger_api_and_portal_say_one_number(
    api: APIClient, acme: Tenant, alice: User, client: Client
) -> None:
    walk(acme, "1", 20 * CREDIT)
    with tenant_scope(acme):
        reserve(amount=5 * CREDIT, purpose="test", key="test")
        now = balance()
    told = api.get("/api/v1/balance/").json()
    assert told["available"] == now.available == MONTHLY_GRANT - 35 * CREDIT
    assert (told["reserved"], told["spent_this_month"]) == (5 * CREDIT, 30 * CREDIT)
    assert told["granted_this_month"] == MONTHLY_GRANT
    assert told["renews_at"].endswith("-01T00:00:00Z")
    assert sum(row["amount"] for row in api.get("/api/v1/usage/").json()["data"]) == 30 * CREDIT
    client.force_login(alice)
    page = client.get("/w/acme/usage/").content.decode()
    assert in_credits(now.available) in page
    assert in_credits(now.spent_this_month) in page


def test_prices_are_those_of_now_with_those_to_come(api: APIClient) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    Price.objects.create(meter="steps", micro_credits=4, valid_from=hour)
    Price.objects.create(meter="steps", micro_credits=9, per=5, valid_from=hour + timedelta(days=2))
    rows = {row["meter"]: row for row in api.get("/api/v1/prices/").json()["data"]}
    steps = rows["steps"]
    assert (steps["name"], steps["micro_credits"], steps["per"]) == ("Steps walked", 4, 1)
    assert [(each["micro_credits"], each["per"]) for each in steps["upcoming"]] == [(9, 5)]
    assert rows["completion_tokens"]["micro_credits"] == 1_000


def test_a_job_carries_its_cost(api: APIClient, acme: Tenant) -> None:
    with tenant_scope(acme):
        job = job_request(kind="generate.variant", payload={}, estimate={"prompt_tokens": 9})
    assert api.get(f"/api/v1/jobs/{job.pk}/").json()["cost"] is None
    with tenant_scope(acme):
        finish(start(job), result={}, usage={"prompt_tokens": 7})
        assert Job.objects.get(pk=job.pk).cost == 700
    assert api.get(f"/api/v1/jobs/{job.pk}/").json()["cost"] == 700
    (row,) = api.get("/api/v1/usage/", {"source_id": str(job.pk)}).json()["data"]
    assert (row["source"], row["amount"]) == ("job", 700)


def test_a_cancelled_job_cost_nothing(api: APIClient, acme: Tenant) -> None:
    with tenant_scope(acme):
        job = job_request(kind="generate.variant", payload={}, estimate=10)
    assert api.post(f"/api/v1/jobs/{job.pk}/cancel/").json()["cost"] == 0
