"""Charges without a job: once for each source, never below zero."""

from collections.abc import Iterator

import pytest

from saas.errors import InsufficientCredits
from tenants.billing.errors import TransferKeyConflict
from tenants.billing.meters import Meter, Usage, registered
from tenants.billing.models import LedgerTransfer, Source, UsageEvent
from tenants.billing.services import balance, charge
from tenants.billing.verify import verify
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.credits import MONTHLY_GRANT
from tests.support.threads import race

ONE = Source("storage", "2026-11-30T07")


@pytest.fixture(autouse=True)
def _meters() -> Iterator[None]:
    with registered(Meter("steps", "Steps walked", price=1)):
        yield


@pytest.fixture
def scoped(db: None, acme: Tenant) -> Iterator[Tenant]:
    with tenant_scope(acme):
        yield acme


def test_a_source_is_charged_once(scoped: Tenant) -> None:
    first = charge(source=ONE, kind="test.walk", usage={"steps": 70})
    again = charge(source=ONE, kind="test.walk", usage={"steps": 70})
    assert (again.pk, first.amount) == (first.pk, 70)
    assert balance().spent_this_month == 70
    assert verify().faults == []


def test_a_source_is_not_charged_for_something_else(scoped: Tenant) -> None:
    charge(source=ONE, kind="test.walk", usage={"steps": 70})
    with pytest.raises(TransferKeyConflict):
        charge(source=ONE, kind="test.walk", usage={"steps": 71})
    with pytest.raises(TransferKeyConflict):
        charge(source=ONE, kind="test.run", usage={"steps": 70})
    assert balance().spent_this_month == 70


def test_what_the_wallet_does_not_cover_is_not_written_down(scoped: Tenant) -> None:
    with pytest.raises(InsufficientCredits) as caught:
        charge(source=ONE, kind="test.walk", usage={"steps": MONTHLY_GRANT + 1})
    assert caught.value.extra["available"] == MONTHLY_GRANT
    assert not UsageEvent.objects.exists()
    assert charge(source=ONE, kind="test.walk", usage={"steps": MONTHLY_GRANT})
    assert balance().available == 0


def test_free_work_is_noted_without_an_entry(scoped: Tenant) -> None:
    used = Usage({"steps": 70, "none": 0}, seconds=1.5, customer_endpoint=True)
    event = charge(source=ONE, kind="test.walk", usage=used)
    assert (event.amount, event.transfer, event.usage) == (0, None, {"steps": 70})
    assert (event.customer_endpoint, event.seconds) == (True, 1.5)
    assert not LedgerTransfer.objects.filter(code="test.walk").exists()


@pytest.mark.django_db(transaction=True)
def test_however_many_charge_a_source_it_is_paid_once(acme: Tenant) -> None:
    events = race(acme, 8, lambda _: charge(source=ONE, kind="test.walk", usage={"steps": 70}))
    assert len({event.pk for event in events}) == 1
    with tenant_scope(acme):
        assert (balance().spent_this_month, verify().faults) == (70, [])
