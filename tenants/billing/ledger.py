"""The workspace's ledger while it is open: accounts locked, entries chained, balances moved."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from tenants.billing.errors import LedgerInconsistent
from tenants.billing.models import LedgerAccount, LedgerTransfer

Kind = LedgerAccount.Kind
State = LedgerTransfer.State


class Overdrawn(Exception):
    """The entry would take an account below zero."""


@dataclass(slots=True)
class LedgerSession:
    """The accounts, locked until the transaction ends, the database's time, the last entry's hash.

    The hash is None while nobody has come across it: `post_entry` looks for it then.
    """

    accounts: dict[str, LedgerAccount]
    now: datetime
    last_sha256: str | None = None

    @property
    def wallet(self) -> LedgerAccount:
        return self.accounts[Kind.WALLET]

    def post_entry(self, entry: LedgerTransfer) -> LedgerTransfer:
        """Add the entry to the chain and move the balances; raises Overdrawn."""
        return self.post_entries([entry])[0]

    def post_entries(self, entries: list[LedgerTransfer]) -> list[LedgerTransfer]:
        """Add the entries to the chain, in their order, and move the balances once for all.

        Raises Overdrawn, and adds none, where an account does not cover what they take out of it;
        what others of them would bring in does not count.
        """
        if not entries:
            return entries
        self._refuse_overdraft(entries)
        if self.last_sha256 is None:
            self.last_sha256 = self._last_sha256()
        for sequence, entry in enumerate(entries, self.wallet.version + 1):
            entry.sequence = sequence
            entry.booked_at = self.now
            entry.prev_sha256 = self.last_sha256
            entry.entry_sha256 = self.last_sha256 = entry.digest()
        LedgerTransfer.objects.bulk_create(entries)
        self._move(entries)
        return entries

    def _refuse_overdraft(self, entries: list[LedgerTransfer]) -> None:
        taken: Counter[UUID] = Counter()
        for entry in entries:
            if entry.pending is None:
                taken[entry.debit_account_id] += entry.amount
        if not all(account.covers(taken[account.pk]) for account in self.accounts.values()):
            raise Overdrawn

    def _move(self, entries: list[LedgerTransfer]) -> None:
        """Write the balances of all accounts that the entries touch."""
        moved = [_Moved(account) for account in self.accounts.values()]
        by_id = {each.account.pk: each for each in moved}
        for entry in entries:
            by_id[entry.debit_account_id].add(deltas(entry, "debit"))
            by_id[entry.credit_account_id].add(deltas(entry, "credit"))
        touched = [each for each in moved if each.times]
        values = [value for each in touched for value in each.values()]
        with connection.cursor() as cursor:
            rows = ", ".join([ROW] * len(touched))
            cursor.execute(MOVE.format(rows=rows), [*values, self.wallet.tenant_id])
            if cursor.rowcount != len(touched):
                raise LedgerInconsistent
        for each in touched:
            each.apply()

    def find(self, which: Q) -> list[LedgerTransfer]:
        """The entries that these conditions name; notes the last entry's hash in passing."""
        last = self.wallet.version
        found = list(LedgerTransfer.objects.filter(which | Q(sequence=last)).order_by("sequence"))
        self.last_sha256 = next((e.entry_sha256 for e in found if e.sequence == last), "")
        return found

    def _last_sha256(self) -> str:
        last = LedgerTransfer.objects.order_by("-sequence").values_list("entry_sha256", flat=True)
        return last.first() or ""


def deltas(entry: LedgerTransfer, side: str) -> dict[str, int]:
    """How an entry changes the counters of its debit or credit account."""
    moved = {f"{side}s_pending": 0, f"{side}s_posted": 0}
    if entry.pending is not None:
        moved[f"{side}s_pending"] -= entry.pending.amount
    if entry.state in (State.PENDING, State.POSTED):
        moved[f"{side}s_{entry.state}"] += entry.amount
    return moved


@dataclass(slots=True)
class _Moved:
    """How entries change an account: how many touch it, and by how much each counter moves."""

    account: LedgerAccount
    times: int = 0
    counters: Counter[str] = field(default_factory=Counter)

    def add(self, moved: dict[str, int]) -> None:
        self.times += 1
        self.counters.update(moved)

    def values(self) -> list[Any]:
        counters = [self.counters[name] for name in LedgerAccount.COUNTERS]
        return [self.account.pk, self.account.version, self.times, *counters]

    def apply(self) -> None:
        self.account.version += self.times
        for name, delta in self.counters.items():
            setattr(self.account, name, getattr(self.account, name) + delta)


# All accounts at once, each on condition that it is what the session read: the lock sees to that.
MOVE = """
UPDATE billing_ledgeraccount a SET
version = a.version + moved.times, updated_at = statement_timestamp(),
debits_pending = a.debits_pending + moved.debits_pending,
debits_posted = a.debits_posted + moved.debits_posted,
credits_pending = a.credits_pending + moved.credits_pending,
credits_posted = a.credits_posted + moved.credits_posted
FROM (VALUES {rows})
AS moved (id, version, times, debits_pending, debits_posted, credits_pending, credits_posted)
WHERE a.tenant_id = %s AND a.id = moved.id AND a.version = moved.version
"""
ROW = f"(%s::uuid, {', '.join(['%s::bigint'] * 6)})"


def open_ledger() -> LedgerSession:
    """Lock the accounts in scope, in the order of their ids, and make them where there are none."""
    rows = lock_accounts()
    ledger = LedgerSession({row.kind: row for row in rows}, rows[0].now)
    if any(row.blocked for row in rows):
        raise LedgerInconsistent
    return ledger


def lock_accounts() -> list[Any]:
    """Lock the workspace for whatever is counted: others who do so wait for this transaction."""
    return _locked() or _made()


def _locked() -> list[Any]:
    rows = LedgerAccount.objects.select_for_update().order_by("pk")
    return list(rows.annotate(now=Now()))


def _made() -> list[Any]:
    fresh = [LedgerAccount(kind=kind, must_not_go_negative=kind == Kind.WALLET) for kind in Kind]
    LedgerAccount.objects.bulk_create(fresh, ignore_conflicts=True)
    return _locked()
