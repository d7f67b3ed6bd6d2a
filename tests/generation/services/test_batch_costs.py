"""Ordering many texts at once: few statements, exactly as much as credits and queue allow."""

from typing import Any

import psutil
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.models import Batch, Brand, Brief, Variant
from generation.services import batch_request
from tenants.billing.models import LedgerTransfer
from tenants.billing.services import balance, reserve
from tenants.billing.verify import verify
from tenants.jobs.models import Job
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
MOST_SECONDS = 3.0


@pytest.fixture
def order(note: str, brand: Brand, acme: Tenant) -> Any:
    """Have so many rows written in so many variants each."""

    def ordered(rows: int, variants: int) -> Batch:
        content = "topic\n" + "".join(f"Anvil {n}\n" for n in range(rows))
        order = {"kind": note, "brand": brand}
        with tenant_scope(acme):
            return batch_request(name="a.csv", content=content.encode(), variants=variants, **order)

    return ordered


def test_many_rows_cost_the_statements_of_few(order: Any) -> None:
    order(1, 1)
    counts = []
    for rows, variants in ((2, 1), (40, 8)):
        with CaptureQueriesContext(connection) as caught:
            order(rows, variants)
        counts.append(len(caught))
    assert counts[0] == counts[1] < 27


def test_every_text_is_ordered_as_a_single_one_is(order: Any, acme: Tenant) -> None:
    batch = order(5, 3)
    with tenant_scope(acme):
        briefs = list(batch.briefs.order_by("created_at", "pk"))
        assert [brief.title for brief in briefs] == [f"Anvil {n}" for n in range(5)]
        variants = Variant.objects.select_related("job__reservation", "brief")
        for variant in variants:
            assert variant.seed == (variant.brief.seed + variant.number - 1) % 2**31
            assert variant.job.payload["variant"] == str(variant.pk)
            assert variant.job.reservation.job_id == variant.job.pk
            assert (variant.state, variant.job.state) == ("queued", "queued")
        assert len(variants) == 15
        assert balance().reserved == sum(v.job.reservation.amount for v in variants)
        assert verify().faults == []


def test_as_many_rows_are_ordered_as_the_credits_cover(order: Any, acme: Tenant) -> None:
    order(1, 2)
    with tenant_scope(acme):
        each = LedgerTransfer.objects.filter(state="pending").first().amount
        left = balance().available
        reserve(amount=left - 11 * each - 1, purpose="test", key="most of it")
    batch = order(9, 2)
    with tenant_scope(acme):
        assert batch.briefs.count() == 5
        assert [error["row"] for error in batch.errors] == [7]
        assert "credits" in batch.errors[0]["message"]
        assert balance().available == each + 1
        assert verify().faults == []


def test_as_many_rows_are_ordered_as_the_queue_takes(
    order: Any, acme: Tenant, settings: Any
) -> None:
    settings.LIMITS = {"queued_jobs": 11}
    batch = order(9, 2)
    with tenant_scope(acme):
        assert (Brief.objects.count(), Variant.objects.count(), Job.objects.count()) == (5, 10, 10)
        assert [error["row"] for error in batch.errors] == [7]


@pytest.mark.prove
def test_four_thousand_texts_take_three_seconds(order: Any, settings: Any) -> None:
    """Processor seconds, of this process and of Postgres: what else runs here does not count."""
    settings.LIMITS = {"queued_jobs": 10_000}
    order(1, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        programs = [psutil.Process(), psutil.Process(cursor.fetchone()[0])]
        before = [sum(program.cpu_times()[:2]) for program in programs]
        batch = order(500, 8)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what the commit would check
    after = [sum(program.cpu_times()[:2]) for program in programs]
    web, postgres = (now - then for now, then in zip(after, before, strict=True))
    print(f"\n500 x 8 texts: {web:.2f} s here, {postgres:.2f} s in Postgres")
    assert batch.errors == []
    assert web + postgres < MOST_SECONDS
