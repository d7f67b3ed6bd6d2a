"""The workspace's ledger while it is open: accounts locked, entries chained, balances moved."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
        debited, credited = self._touched(entry)
        if entry.pending is None and not debited.covers(entry.amount):
            raise Overdrawn
        entry.sequence = self.wallet.version + 1
        entry.booked_at = self.now
        entry.prev_sha256 = self._last_sha256() if self.last_sha256 is None else self.last_sha256
        entry.entry_sha256 = self.last_sha256 = entry.digest()
        entry.save(force_insert=True)
        _move((debited, deltas(entry, "debit")), (credited, deltas(entry, "credit")))
        return entry

    def find(self, which: Q) -> list[LedgerTransfer]:
        """The entries that these conditions name; notes the last entry's hash in passing."""
        last = self.wallet.version
        found = list(LedgerTransfer.objects.filter(which | Q(sequence=last)).order_by("sequence"))
        self.last_sha256 = next((e.entry_sha256 for e in found if e.sequence == last), "")
        return found

    def _touched(self, entry: LedgerTransfer) -> tuple[LedgerAccount, LedgerAccount]:
        by_id = {account.pk: account for account in self.accounts.values()}
        return by_id[entry.debit_account_id], by_id[entry.credit_account_id]

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


# Both sides at once, each on condition that it is what the session read: the lock sees to that.
MOVE = """
UPDATE billing_ledgeraccount a SET version = a.version + 1, updated_at = statement_timestamp(),
debits_pending = a.debits_pending + moved.debits_pending,
debits_posted = a.debits_posted + moved.debits_posted,
credits_pending = a.credits_pending + moved.credits_pending,
credits_posted = a.credits_posted + moved.credits_posted
FROM (VALUES (%s::uuid, %s::bigint, %s::bigint, %s::bigint, 0::bigint, 0::bigint),
(%s, %s, 0, 0, %s, %s))
AS moved (id, version, debits_pending, debits_posted, credits_pending, credits_posted)
WHERE a.tenant_id = %s AND a.id = moved.id AND a.version = moved.version
"""


def _move(*sides: tuple[LedgerAccount, dict[str, int]]) -> None:
    """Write the balances of the debited account and of the credited one."""
    values: list[Any] = []
    for account, moved in sides:
        values += [account.pk, account.version, *moved.values()]
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [*values, sides[0][0].tenant_id])
        if cursor.rowcount != len(sides):
            raise LedgerInconsistent
    for account, moved in sides:
        account.version += 1
        for name, delta in moved.items():
            setattr(account, name, getattr(account, name) + delta)


def open_ledger() -> LedgerSession:
    """Lock the accounts in scope, in the order of their ids, and make them where there are none."""
    rows = _locked() or _made()
    ledger = LedgerSession({row.kind: row for row in rows}, rows[0].now)
    if any(row.blocked for row in rows):
        raise LedgerInconsistent
    return ledger


def _locked() -> list[Any]:
    rows = LedgerAccount.objects.select_for_update().order_by("pk")
    return list(rows.annotate(now=Now()))


def _made() -> list[Any]:
    fresh = [LedgerAccount(kind=kind, must_not_go_negative=kind == Kind.WALLET) for kind in Kind]
    LedgerAccount.objects.bulk_create(fresh, ignore_conflicts=True)
    return _locked()
