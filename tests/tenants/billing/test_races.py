"""Buyers who race for the last credit: one wins, the others hear why."""

import pytest

from saas.errors import Conflict, InsufficientCredits
from tenants.billing.models import LedgerTransfer
from tenants.billing.prices import MONTHLY_GRANT
from tenants.billing.services import balance, post, reserve, void
from tenants.billing.verify import verify
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.tenants.threads import race

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 20
BUYERS = 16


def buy(key: str, amount: int = 1) -> LedgerTransfer | InsufficientCredits:
    try:
        return reserve(amount=amount, purpose="race", key=key)
    except InsufficientCredits as refused:
        return refused


def test_one_buyer_gets_the_last_credit(acme: Tenant) -> None:
    with tenant_scope(acme):
        post(
            reservation=reserve(amount=MONTHLY_GRANT, purpose="all", key="all"),
            amount=MONTHLY_GRANT - 1,
        )
    for round_ in range(ROUNDS):
        results = race(acme, BUYERS, lambda number, at=round_: buy(f"{at}:{number}"))
        won = [result for result in results if isinstance(result, LedgerTransfer)]
        lost = [result for result in results if isinstance(result, InsufficientCredits)]
        assert (len(won), len(lost)) == (1, BUYERS - 1)
        assert {refused.extra["available"] for refused in lost} == {0}
        with tenant_scope(acme):
            void(reservation=won[0])
    with tenant_scope(acme):
        assert balance().available == 1
        assert verify().faults == []


def test_the_first_grant_is_booked_once(acme: Tenant) -> None:
    race(acme, BUYERS, lambda _: balance())
    with tenant_scope(acme):
        assert balance().available == MONTHLY_GRANT
        assert verify().faults == []


def test_the_same_key_reserves_once_however_many_send_it(acme: Tenant) -> None:
    entries = race(acme, BUYERS, lambda _: buy("same", 100))
    assert len({entry.pk for entry in entries if isinstance(entry, LedgerTransfer)}) == 1
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
