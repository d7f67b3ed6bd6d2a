"""The usage page: what is left, what was spent on what, and the same as CSV."""

import csv
from datetime import UTC, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tenants.billing import chart
from tenants.billing.models import UsageEvent
from tenants.billing.prices import CREDIT, MONTHLY_GRANT, TOKENS
from tenants.billing.services import balance, month_start

DAYS = 30
PAGE = 25
EXPORT_LIMIT = 50_000
COLUMNS = ("when", "job", "kind", "prompt_tokens", "completion_tokens", "seconds", "credits")


@require_safe
def usage(request: HttpRequest, slug: str) -> HttpResponse:
    now = timezone.now().astimezone(UTC)
    recent = UsageEvent.objects.since(now - timedelta(days=DAYS))
    events = Paginator(UsageEvent.objects.newest(), PAGE).get_page(request.GET.get("page"))
    month = month_start(now)
    kinds = UsageEvent.objects.since(month).per_kind()
    context = {
        "balance": balance(),
        "renewal": month_start(month + timedelta(days=32)),
        "grant": MONTHLY_GRANT,
        "days": DAYS,
        "bars": chart.bars(recent.per_day(), last=now.date(), days=DAYS),
        "kinds": kinds,
        "pieces_per_credit": pieces_per_credit(kinds),
        "events": events,
        "written_per_credit": CREDIT // TOKENS.completion_token,
        "read_per_credit": CREDIT // TOKENS.prompt_token,
    }
    return render(request, "billing/usage.html", context)


def pieces_per_credit(kinds: list[Any]) -> int:
    """How many jobs a credit bought on average; 0 where it was less than one, or nothing yet."""
    spent = sum(kind["spent"] for kind in kinds)
    return int(sum(kind["paid_jobs"] for kind in kinds) * CREDIT // spent) if spent else 0


@require_safe
def usage_csv(request: HttpRequest, slug: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"usage-{slug}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    writer.writerows(map(row_of, UsageEvent.objects.newest()[:EXPORT_LIMIT].iterator()))
    return response


def row_of(event: UsageEvent) -> tuple[object, ...]:
    return (
        event.created_at.isoformat(),
        event.job_id,
        event.kind,
        event.prompt_tokens,
        event.completion_tokens,
        event.seconds,
        f"{event.amount // CREDIT}.{event.amount % CREDIT:06}",
    )
