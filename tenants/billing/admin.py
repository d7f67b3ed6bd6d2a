"""The ledger and the usage as operators see them, and the prices and limits that they set."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from tenants.admin import ReadOnlyAdmin, TenantAdmin
from tenants.billing.limits import Limit, known_limits
from tenants.billing.meters import Meter, label_of, meters
from tenants.billing.models import (
    LedgerAccount,
    LedgerTransfer,
    LimitOverride,
    Price,
    UsageEvent,
)


def choice_of(field: Any, known: Sequence[Limit | Meter]) -> forms.ChoiceField:
    """A choice of what apps have registered, by label."""
    choices = [(each.name, each.label) for each in known]
    return forms.ChoiceField(label=field.verbose_name, choices=choices)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ("kind", *LedgerAccount.COUNTERS, "version", "blocked")


@admin.register(LedgerTransfer)
class LedgerTransferAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "booked_at", "code", "state", "amount", "job_id")
    list_filter = ("state", "code")
    search_fields = ("id", "job_id", "key")
    ordering = ("-sequence",)


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "usage", "amount", "source", "source_id")
    list_filter = ("kind", "source")
    search_fields = ("source_id",)


@admin.register(LimitOverride)
class LimitOverrideAdmin(TenantAdmin):
    """Where a workspace has another limit than the rest."""

    list_display = ("name", "label", "value", "updated_at")
    ordering = ("name",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "name":
            return choice_of(db_field, known_limits())
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def label(self, row: LimitOverride) -> str:
        return next((str(known.label) for known in known_limits() if known.name == row.name), "")


@admin.register(Price)
class PriceAdmin(ModelAdmin):  # type: ignore[misc]
    """Prices of all workspaces. One that may have been charged by stays as it is."""

    list_display = ("meter", "label", "micro_credits", "per", "valid_from")
    list_filter = ("meter",)
    ordering = ("meter", "-valid_from")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "meter":
            return choice_of(db_field, meters())
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def label(self, price: Price) -> str:
        return label_of(price.meter)

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        open_still = obj is None or obj.changeable
        return open_still and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        open_still = obj is not None and obj.changeable
        return open_still and super().has_delete_permission(request, obj)
