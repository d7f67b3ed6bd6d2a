"""Buyers who race for the last credit: one wins, the others hear why."""

import pytest

from saas.errors import Conflict, InsufficientCredits
from tenants.billing.services import balance, post, reserve, void
from tenants.billing.verify import verify
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.credits import MONTHLY_GRANT
from tests.support.threads import race
from tests.tenants.billing.buyers import leave_one, race_for_the_last

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 20
BUYERS = 16


def test_one_buyer_gets_the_last_credit(acme: Tenant) -> None:
    wins, refused = race_for_the_last(acme, buyers=BUYERS, rounds=ROUNDS)
    assert wins == [1] * ROUNDS
    assert refused == ROUNDS * (BUYERS - 1)
    with tenant_scope(acme):
        assert (balance().available, verify().faults) == (1, [])


def test_a_refusal_says_what_is_left(acme: Tenant) -> None:
    leave_one(acme)
    with tenant_scope(acme), pytest.raises(InsufficientCredits) as refused:
        reserve(amount=2, purpose="race", key="two")
    assert refused.value.extra["available"] == 1


def test_the_first_grant_is_booked_once(acme: Tenant) -> None:
    race(acme, BUYERS, lambda _: balance())
    with tenant_scope(acme):
        assert balance().available == MONTHLY_GRANT
        assert verify().faults == []


def test_the_same_key_reserves_once_however_many_send_it(acme: Tenant) -> None:
    entries = race(acme, BUYERS, lambda _: reserve(amount=100, purpose="race", key="same"))
    assert len({entry.pk for entry in entries}) == 1
    with tenant_scope(acme):
        assert balance().reserved == 100


def test_a_reservation_ends_one_way(acme: Tenant) -> None:
    def end(number: int) -> str:
        try:
            if number % 2:
                return post(reservation=reservation, amount=40).state
            return void(reservation=reservation).state
        except Conflict as refused:
            return str(refused.code)

    for round_ in range(ROUNDS // 4):
        with tenant_scope(acme):
            reservation = reserve(amount=100, purpose="race", key=f"end:{round_}")
        ends = race(acme, 8, end)
        assert len(set(ends) - {"reservation_already_resolved"}) == 1
    with tenant_scope(acme):
        assert (balance().reserved, verify().faults) == (0, [])
