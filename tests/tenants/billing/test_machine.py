"""A machine that moves credits in random ways and compares the ledger with a plain model of it."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from saas.errors import Conflict, InsufficientCredits
from tenants.billing.models import LedgerAccount, LedgerTransfer
from tenants.billing.services import (
    ReservationOrder,
    balance,
    expire,
    post,
    reserve,
    reserve_many,
    void,
)
from tenants.billing.verify import verify
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.credits import MONTHLY_GRANT

AMOUNTS = st.one_of(st.integers(1, 1_000), st.integers(1, MONTHLY_GRANT + 10))
ENDS = {"post": post, "void": void, "expire": expire}


class Rollback(Exception):
    """A worker dies before it commits."""


class Ledger(RuleBasedStateMachine):
    """What the wallet should hold, beside what the ledger says."""

    tenant: Tenant

    def __init__(self) -> None:
        super().__init__()
        self.available = MONTHLY_GRANT
        self.spent = 0
        self.held: list[LedgerTransfer] = []
        self.over: list[LedgerTransfer] = []
        self.scope = tenant_scope(self.tenant)
        self.scope.__enter__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        balance()

    def teardown(self) -> None:
        report = verify()
        assert (report.faults, report.open_reservations) == ([], len(self.held))
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        self.scope.__exit__(None, None, None)

    @rule(amount=AMOUNTS)
    def reserve(self, amount: int) -> None:
        try:
            entry = reserve(amount=amount, purpose="test", key=str(uuid4()))
        except InsufficientCredits:
            assert amount > self.available
            return
        self.available -= amount
        self.held.append(entry)

    @rule(amounts=st.lists(AMOUNTS, min_size=1, max_size=5))
    def reserve_many(self, amounts: list[int]) -> None:
        orders = [ReservationOrder(amount, "test", str(uuid4())) for amount in amounts]
        try:
            entries = reserve_many(orders=orders)
        except InsufficientCredits:
            assert sum(amounts) > self.available
            return
        self.available -= sum(amounts)
        self.held += entries

    @rule(data=st.data())
    def reserve_again_with_the_same_key(self, data: Any) -> None:
        if self.held:
            entry = data.draw(st.sampled_from(self.held))
            assert reserve(amount=entry.amount, purpose="test", key=entry.key) == entry

    @rule(data=st.data(), how=st.sampled_from(list(ENDS)))
    def resolve(self, data: Any, how: str) -> None:
        if not self.held:
            return
        entry = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        cost = 0
        if how == "post":
            cost = data.draw(st.integers(1, entry.amount))
            post(reservation=entry, amount=cost)
        else:
            ENDS[how](reservation=entry)
        self.available += entry.amount - cost
        self.spent += cost
        self.over.append(entry)

    @rule(data=st.data())
    def resolve_twice(self, data: Any) -> None:
        if self.over:
            entry = data.draw(st.sampled_from(self.over))
            end = void if LedgerTransfer.objects.get(pending=entry).state == "posted" else post
            with pytest.raises(Conflict), transaction.atomic():
                end(reservation=entry, **({"amount": 1} if end is post else {}))

    @rule(amount=AMOUNTS)
    def crash(self, amount: int) -> None:
        try:
            with transaction.atomic():
                reserve(amount=amount, purpose="test", key=str(uuid4()))
                raise Rollback
        except (Rollback, InsufficientCredits):
            return

    @invariant()
    def the_balance_is_the_models(self) -> None:
        now = balance()
        assert now.available == self.available >= 0
        assert now.reserved == sum(entry.amount for entry in self.held)
        assert now.spent_this_month == self.spent

    @invariant()
    def debits_are_credits(self) -> None:
        accounts = list(LedgerAccount.objects.all())
        for kind in ("pending", "posted"):
            debits = sum(getattr(account, f"debits_{kind}") for account in accounts)
            assert debits == sum(getattr(account, f"credits_{kind}") for account in accounts)


@pytest.mark.django_db
def test_the_ledger_agrees_with_a_plain_model(acme: Tenant) -> None:
    run(acme, examples=10, steps=30)


@pytest.mark.prove
@pytest.mark.django_db
def test_the_ledger_agrees_with_a_plain_model_for_long(acme: Tenant) -> None:
    run(acme, examples=50, steps=300)


def run(tenant: Tenant, *, examples: int, steps: int) -> None:
    machine = type("LedgerOfAcme", (Ledger,), {"tenant": tenant})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
