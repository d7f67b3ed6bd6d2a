"""Jobs as operators see them."""

from django.contrib import admin

from tenants.admin import ReadOnlyAdmin
from tenants.jobs.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "state", "queue", "attempt", "lease_until", "error_code")
    list_filter = ("state", "kind", "queue")
    search_fields = ("id", "error_code", "lease_owner")
    exclude = ("payload", "result")  # the customer's words are nothing that operators need
