"""The workspace's books while they are open: accounts locked, entries chained, balances moved."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from saas.errors import Unavailable
from tenants.billing.models import LedgerAccount, LedgerTransfer

Kind = LedgerAccount.Kind
State = LedgerTransfer.State


class Overdrawn(Exception):
    """The entry would take an account below zero."""


@dataclass(slots=True)
class Books:
    """The accounts, locked until the transaction ends, and the database's time."""

    accounts: dict[str, LedgerAccount]
    now: datetime

    @property
    def wallet(self) -> LedgerAccount:
        return self.accounts[Kind.WALLET]

    def enter(self, entry: LedgerTransfer) -> LedgerTransfer:
        """Add the entry to the chain and move the balances; raises Overdrawn."""
        debited, credited = self._touched(entry)
        if entry.pending is None and not debited.covers(entry.amount):
            raise Overdrawn
        entry.sequence = self.wallet.version + 1
        entry.booked_at = self.now
        entry.prev_sha256 = self._last_sha256()
        entry.entry_sha256 = entry.digest()
        entry.save(force_insert=True)
        _move(debited, deltas(entry, "debit"))
        _move(credited, deltas(entry, "credit"))
        return entry

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


def _move(account: LedgerAccount, moved: dict[str, int]) -> None:
    """Write the balance, on condition that it is what the open books say: the lock sees to that."""
    changes = {name: getattr(account, name) + delta for name, delta in moved.items()}
    unchanged = LedgerAccount.objects.filter(pk=account.pk, version=account.version)
    if not unchanged.update(version=account.version + 1, updated_at=Now(), **changes):
        raise Unavailable(code="ledger_inconsistent")
    account.version += 1
    for name, value in changes.items():
        setattr(account, name, value)


def open_books() -> Books:
    """Lock the accounts in scope, in the order of their ids, and make them where there are none."""
    rows = _locked() or _made()
    books = Books({row.kind: row for row in rows}, rows[0].now)
    if any(row.blocked for row in rows):
        raise Unavailable(code="ledger_inconsistent")
    return books


def _locked() -> list[Any]:
    rows = LedgerAccount.objects.select_for_update().order_by("pk")
    return list(rows.annotate(now=Now()))


def _made() -> list[Any]:
    fresh = [LedgerAccount(kind=kind, must_not_go_negative=kind == Kind.WALLET) for kind in Kind]
    LedgerAccount.objects.bulk_create(fresh, ignore_conflicts=True)
    return _locked()
