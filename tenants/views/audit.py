"""The audit log: who did what, for owners and admins."""

import csv
import json

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from saas.csv_cells import disarmed
from tenants.access import role_required
from tenants.forms import AuditFilterForm
from tenants.http_types import MemberRequest
from tenants.models import AuditEvent

PAGE = 50
EXPORT_LIMIT = 50_000
COLUMNS = ("when", "event", "who", "key", "subject", "data", "address", "request_id")


@require_safe
@role_required("admin")
def audit(request: MemberRequest, slug: str) -> HttpResponse:
    form = AuditFilterForm(request.GET)
    events = Paginator(form.rows(), PAGE).get_page(request.GET.get("page"))
    return render(request, "tenants/audit.html", {"form": form, "events": events})


@require_safe
@role_required("admin")
def audit_csv(request: MemberRequest, slug: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"audit-{slug}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    for event in AuditFilterForm(request.GET).rows()[:EXPORT_LIMIT]:
        writer.writerow([disarmed(cell) for cell in row_of(event)])
    return response


def row_of(event: AuditEvent) -> list[str]:
    return [
        event.created_at.isoformat(),
        event.name,
        event.who,
        event.by_key,
        event.subject_label,
        json.dumps(event.data, ensure_ascii=False) if event.data else "",
        event.address or "",
        event.request_id,
    ]
