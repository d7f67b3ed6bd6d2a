"""The ledger's accounts and transfers (double entry, micro-credits), and what work consumed."""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _

from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet


class LedgerAccount(TenantModel):
    """One side of the workspace's ledger: what was granted, what it may spend, what it spent."""

    class Kind(models.TextChoices):
        WALLET = "wallet", _("Wallet")
        GRANTS = "grants", _("Grants")
        SPENT = "spent", _("Spent")

    COUNTERS: ClassVar = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")

    kind = models.CharField(max_length=10, choices=Kind)
    debits_pending = models.BigIntegerField(default=0)
    debits_posted = models.BigIntegerField(default=0)
    credits_pending = models.BigIntegerField(default=0)
    credits_posted = models.BigIntegerField(default=0)
    must_not_go_negative = models.BooleanField(default=False)
    # Set by ledger_verify when the ledger does not add up: nothing is written until it does.
    blocked = models.BooleanField(default=False)
    # How many transfers touched the account; for the wallet, the last transfer's sequence.
    version = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind"], name="one_account_per_kind"),
            models.CheckConstraint(
                condition=Q(debits_pending__gte=0, debits_posted__gte=0)
                & Q(credits_pending__gte=0, credits_posted__gte=0),
                name="account_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(must_not_go_negative=False)
                | Q(credits_posted__gte=F("debits_posted") + F("debits_pending")),
                name="account_not_overdrawn",
            ),
        ]

    def __str__(self) -> str:
        return self.kind

    @property
    def available(self) -> int:
        """What may still be spent: reservations are taken off at once."""
        return self.credits_posted - self.debits_posted - self.debits_pending

    def covers(self, amount: int) -> bool:
        return not self.must_not_go_negative or amount <= self.available


class TransferQuerySet(TenantQuerySet["LedgerTransfer"]):
    """The ledger's entries of the workspace in scope."""

    def total(self) -> int:
        return int(self.aggregate(total=Sum("amount", default=0))["total"])


TransferManager = TenantManager.from_queryset(TransferQuerySet)


class LedgerTransfer(TenantModel):
    """An entry of the ledger. It is never changed: what happens to a reservation is a new entry."""

    class State(models.TextChoices):
        PENDING = "pending", _("Reserved")
        POSTED = "posted", _("Posted")
        VOIDED = "voided", _("Released")
        EXPIRED = "expired", _("Expired")

    sequence = models.BigIntegerField()
    debit_account = TenantForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+")
    credit_account = TenantForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    code = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=State)
    pending = TenantForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="resolution"
    )
    timeout_s = models.PositiveIntegerField(null=True)
    job_id = models.UUIDField(null=True, db_index=True)
    key = models.CharField(max_length=120)
    booked_at = models.DateTimeField()
    entry_sha256 = models.CharField(max_length=64)
    prev_sha256 = models.CharField(max_length=64, blank=True)

    objects: ClassVar = TransferManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sequence"], name="transfer_sequence"),
            models.UniqueConstraint(fields=["tenant", "key"], name="transfer_key"),
            models.UniqueConstraint(fields=["tenant", "pending"], name="reservation_resolved_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transfer_between_accounts"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "posted"], pending=None)
                | Q(state__in=["posted", "voided", "expired"], pending__isnull=False),
                name="transfer_state_fits_reservation",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "booked_at"], name="transfer_by_time")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.code} {self.state} {self.amount}"

    def digest(self) -> str:
        """The hash over the entry and the one before it, so that history cannot be rewritten."""
        fields = (
            self.tenant_id,
            self.pk,
            self.sequence,
            self.debit_account_id,
            self.credit_account_id,
            self.amount,
            self.code,
            self.state,
            self.pending_id,
            self.timeout_s,
            self.job_id,
            self.key,
            self.booked_at.isoformat(),
            self.prev_sha256,
        )
        return hashlib.sha256(json.dumps([str(field) for field in fields]).encode()).hexdigest()


class UsageQuerySet(TenantQuerySet["UsageEvent"]):
    """What the workspace in scope used."""

    def since(self, start: datetime) -> "UsageQuerySet":
        return self.filter(created_at__gte=start)

    def per_day(self) -> dict[date, int]:
        """Micro-credits by day (UTC); days without work are missing."""
        days = self.annotate(day=TruncDate("created_at", tzinfo=UTC)).values("day").order_by("day")
        return dict(days.annotate(spent=Sum("amount")).values_list("day", "spent"))

    def per_kind(self) -> list[Any]:
        """Jobs, tokens and micro-credits by kind of work, the dearest first."""
        totals = self.values("kind").annotate(
            jobs=Count("pk"),
            paid_jobs=Count("pk", filter=Q(amount__gt=0)),
            tokens=Sum(F("prompt_tokens") + F("completion_tokens")),
            spent=Sum("amount"),
        )
        return list(totals.order_by("-spent", "kind"))


UsageManager = TenantManager.from_queryset(UsageQuerySet)


class UsageEvent(TenantModel):
    """What one job consumed and what it cost; written with the job's end, once."""

    job_id = models.UUIDField()
    kind = models.CharField(max_length=60)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)
    amount = models.BigIntegerField(default=0)
    transfer = TenantForeignKey(
        LedgerTransfer, null=True, on_delete=models.PROTECT, related_name="+"
    )

    objects: ClassVar = UsageManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "job_id"], name="usage_once_per_job"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="usage_amount_not_negative"),
        ]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="usage_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000
