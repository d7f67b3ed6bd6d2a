"""32 buyers race for the last credit, 1,000 rounds: exactly one wins each."""

import pytest

from tenants.billing.services import balance
from tenants.billing.verify import verify
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.tenants.billing.buyers import race_for_the_last

BUYERS = 32
ROUNDS = 1_000


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
def test_one_of_32_buyers_gets_the_last_credit_a_thousand_times(acme: Tenant) -> None:
    wins, refused = race_for_the_last(acme, buyers=BUYERS, rounds=ROUNDS)
    failures = sum(won != 1 for won in wins)
    print(f"\nattempts={ROUNDS} failures={failures} controls_ok={sum(wins)}")
    print(f"buyers={BUYERS} won={sum(wins)} refused with 402={refused}")
    assert failures == 0
    assert refused == ROUNDS * (BUYERS - 1)
    with tenant_scope(acme):
        assert (balance().available, verify().faults) == (1, [])
