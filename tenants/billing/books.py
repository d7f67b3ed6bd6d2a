"""The workspace's books while they are open: accounts locked, entries chained, balances moved."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q
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
        for side in ("debit", "credit"):
            self._move(entry, side)
        entry.sequence = self.wallet.version + 1
        entry.booked_at = self.now
        entry.prev_sha256 = self._last_sha256()
        entry.entry_sha256 = entry.digest()
        entry.save(force_insert=True)
        for account in self._touched(entry):
            account.version += 1
        return entry

    def _touched(self, entry: LedgerTransfer) -> list[LedgerAccount]:
        sides = (entry.debit_account_id, entry.credit_account_id)
        return [account for account in self.accounts.values() if account.pk in sides]

    def _move(self, entry: LedgerTransfer, side: str) -> None:
        changes = {name: F(name) + delta for name, delta in deltas(entry, side).items()}
        account = LedgerAccount.objects.filter(pk=getattr(entry, f"{side}_account_id"))
        if side == "debit" and entry.pending_id is None:
            account = account.filter(with_room_for(entry.amount))
        if not account.update(version=F("version") + 1, updated_at=Now(), **changes):
            raise Overdrawn

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


def with_room_for(amount: int) -> Q:
    needed = F("debits_posted") + F("debits_pending") + amount
    return Q(must_not_go_negative=False) | Q(credits_posted__gte=needed)


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
