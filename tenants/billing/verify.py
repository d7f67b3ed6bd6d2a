"""Replays a workspace's ledger and says what does not add up."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from tenants.billing.ledger import State, deltas
from tenants.billing.models import LedgerAccount, LedgerTransfer, UsageEvent

COUNTERS = LedgerAccount.COUNTERS


@dataclass(slots=True)
class Replay:
    """The ledger as its entries alone make it."""

    entries: int = 0
    last_sha256: str = ""
    counters: dict[UUID, Counter[str]] = field(default_factory=dict)
    open: dict[UUID, int] = field(default_factory=dict)

    def take(self, entry: LedgerTransfer, *, overdraw: set[UUID]) -> Iterator[str]:
        self.entries += 1
        yield from self._chain(entry)
        yield from self._reservation(entry)
        for side in ("debit", "credit"):
            account = getattr(entry, f"{side}_account_id")
            now = self.counters.setdefault(account, Counter())
            for name, delta in deltas(entry, side).items():
                now[name] += delta
            free = now["credits_posted"] - now["debits_posted"] - now["debits_pending"]
            if account not in overdraw and free < 0:
                yield f"Entry {entry.sequence} overdraws its account by {-free}."

    def _chain(self, entry: LedgerTransfer) -> Iterator[str]:
        if entry.sequence != self.entries:
            yield f"Entry {self.entries} is missing; {entry.sequence} follows."
            self.entries = entry.sequence
        if entry.prev_sha256 != self.last_sha256:
            yield f"Entry {entry.sequence} does not continue the one before it."
        if entry.entry_sha256 != entry.digest():
            yield f"Entry {entry.sequence} was changed after it was booked."
        self.last_sha256 = entry.entry_sha256

    def _reservation(self, entry: LedgerTransfer) -> Iterator[str]:
        if entry.state == State.PENDING:
            self.open[entry.pk] = entry.amount
        elif entry.pending_id:
            reserved = self.open.pop(entry.pending_id, None)
            if reserved is None:
                yield f"Entry {entry.sequence} resolves no open reservation."
            elif entry.amount > reserved:
                yield f"Entry {entry.sequence} takes more than was reserved."


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for one workspace."""

    entries: int
    open_reservations: int
    faults: list[str]


@transaction.atomic
def verify() -> Report:
    """Check the ledger of the workspace in scope; while it is wrong nothing can be written."""
    accounts = list(LedgerAccount.objects.select_for_update().order_by("pk"))
    replay = Replay()
    faults = [*_replayed(replay, accounts), *_balances(replay, accounts), *_usage()]
    LedgerAccount.objects.exclude(blocked=bool(faults)).update(blocked=bool(faults))
    return Report(replay.entries, len(replay.open), faults)


def _replayed(replay: Replay, accounts: list[LedgerAccount]) -> Iterator[str]:
    overdraw = {account.pk for account in accounts if not account.must_not_go_negative}
    entries = LedgerTransfer.objects.select_related("pending").order_by("sequence")
    for entry in entries.iterator(chunk_size=2_000):
        yield from replay.take(entry, overdraw=overdraw)


def _balances(replay: Replay, accounts: list[LedgerAccount]) -> Iterator[str]:
    for account in accounts:
        counters = replay.counters.get(account.pk, Counter())
        for name in COUNTERS:
            if getattr(account, name) != counters[name]:
                found, expected = getattr(account, name), counters[name]
                yield f"{account.kind}.{name} is {found}; its entries make {expected}."
        if account.kind == LedgerAccount.Kind.WALLET and account.version != replay.entries:
            yield f"The wallet counts {account.version} entries; there are {replay.entries}."
    for kind in ("pending", "posted"):
        debits = sum(getattr(account, f"debits_{kind}") for account in accounts)
        credits = sum(getattr(account, f"credits_{kind}") for account in accounts)
        if debits != credits:
            yield f"{kind}: debits are {debits}, credits are {credits}."


def _usage() -> Iterator[str]:
    """An entry may charge for several events: all of an hour's readings, one for each meter."""
    charged = UsageEvent.objects.filter(transfer__isnull=False)
    sums = charged.values("transfer", "transfer__sequence", "transfer__amount")
    for row in sums.annotate(total=Sum("amount")).exclude(total=F("transfer__amount")):
        sequence, amount = row["transfer__sequence"], row["transfer__amount"]
        yield f"Usage charged by entry {sequence} adds up to {row['total']}, not to {amount}."
