"""The ledger: reserve, post, void and expire; what it refuses; and that it finds what is wrong."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from saas.errors import Conflict, InsufficientCredits, Invalid, Unavailable
from tenants.billing.meters import Usage
from tenants.billing.models import LedgerAccount, LedgerTransfer, Source, UsageEvent
from tenants.billing.prices import in_credits
from tenants.billing.services import (
    ReservationOrder,
    balance,
    expire,
    month_start,
    post,
    reserve,
    reserve_many,
    settle,
    spendable,
    void,
)
from tenants.billing.verify import Replay, verify
from tenants.models import Tenant
from tenants.scope import ScopeError, tenant_scope
from tests.support.credits import MONTHLY_GRANT

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(acme: Tenant) -> Iterator[LedgerAccount]:
    """Acme's wallet, in Acme's scope."""
    with tenant_scope(acme):
        balance()
        yield LedgerAccount.objects.get(kind="wallet")


def settled(
    usage: Usage, *, reservation: LedgerTransfer | None = None, source: Source | None = None
) -> UsageEvent:
    return settle(
        source=source or Source("job", str(uuid4())),
        kind="generate.variant",
        usage=usage,
        asked_at=timezone.now(),
        reservation=reservation,
    )


def held(amount: int = 100, key: str = "k") -> LedgerTransfer:
    return reserve(amount=amount, purpose="generate.variant", key=key)


def test_a_workspace_gets_its_monthly_grant_once(wallet: LedgerAccount) -> None:
    for _ in range(3):
        assert balance().available == MONTHLY_GRANT
    assert balance().granted_this_month == MONTHLY_GRANT
    assert LedgerTransfer.objects.count() == 1


def test_the_grant_comes_with_the_first_reservation_too(acme: Tenant) -> None:
    with tenant_scope(acme):
        held()
        assert balance().available == MONTHLY_GRANT - 100


def test_a_reservation_is_taken_off_at_once(wallet: LedgerAccount) -> None:
    held(300)
    assert (balance().available, balance().reserved) == (MONTHLY_GRANT - 300, 300)
    assert balance().spent_this_month == 0


def test_posting_charges_the_cost_and_releases_the_rest(wallet: LedgerAccount) -> None:
    post(reservation=held(300), amount=120)
    now = balance()
    assert (now.available, now.reserved, now.spent_this_month) == (MONTHLY_GRANT - 120, 0, 120)


@pytest.mark.parametrize("release", [void, expire])
def test_a_released_reservation_costs_nothing(release: object, wallet: LedgerAccount) -> None:
    release(reservation=held(300))  # type: ignore[operator]
    assert (balance().available, balance().reserved) == (MONTHLY_GRANT, 0)


def test_too_few_credits_name_the_limit(wallet: LedgerAccount) -> None:
    held(MONTHLY_GRANT - 10)
    with pytest.raises(InsufficientCredits) as raised:
        held(11, key="one too many")
    assert raised.value.status == 402
    assert raised.value.extra == {"required": 11, "available": 10, "limit": "monthly_credits"}


def test_the_last_credit_can_be_spent(wallet: LedgerAccount) -> None:
    post(reservation=held(MONTHLY_GRANT), amount=MONTHLY_GRANT)
    assert balance().available == 0


@pytest.mark.parametrize("amount", [0, -1, 1.0, 1.005, True, "12", "１２", None, 2**53 + 1])
def test_amounts_are_positive_integers(amount: object, wallet: LedgerAccount) -> None:
    with pytest.raises(Invalid) as raised:
        held(amount)  # type: ignore[arg-type]
    assert raised.value.code == "amount_invalid"


def test_more_than_was_reserved_is_never_charged(wallet: LedgerAccount) -> None:
    reservation = held(100)
    with pytest.raises(Invalid):
        post(reservation=reservation, amount=101)


def test_the_same_key_reserves_once(wallet: LedgerAccount) -> None:
    assert held(100) == held(100)
    assert balance().reserved == 100
    with pytest.raises(Conflict):
        held(200)


def test_the_same_end_twice_is_one_entry(wallet: LedgerAccount) -> None:
    reservation = held(100)
    assert post(reservation=reservation, amount=40) == post(reservation=reservation, amount=40)
    assert balance().spent_this_month == 40


@pytest.mark.parametrize("first", ["post", "void", "expire"])
@pytest.mark.parametrize("second", ["post", "void", "expire"])
def test_a_reservation_is_resolved_once(first: str, second: str, wallet: LedgerAccount) -> None:
    def end(how: str, amount: int) -> None:
        if how == "post":
            post(reservation=reservation, amount=amount)
        else:
            {"void": void, "expire": expire}[how](reservation=reservation)

    reservation = held(100)
    end(first, 40)
    if first == second != "post":
        end(second, 40)
        return
    with pytest.raises(Conflict) as raised:
        end(second, 41)
    assert raised.value.code == "reservation_already_resolved"
    states = {"post": "posted", "void": "voided", "expire": "expired"}
    assert raised.value.extra == {"state": states[first]}


def test_settling_charges_at_most_the_reservation(wallet: LedgerAccount) -> None:
    usage = Usage({"prompt_tokens": 10, "completion_tokens": 90}, seconds=1.5)
    event = settled(usage, reservation=held(500))
    assert (event.amount, event.milliseconds) == (500, 1500)
    assert event.usage == {"prompt_tokens": 10, "completion_tokens": 90}
    assert balance().spent_this_month == 500


def test_one_job_is_settled_once(wallet: LedgerAccount) -> None:
    source = Source("job", str(uuid4()))
    settled(Usage(), source=source)
    with pytest.raises(IntegrityError), transaction.atomic():
        settled(Usage(), source=source)


@pytest.mark.parametrize("change", ["UPDATE {} SET amount = 1", "DELETE FROM {}"])
def test_nobody_changes_an_entry(change: str, wallet: LedgerAccount) -> None:
    from django.db import connection

    with (
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format("billing_ledgertransfer"))


def test_the_database_itself_refuses_an_overdraft(wallet: LedgerAccount) -> None:
    with pytest.raises(IntegrityError, match="account_not_overdrawn"), transaction.atomic():
        LedgerAccount.objects.filter(pk=wallet.pk).update(debits_posted=MONTHLY_GRANT + 1)


def test_there_is_no_ledger_outside_a_scope(acme: Tenant) -> None:
    with pytest.raises(ScopeError):
        held()


def test_the_ledger_of_one_workspace_says_nothing_of_another(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        reservation = held(700)
    with tenant_scope(other):
        assert balance().available == MONTHLY_GRANT
        assert not LedgerTransfer.objects.filter(pk=reservation.pk).exists()


def test_a_correct_ledger_verifies(wallet: LedgerAccount) -> None:
    post(reservation=held(300), amount=120)
    void(reservation=held(50, key="other"))
    held(10, key="open")
    report = verify()
    assert (report.entries, report.open_reservations, report.faults) == (6, 1, [])


def test_a_changed_balance_is_found_and_blocks_the_ledger(
    wallet: LedgerAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    LedgerAccount.objects.filter(pk=wallet.pk).update(credits_posted=MONTHLY_GRANT + 5)
    with pytest.raises(CommandError, match="does not add up"):
        call_command("ledger_verify")
    assert "wallet.credits_posted" in capsys.readouterr().err
    with pytest.raises(Unavailable) as raised:
        held()
    assert raised.value.code == "ledger_inconsistent"


def test_a_repaired_ledger_is_open_again(
    wallet: LedgerAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    LedgerAccount.objects.filter(pk=wallet.pk).update(blocked=True)
    call_command("ledger_verify")
    assert "faults=0" in capsys.readouterr().out
    assert held()


@pytest.mark.parametrize("field", ["amount", "code", "key", "prev_sha256", "booked_at"])
def test_a_rewritten_entry_is_found(field: str, wallet: LedgerAccount) -> None:
    held()
    entries = list(LedgerTransfer.objects.order_by("sequence"))
    setattr(entries[1], field, entries[0].created_at if field == "booked_at" else 7)
    replay = Replay()
    faults = [fault for entry in entries for fault in replay.take(entry, overdraw=set())]
    assert any("changed" in fault for fault in faults)


def test_a_missing_entry_is_found(wallet: LedgerAccount) -> None:
    held(key="a"), held(key="b")
    first, _, last = LedgerTransfer.objects.order_by("sequence")
    replay = Replay()
    faults = [fault for entry in (first, last) for fault in replay.take(entry, overdraw=set())]
    assert "Entry 2 is missing; 3 follows." in faults


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0.00"),
        (9_999, "0.00"),
        (10_000, "0.01"),
        (1_239_999, "1.23"),
        (12_345_678, "12"),
        (10**9, "1,000"),
    ],
)
def test_credits_are_shown_without_rounding_up(amount: int, shown: str) -> None:
    assert in_credits(amount) == shown


def test_months_begin_in_utc() -> None:
    from datetime import UTC, datetime, timedelta, timezone

    east = timezone(timedelta(hours=14))
    assert month_start(datetime(2028, 3, 1, 3, tzinfo=east)) == datetime(2028, 2, 1, tzinfo=UTC)


def orders(*amounts: int) -> list[ReservationOrder]:
    return [ReservationOrder(amount, "generate.variant", f"k{amount}") for amount in amounts]


def test_many_reservations_are_what_single_ones_are(wallet: LedgerAccount, other: Tenant) -> None:
    together = reserve_many(orders=orders(30, 10, 20))
    with tenant_scope(other):
        alone = [reserve(amount=n, purpose="generate.variant", key=f"k{n}") for n in (30, 10, 20)]
        assert verify().faults == []
    assert [entry.sequence for entry in together] == [entry.sequence for entry in alone]
    assert [entry.amount for entry in together] == [30, 10, 20]
    assert all(LedgerTransfer.objects.get(pk=entry.pk) == entry for entry in together)
    assert (balance().reserved, verify().faults) == (60, [])
    post(reservation=together[1], amount=5)
    void(reservation=together[0])
    assert (balance().reserved, balance().spent_this_month, verify().faults) == (20, 5, [])


def test_many_are_reserved_whole_or_not_at_all(wallet: LedgerAccount) -> None:
    left = spendable()
    with pytest.raises(InsufficientCredits) as raised:
        reserve_many(orders=orders(1, left))
    assert raised.value.extra["required"] == left + 1
    assert (spendable(), LedgerTransfer.objects.count()) == (left, 1)
    reserve_many(orders=orders(1, left - 1))
    assert (spendable(), verify().faults) == (0, [])


def test_a_key_reserves_once_among_many_too(wallet: LedgerAccount) -> None:
    first = reserve(amount=10, purpose="generate.variant", key="k10")
    again, fresh, same = reserve_many(orders=orders(10, 20, 20))
    assert (again, same, balance().reserved) == (first, fresh, 30)
    with pytest.raises(Conflict):
        reserve_many(orders=[*orders(40), ReservationOrder(11, "generate.variant", "k10")])
    assert (balance().reserved, verify().faults) == (30, [])
    assert reserve_many(orders=[]) == []


def test_a_hundred_reservations_cost_the_statements_of_one(
    wallet: LedgerAccount, django_assert_num_queries: Any
) -> None:
    for amounts in ([1], range(2, 102)):
        with django_assert_num_queries(6):  # savepoint, lock, look-up, insert, balances, release
            reserve_many(orders=orders(*amounts))
