"""The usage page: what is left, what was spent on what, and the same as CSV."""

import csv
from datetime import UTC, timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from saas.csv_cells import disarmed
from tenants.billing import chart
from tenants.billing.limits import limit
from tenants.billing.meters import label_of, meters
from tenants.billing.models import UsageEvent
from tenants.billing.prices import CREDIT, rates
from tenants.billing.services import balance, month_start

DAYS = 30
PAGE = 25
EXPORT_LIMIT = 50_000


@require_safe
def usage(request: HttpRequest, slug: str) -> HttpResponse:
    now = timezone.now().astimezone(UTC)
    recent = UsageEvent.objects.since(now - timedelta(days=DAYS))
    events = Paginator(UsageEvent.objects.newest(), PAGE).get_page(request.GET.get("page"))
    month = month_start(now)
    this_month = UsageEvent.objects.since(month)
    context = {
        "balance": balance(),
        "renewal": month_start(month + timedelta(days=32)),
        "grant": limit("monthly_credits") * CREDIT,
        "days": DAYS,
        "bars": chart.bars(recent.per_day(), last=now.date(), days=DAYS),
        "kinds": this_month.per_kind(),
        "metered": by_label(this_month.per_meter()),
        "events": events,
        "bought": bought_by_a_credit(),
    }
    return render(request, "billing/usage.html", context)


def by_label(units: dict[str, int]) -> list[tuple[str, int]]:
    return [(label_of(name), units[name]) for name in sorted(units)]


def bought_by_a_credit() -> list[tuple[str, int]]:
    """Units that a credit buys now, by the labels of their meters; without what is free."""
    return by_label({name: n for name, rate in rates().items() if (n := rate.units_per_credit)})


@require_safe
def usage_csv(request: HttpRequest, slug: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"usage-{slug}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    columns = [meter.name for meter in meters()]
    writer = csv.writer(response)
    writer.writerow(["when", "source", "id", "kind", *columns, "seconds", "credits"])
    for event in UsageEvent.objects.newest()[:EXPORT_LIMIT].iterator():
        writer.writerow(row_of(event, columns))
    return response


def row_of(event: UsageEvent, columns: list[str]) -> list[object]:
    return [
        event.created_at.isoformat(),
        *map(disarmed, (event.source, event.source_id, event.kind)),
        *(event.usage.get(name, 0) for name in columns),
        event.seconds,
        f"{event.amount // CREDIT}.{event.amount % CREDIT:06}",
    ]
