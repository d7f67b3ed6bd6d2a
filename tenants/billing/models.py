"""Prices, the ledger's accounts and transfers (double entry, micro-credits), what work consumed."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count, F, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from saas.ids import uuid7
from tenants.billing.meters import label_of, meters
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

    objects: ClassVar = TenantManager()

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


@dataclass(frozen=True, slots=True)
class Source:
    """What a charge is for: a kind of thing and its id. Each is charged once."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class UsageQuerySet(TenantQuerySet["UsageEvent"]):
    """What the workspace in scope used."""

    def since(self, start: datetime) -> "UsageQuerySet":
        return self.filter(created_at__gte=start)

    def of(self, source: Source) -> "UsageEvent | None":
        """The charge for this, if there was one."""
        return self.filter(source=source.kind, source_id=source.id).first()

    def per_day(self) -> dict[date, int]:
        """Micro-credits by day (UTC); days without work are missing."""
        days = self.annotate(day=TruncDate("created_at", tzinfo=UTC)).values("day").order_by("day")
        return dict(days.annotate(spent=Sum("amount")).values_list("day", "spent"))

    def per_kind(self) -> list[Any]:
        """Charges and micro-credits by kind of work, the dearest first."""
        totals = self.values("kind").annotate(charges=Count("pk"), spent=Sum("amount"))
        return list(totals.order_by("-spent", "kind"))

    def per_meter(self) -> dict[str, int]:
        """Units by the name of the meter, of every registered meter that counted any."""
        sums = {
            meter.name: Sum(Cast(KeyTextTransform(meter.name, "usage"), models.BigIntegerField()))
            for meter in meters()
        }
        found = self.aggregate(**sums) if sums else {}
        return {name: int(units) for name, units in found.items() if units}


UsageManager = TenantManager.from_queryset(UsageQuerySet)


class UsageEvent(TenantModel):
    """What a piece of work consumed, by meter, and what it cost; written once for its source."""

    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=60)
    usage = models.JSONField(default=dict)
    milliseconds = models.PositiveBigIntegerField(default=0)
    customer_endpoint = models.BooleanField(default=False)
    amount = models.BigIntegerField(default=0)
    transfer = TenantForeignKey(
        LedgerTransfer, null=True, on_delete=models.PROTECT, related_name="+"
    )

    objects: ClassVar = UsageManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "source_id"], name="usage_once_per_source"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="usage_amount_not_negative"),
        ]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="usage_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    @property
    def metered(self) -> list[tuple[str, int]]:
        """Units by the meters' labels."""
        return [(label_of(name), self.usage[name]) for name in sorted(self.usage)]


class MeterReading(TenantModel):
    """Use that is counted now and charged with all other of its hour: only ever added."""

    meter = models.CharField(max_length=60)
    units = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(units__gt=0), name="reading_units_positive")
        ]
        indexes = [models.Index(fields=["tenant", "recorded_at"], name="reading_by_time")]

    def __str__(self) -> str:
        return f"{self.meter} {self.units}"


class Price(models.Model):
    """What a meter costs from a moment on, for all workspaces. Past prices are never changed."""

    # How long before it holds a price is made, so that every process knows it by then.
    NOTICE: ClassVar = timedelta(minutes=5)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    meter = models.CharField(_("meter"), max_length=60)
    micro_credits = models.BigIntegerField(
        _("micro-credits"),
        validators=[MinValueValidator(0)],
        help_text=_("A credit has 1,000,000 micro-credits."),
    )
    per = models.BigIntegerField(
        _("for so many units"), default=1, validators=[MinValueValidator(1)]
    )
    valid_from = models.DateTimeField(
        _("valid from"), help_text=_("A full hour, at least five minutes from now.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.UniqueConstraint(fields=["meter", "valid_from"], name="one_price_at_a_time"),
            models.CheckConstraint(
                condition=Q(micro_credits__gte=0, per__gte=1), name="price_possible"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.micro_credits}/{self.per}"

    @property
    def changeable(self) -> bool:
        """Whether nothing can have been charged by it yet."""
        return self.valid_from >= timezone.now() + self.NOTICE

    def clean(self) -> None:
        if self.valid_from is None:
            return
        if self.valid_from != self.valid_from.replace(minute=0, second=0, microsecond=0):
            raise ValidationError({"valid_from": _("A price begins on a full hour.")})
        if not self.changeable:
            raise ValidationError({"valid_from": _("Choose a full hour that is still to come.")})


class LimitOverride(TenantModel):
    """A limit that holds for this workspace in place of the usual one."""

    name = models.CharField(_("limit"), max_length=60)
    value = models.BigIntegerField(_("at most"), validators=[MinValueValidator(0)])

    class Meta(TenantModel.Meta):
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="one_value_per_limit"),
            models.CheckConstraint(condition=Q(value__gte=0), name="limit_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
