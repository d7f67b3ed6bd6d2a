"""Meters, what usage costs by them, and prices that change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tenants.billing import meters
from tenants.billing.meters import Meter, Usage, registered
from tenants.billing.models import LedgerAccount, Price, Source
from tenants.billing.prices import CREDIT, Rate, price, price_list, rates
from tenants.billing.services import balance, charge, reserve, settle
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
START = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _meters() -> Iterator[None]:
    with registered(Meter("steps", "Steps walked", price=2), Meter("drops", "Drops", 3, per=1_000)):
        yield


def set_price(micro_credits: int, per: int = 1, *, meter: str = "steps", at: datetime) -> Price:
    return Price.objects.create(meter=meter, micro_credits=micro_credits, per=per, valid_from=at)


def test_each_meter_is_rounded_up_once() -> None:
    assert price({"steps": 7, "drops": 1}) == 14 + 1
    assert price({"drops": 1_000}) == 3
    assert price({"drops": 1_001}) == 4
    assert price(Usage()) == 0


def test_work_on_the_customers_own_server_is_free() -> None:
    assert price(Usage({"steps": 7}, customer_endpoint=True)) == 0


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**9), st.integers(1, 10**9))
def test_more_units_never_cost_less(less: int, more: int, micro_credits: int, per: int) -> None:
    rate = Rate(micro_credits, per)
    less, more = sorted((less, more))
    cost = rate.cost(more)
    assert type(cost) is int
    assert rate.cost(less) <= cost
    assert (cost - 1) * per < more * micro_credits or cost == 0
    assert cost * per >= more * micro_credits


def test_an_unknown_meter_has_no_price() -> None:
    with pytest.raises(LookupError, match="leaps"):
        price({"leaps": 1})


@pytest.mark.parametrize("units", [-1, 1.5, True, "7", None])
def test_units_are_whole_numbers(units: Any) -> None:
    with pytest.raises(ValueError, match="steps"):
        Usage({"steps": units})


def test_usage_adds_up() -> None:
    total = Usage({"steps": 1}, 0.5) + Usage({"steps": 2, "drops": 3}, 1.5)
    assert total == Usage({"steps": 3, "drops": 3}, 2.0)
    assert (total["steps"], total["leaps"]) == (3, 0)


def test_a_meter_is_registered_once() -> None:
    with pytest.raises(ImproperlyConfigured, match="steps"):
        meters.register(Meter("steps", "Again"))
    with pytest.raises(ImproperlyConfigured, match="possible price"):
        Meter("nothing", "Nothing", per=0)


def test_labels_are_those_of_work_then_of_meters() -> None:
    assert meters.label_of("steps") == "Steps walked"
    assert meters.label_of("generate.variant") == "Writing copy"
    assert meters.label_of("unheard.of") == "unheard.of"


def test_a_price_holds_from_its_hour_on() -> None:
    set_price(5, at=START)
    set_price(9, per=2, at=START + HOUR)
    set_price(7, meter="leaps", at=START)
    moment = timedelta(microseconds=1)
    assert rates(START - moment)["steps"] == Rate(2, 1)
    assert rates(START)["steps"] == Rate(5, 1)
    assert rates(START + HOUR - moment)["steps"] == Rate(5, 1)
    assert rates(START + HOUR)["steps"] == Rate(9, 2)
    assert rates(START)["drops"] == Rate(3, 1_000)
    assert "leaps" not in rates(START)


def test_a_process_reads_the_prices_once_in_a_while(django_assert_num_queries: Any) -> None:
    price_list.forget()
    with django_assert_num_queries(1):
        for _ in range(5):
            price({"steps": 1})


@pytest.mark.parametrize(
    ("ahead", "fine"),
    [(timedelta(hours=2), True), (-2 * HOUR, False), (timedelta(hours=2, minutes=30), False)],
)
def test_a_price_begins_on_a_full_hour_to_come(ahead: timedelta, fine: bool) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    asked = Price(meter="steps", micro_credits=1, valid_from=hour + ahead)
    if fine:
        return asked.full_clean()
    with pytest.raises(ValidationError):
        asked.full_clean()
    return None


def test_old_work_costs_what_it_cost_when_it_was_asked_for(acme: Tenant) -> None:
    set_price(50, at=START)
    with tenant_scope(acme):
        amounts = [
            settle(
                source=Source("job", name),
                kind="test.walk",
                usage=Usage({"steps": 10}),
                asked_at=asked_at,
                reservation=reserve(amount=2_000, purpose="test", key=name),
            ).amount
            for name, asked_at in (("before", START - HOUR), ("after", START + HOUR))
        ]
    assert amounts == [20, 500]


def test_a_charge_takes_the_price_of_now(acme: Tenant) -> None:
    set_price(50, at=timezone.now() - HOUR)
    with tenant_scope(acme):
        event = charge(source=Source("walk", "1"), kind="test.walk", usage={"steps": 10})
        assert event.amount == 500
        assert LedgerAccount.objects.get(kind="spent").credits_posted == 500
        assert balance().available == 1_000 * CREDIT - 500
