"""Buyers who race for a workspace's last credit, round after round."""

from collections import Counter
from threading import Barrier

from saas.errors import InsufficientCredits
from tenants.billing.models import LedgerTransfer
from tenants.billing.services import post, reserve, void
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.credits import MONTHLY_GRANT
from tests.support.threads import race


def leave_one(tenant: Tenant) -> None:
    """Spend all of this month's credits but the last micro-credit."""
    with tenant_scope(tenant):
        everything = reserve(amount=MONTHLY_GRANT, purpose="all", key="all")
        post(reservation=everything, amount=MONTHLY_GRANT - 1)


def race_for_the_last(tenant: Tenant, *, buyers: int, rounds: int) -> tuple[list[int], int]:
    """How many won in each round, and how many were refused in all; the winner gives it back."""
    leave_one(tenant)
    gate = Barrier(buyers)
    wins: Counter[int] = Counter()

    def run(buyer: int) -> int:
        refused = 0
        for number in range(rounds):
            gate.wait()
            won = _buy(f"{number}:{buyer}")
            refused += won is None
            wins[number] += won is not None
            gate.wait()
            if won:
                void(reservation=won)
        return refused

    refusals = race(tenant, buyers, run)
    return [wins[number] for number in range(rounds)], sum(refusals)


def _buy(key: str) -> LedgerTransfer | None:
    try:
        return reserve(amount=1, purpose="race", key=key)
    except InsufficientCredits:
        return None
