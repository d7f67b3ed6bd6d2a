"""The monthly grant, reserve -> post | void | expire, charges without a job, the balance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from saas.errors import InsufficientCredits
from tenants.billing.errors import (
    AmountInvalid,
    ReservationAlreadyResolved,
    TransferKeyConflict,
)
from tenants.billing.ledger import Kind, LedgerSession, Overdrawn, State, open_ledger
from tenants.billing.limits import limit
from tenants.billing.meters import Usage
from tenants.billing.models import LedgerAccount, LedgerTransfer, Source, UsageEvent
from tenants.billing.prices import CREDIT, in_credits, price

LARGEST_AMOUNT = 2**53
# Within a job's end there is nothing smaller to take back, so no savepoint is paid for.
no_savepoint = transaction.atomic(savepoint=False)


@dataclass(frozen=True, slots=True)
class Balance:
    """The workspace's credits now, in micro-credits."""

    available: int
    reserved: int
    granted_this_month: int
    spent_this_month: int


@dataclass(frozen=True, slots=True)
class ReservationOrder:
    """Credits to set aside for work, in micro-credits. The same key reserves once.

    With a timeout the reservation expires by itself; without one its holder must resolve it.
    """

    amount: int
    purpose: str
    key: str
    job_id: UUID | None = None
    timeout_s: int | None = None

    def entry(self, ledger: LedgerSession) -> LedgerTransfer:
        return LedgerTransfer(
            debit_account=ledger.wallet,
            credit_account=ledger.accounts[Kind.SPENT],
            amount=self.amount,
            code=self.purpose,
            state=State.PENDING,
            job_id=self.job_id,
            timeout_s=self.timeout_s,
            key=self.key,
        )


def reserve(
    *,
    amount: int,
    purpose: str,
    key: str,
    job_id: UUID | None = None,
    timeout_s: int | None = None,
) -> LedgerTransfer:
    """Set credits aside for one piece of work; see ReservationOrder and reserve_many."""
    order = ReservationOrder(amount, purpose, key, job_id=job_id, timeout_s=timeout_s)
    return reserve_many(orders=[order])[0]


@transaction.atomic
def reserve_many(*, orders: Sequence[ReservationOrder]) -> list[LedgerTransfer]:
    """Set credits aside for all of the work or, with InsufficientCredits, for none of it."""
    for order in orders:
        assert_whole(order.amount)
    if not orders:
        return []
    ledger = open_ledger()
    month = _grant_key(ledger.now)
    keys = {order.key for order in orders}
    entries = {entry.key: entry for entry in ledger.find(Q(key__in=keys | {month}))}
    fresh: dict[str, LedgerTransfer] = {}
    for order in orders:
        if order.key not in entries:
            entries[order.key] = fresh[order.key] = order.entry(ledger)
        _refuse_other(entries[order.key], order)
    if fresh and month not in entries:
        grant_month(ledger)
    _post_all(ledger, list(fresh.values()))
    return [entries[order.key] for order in orders]


def _post_all(ledger: LedgerSession, entries: list[LedgerTransfer]) -> None:
    try:
        ledger.post_entries(entries)
    except Overdrawn:
        needed = sum(entry.amount for entry in entries)
        raise insufficient(needed, ledger.wallet.available) from None


def _refuse_other(known: LedgerTransfer, order: ReservationOrder) -> None:
    if (known.amount, known.code, known.state) != (order.amount, order.purpose, State.PENDING):
        raise TransferKeyConflict(_("This key was used for another transfer."))


def spendable() -> int:
    """What may be reserved now, this month's grant included.

    It stays true until the caller's transaction ends: the ledger is locked until then.
    """
    ledger = open_ledger()
    grant_month(ledger)
    return ledger.wallet.available


@no_savepoint
def post(*, reservation: LedgerTransfer, amount: int) -> LedgerTransfer:
    """Charge what the work cost, at most what was reserved; the rest is released."""
    assert_whole(amount, most=reservation.amount)
    return _resolve(reservation, State.POSTED, amount)


@no_savepoint
def void(*, reservation: LedgerTransfer) -> LedgerTransfer:
    """Release the whole reservation."""
    return _resolve(reservation, State.VOIDED, reservation.amount)


@no_savepoint
def expire(*, reservation: LedgerTransfer) -> LedgerTransfer:
    """Release a reservation whose time has run out."""
    return _resolve(reservation, State.EXPIRED, reservation.amount)


def settle(
    *,
    source: Source,
    kind: str,
    usage: Usage,
    asked_at: datetime,
    reservation: LedgerTransfer | None,
) -> UsageEvent:
    """The end of work that credits were reserved for: charge it and note what it consumed.

    It costs what it cost when it was asked for, and at most what was reserved.
    """
    cost = price(usage, at=asked_at)
    charged = min(cost, reservation.amount) if reservation else 0
    transfer = None
    if reservation and charged:
        transfer = post(reservation=reservation, amount=charged)
    elif reservation:
        void(reservation=reservation)
    return note_usage(source, kind, usage, amount=charged, transfer=transfer)


