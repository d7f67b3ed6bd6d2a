"""Readings: counted without a lock, charged in one entry an hour, each exactly once."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from saas.errors import InsufficientCredits
from tenants.billing import readings
from tenants.billing.ledger import LedgerSession, open_ledger
from tenants.billing.meters import Meter, registered
from tenants.billing.models import LedgerTransfer, MeterReading, Price, UsageEvent
from tenants.billing.readings import (
    post_readings,
    readings_due,
    record,
    record_many,
    require_credits,
)
from tenants.billing.services import balance, post, reserve
from tenants.billing.verify import verify
from tenants.jobs.sweeper import sweep
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.credits import MONTHLY_GRANT
from tests.support.threads import race

HOUR = timedelta(hours=1)
ALONE = pytest.mark.django_db
PARALLEL = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _meters() -> Iterator[None]:
    with registered(Meter("steps", "Steps walked", price=3), Meter("drops", "Drops", 1, per=1_000)):
        yield


def this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def walked(steps: int, *, hours_ago: int = 1, meter: str = "steps") -> None:
    MeterReading.objects.create(
        meter=meter, units=steps, recorded_at=this_hour() - hours_ago * HOUR + HOUR / 2
    )


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Have readings posted as if it were later."""

    def opened() -> LedgerSession:
        ledger = open_ledger()
        ledger.now += by
        return ledger

    monkeypatch.setattr(readings, "open_ledger", opened)


@ALONE
def test_counting_is_one_statement_and_needs_no_ledger(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    with tenant_scope(acme), transaction.atomic():
        with django_assert_num_queries(1):
            record_many({"steps": 7, "drops": 3, "none": 0} | {"steps": 8})
        assert not LedgerTransfer.objects.exists()
        with pytest.raises(LookupError):
            record("leaps")
        with pytest.raises(ValueError, match="steps"):
            record("steps", -1)


@ALONE
def test_all_readings_before_this_hour_are_one_entry(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        for _ in range(5):
            walked(10)
            walked(1, meter="drops")
        walked(1_000, hours_ago=0)
        events = {event.kind: event for event in post_readings()}
        assert (events["steps"].amount, events["steps"].usage) == (150, {"steps": 50})
        assert (events["drops"].amount, events["drops"].usage) == (1, {"drops": 5})
        (entry,) = LedgerTransfer.objects.filter(code="readings")
        assert entry.amount == 151
        assert {event.transfer_id for event in events.values()} == {entry.pk}
        assert MeterReading.objects.get().units == 1_000
        assert verify().faults == []
    with tenant_scope(other):
        assert post_readings() == []


@ALONE
def test_each_hour_has_its_own_price(acme: Tenant) -> None:
    Price.objects.create(meter="steps", micro_credits=5, valid_from=this_hour() - HOUR)
    with tenant_scope(acme):
        walked(10, hours_ago=1)
        walked(10, hours_ago=2)
        (event,) = post_readings()
    assert event.amount == 50 + 30


@ALONE
def test_readings_that_come_late_are_charged_in_the_next_hour(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(acme):
        walked(10)
        assert len(post_readings()) == 1
        walked(7)
        assert post_readings() == []
        assert MeterReading.objects.count() == 1
        later(monkeypatch, HOUR)
        (event,) = post_readings()
        assert event.amount == 21
        assert (balance().spent_this_month, verify().faults) == (51, [])


@ALONE
def test_an_empty_wallet_gives_what_it_has_and_then_says_no(acme: Tenant) -> None:
    with tenant_scope(acme):
        everything = reserve(amount=MONTHLY_GRANT, purpose="all", key="all")
        post(reservation=everything, amount=MONTHLY_GRANT - 100)
        require_credits()
        walked(30)
        walked(20_000, meter="drops")
        amounts = {event.kind: (event.amount, event.usage) for event in post_readings()}
        assert amounts == {"drops": (20, {"drops": 20_000}), "steps": (80, {"steps": 30})}
        assert (balance().available, verify().faults) == (0, [])
        with pytest.raises(InsufficientCredits):
            require_credits()
        walked(1, hours_ago=2)
        assert not MeterReading.objects.filter(meter="drops").exists()


@ALONE
def test_with_nothing_left_the_use_is_noted_all_the_same(acme: Tenant) -> None:
    with tenant_scope(acme):
        everything = reserve(amount=MONTHLY_GRANT, purpose="all", key="all")
        post(reservation=everything, amount=MONTHLY_GRANT)
        walked(30)
        (event,) = post_readings()
        assert (event.amount, event.transfer, event.usage) == (0, None, {"steps": 30})


@ALONE
def test_readings_of_a_meter_that_is_not_known_wait_for_a_version_that_knows_it(
    acme: Tenant,
) -> None:
    with tenant_scope(acme):
        with registered(Meter("leaps", "Leaps", price=1)):
            walked(4, meter="leaps")
        assert post_readings() == []
        with registered(Meter("leaps", "Leaps", price=1)):
            assert [event.amount for event in post_readings()] == [4]


@PARALLEL
def test_the_sweeper_posts_for_every_workspace(acme: Tenant, other: Tenant) -> None:
    for tenant in (acme, other):
        with tenant_scope(tenant):
            walked(10)
    assert set(readings_due()) == {acme.pk, other.pk}
    sweep()
    assert readings_due() == []
    for tenant in (acme, other):
        with tenant_scope(tenant):
            assert balance().spent_this_month == 30


@PARALLEL
def test_many_who_count_and_post_at_once_charge_each_reading_once(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(number: int) -> None:
        for _ in range(25):
            walked(1)
            if number % 2:
                post_readings()

    race(acme, 8, run)
    later(monkeypatch, HOUR)
    with tenant_scope(acme):
        post_readings()
        assert not MeterReading.objects.exists()
        counted = UsageEvent.objects.filter(source="readings")
        assert sum(event.usage["steps"] for event in counted) == 200
        assert LedgerTransfer.objects.filter(code="readings").count() == 2
        assert (balance().spent_this_month, verify().faults) == (600, [])


@PARALLEL
def test_a_worker_that_dies_while_posting_changes_nothing(acme: Tenant) -> None:
    with tenant_scope(acme):
        walked(10)

    def die() -> None:
        """The server sees what it sees of a killed process: a connection that is gone."""
        with tenant_scope(acme), suppress(OperationalError), transaction.atomic():
            assert len(post_readings()) == 1
            connection.connection.pgconn.finish()
            balance()
        connections.close_all()

    for _ in range(3):
        thread = Thread(target=die)
        thread.start()
        thread.join()
    with tenant_scope(acme):
        assert MeterReading.objects.get().units == 10
        assert not UsageEvent.objects.exists()
        assert [event.amount for event in post_readings()] == [30]
        assert verify().faults == []
