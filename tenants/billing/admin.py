"""The ledger and the usage as operators see them."""

from django.contrib import admin

from tenants.admin import ReadOnlyAdmin
from tenants.billing.models import LedgerAccount, LedgerTransfer, UsageEvent


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
    list_display = ("created_at", "kind", "prompt_tokens", "completion_tokens", "amount", "job_id")
    list_filter = ("kind",)
    search_fields = ("job_id",)