@transaction.atomic
def charge(*, source: Source, kind: str, usage: Usage | Mapping[str, int]) -> UsageEvent:
    """Charge work that was done without a job, once for its source.

    Raises InsufficientCredits, and TransferKeyConflict where the source was charged for other
    usage. The ledger stays locked until the caller's transaction ends.
    """
    used = Usage.of(usage)
    ledger = open_ledger()
    if known := UsageEvent.objects.of(source):
        return _same_charge(known, kind, used)
    grant_month(ledger)
    cost = price(used, at=ledger.now)
    transfer = None
    if cost:
        try:
            transfer = spend(ledger, amount=cost, purpose=kind, key=f"charge:{source}")
        except Overdrawn:
            raise insufficient(cost, ledger.wallet.available) from None
    return note_usage(source, kind, used, amount=cost, transfer=transfer)


def spend(ledger: LedgerSession, *, amount: int, purpose: str, key: str) -> LedgerTransfer:
    """Take credits from the wallet at once; raises Overdrawn."""
    return ledger.post_entry(
        LedgerTransfer(
            debit_account=ledger.wallet,
            credit_account=ledger.accounts[Kind.SPENT],
            amount=amount,
            code=purpose,
            state=State.POSTED,
            key=key,
        )
    )


def note_usage(
    source: Source, kind: str, usage: Usage, *, amount: int, transfer: LedgerTransfer | None
) -> UsageEvent:
    """Write down what was consumed, in the transaction that charges for it."""
    event: UsageEvent = UsageEvent.objects.create(
        source=source.kind,
        source_id=source.id,
        kind=kind,
        usage=usage.counted(),
        milliseconds=round(usage.seconds * 1000),
        customer_endpoint=usage.customer_endpoint,
        amount=amount,
        transfer=transfer,
    )
    return event


def balance() -> Balance:
    """The balance of the workspace in scope, with this month's grant already in it."""
    wallet = _wallet()
    month = _month(wallet) if wallet else {}
    if not month.get("grants"):
        with transaction.atomic():
            grant_month(open_ledger())
        wallet = _wallet()
        month = _month(wallet)
    return Balance(
        available=wallet.available,
        reserved=wallet.debits_pending,
        granted_this_month=month["granted"],
        spent_this_month=month["spent"],
    )


def _month(wallet: Any) -> dict[str, int]:
    """What came into the wallet this month and went out of it, and whether the grant is booked."""
    posted = LedgerTransfer.objects.filter(
        booked_at__gte=month_start(wallet.now), state=State.POSTED
    )
    found = posted.aggregate(
        granted=Sum("amount", filter=Q(credit_account=wallet), default=0),
        spent=Sum("amount", filter=Q(debit_account=wallet), default=0),
        grants=Count("pk", filter=Q(key=_grant_key(wallet.now))),
    )
    return {name: int(value) for name, value in found.items()}


def month_start(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def assert_whole(amount: int, *, most: int = LARGEST_AMOUNT) -> None:
    """Amounts are positive integers; nothing else is ever written into the ledger."""
    if type(amount) is not int or not 0 < amount <= most:
        raise AmountInvalid(_("The amount must be a whole number above zero."))


def _resolve(reservation: LedgerTransfer, state: State, amount: int) -> LedgerTransfer:
    ledger = open_ledger()
    known = ledger.find(Q(pending=reservation))
    done = next((entry for entry in known if entry.pending_id == reservation.pk), None)
    if done:
        if (done.state, done.amount) == (state, amount):
            return done
        raise ReservationAlreadyResolved(
            _("This reservation was resolved before."), state=done.state
        )
    return ledger.post_entry(
        LedgerTransfer(
            debit_account_id=reservation.debit_account_id,
            credit_account_id=reservation.credit_account_id,
            amount=amount,
            code=reservation.code,
            state=state,
            pending=reservation,
            job_id=reservation.job_id,
            key=f"{state}:{reservation.pk}",
        )
    )


def _same_charge(known: UsageEvent, kind: str, usage: Usage) -> UsageEvent:
    if (known.kind, known.usage) != (kind, usage.counted()):
        raise TransferKeyConflict(_("This was charged before, for other usage."))
    return known


def _grant_key(now: datetime) -> str:
    return f"grant:{month_start(now):%Y-%m}"


def grant_month(ledger: LedgerSession) -> None:
    """Book this month's grant, once."""
    key = _grant_key(ledger.now)
    credits = limit("monthly_credits")
    if not credits or LedgerTransfer.objects.filter(key=key).exists():
        return
    ledger.post_entry(
        LedgerTransfer(
            debit_account=ledger.accounts[Kind.GRANTS],
            credit_account=ledger.wallet,
            amount=credits * CREDIT,
            code="grant",
            state=State.POSTED,
            key=key,
        )
    )


def _wallet() -> Any:
    """The wallet, with the database's time as `now`."""
    return LedgerAccount.objects.annotate(now=Now()).filter(kind=Kind.WALLET).first()


def insufficient(amount: int, available: int) -> InsufficientCredits:
    detail = _(
        "This may need %(needed)s credits; of its monthly credits the workspace has %(left)s left."
    ) % {"needed": in_credits(amount), "left": in_credits(available)}
    return InsufficientCredits(
        detail, required=amount, available=available, limit="monthly_credits"
    )
