"""Workers on connections of their own: none does another's job, none commits late."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from tenants.billing.models import UsageEvent
from tenants.billing.services import balance
from tenants.billing.verify import verify
from tenants.jobs import leases, services
from tenants.jobs.models import Job, Lease
from tenants.models import Tenant
from tests.support.threads import race
from tests.tenants.jobs.conftest import ask, start

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 8
USAGE = {"prompt_tokens": 10, "completion_tokens": 10}


def test_each_job_is_leased_by_one_worker(scoped: Tenant) -> None:
    jobs = {ask().pk for _ in range(24)}
    taken: list[Lease] = []

    def work(number: int) -> None:
        while got := leases.take("default", limit=3, owner=f"test:{number}"):
            taken.extend(got)

    race(scoped, WORKERS, work)
    assert len(taken) == len(jobs)
    assert {lease.job_id for lease in taken} == jobs


def test_no_more_run_than_may_however_many_workers_look(scoped: Tenant, settings: Any) -> None:
    settings.LIMITS = {"running_jobs": 3}
    for _ in range(24):
        ask()
    most = race(scoped, WORKERS, lambda number: run_and_count(f"test:{number}"))
    assert (max(most), Job.objects.filter(state="succeeded").count()) == (3, 24)


def run_and_count(owner: str) -> int:
    """Work until nothing is due; the most jobs that ran at once."""
    most = 0
    while Job.objects.active().exists():
        for lease in leases.take("default", limit=3, owner=owner):
            most = max(most, Job.objects.filter(state="running").count())
            services.finish(lease, result={}, usage=USAGE)
    return most


def test_two_workers_never_both_finish(scoped: Tenant) -> None:
    for _ in range(10):
        job = ask()
        first = start(job)
        Job.objects.filter(pk=job.pk).update(lease_until=Now())
        services.recover(job_id=job.pk)
        rivals = [first, start(job)]

        def finish(number: int, rivals: list[Lease] = rivals) -> bool:
            try:
                services.finish(rivals[number], result={"by": number}, usage=USAGE)
            except leases.StaleLease:
                return False
            return True

        assert race(scoped, 2, finish) == [False, True]
    assert UsageEvent.objects.count() == 10
    assert (balance().reserved, verify().faults) == (0, [])


def test_the_same_lease_finishes_once(scoped: Tenant) -> None:
    lease = start(ask())

    def finish(number: int) -> bool:
        try:
            services.finish(lease, result={}, usage=USAGE)
        except leases.StaleLease:
            return False
        return True

    assert sorted(race(scoped, WORKERS, finish)) == [False] * (WORKERS - 1) + [True]
    assert UsageEvent.objects.count() == 1


def test_cancelling_and_finishing_end_in_one_of_both(scoped: Tenant) -> None:
    for _ in range(10):
        job = ask()
        lease = start(job)

        def end(number: int, job: Job = job, lease: Lease = lease) -> None:
            if number:
                services.job_cancel(job=job)
            else:
                services.finish(lease, result={}, usage=USAGE)

        race(scoped, 2, end)
    assert Job.objects.filter(state="succeeded").count() == 10
    assert balance().reserved == 0


def test_a_deadlock_is_tried_again(scoped: Tenant) -> None:
    """The worker holds its job and wants another row; somebody holds that and wants the job."""
    job = ask()
    lease = start(job)

    def touch(_: Job) -> None:
        _lock("tenants_membership", "tenant_id", scoped.pk)

    def end(number: int) -> None:
        if number:
            services.finish(lease, result={}, usage=USAGE, apply=touch)
            return
        with transaction.atomic():
            _lock("tenants_membership", "tenant_id", scoped.pk)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.7)")
            _lock("jobs_job", "id", job.pk)

    race(scoped, 2, end)
    job.refresh_from_db()
    assert job.state == "succeeded"


def _lock(table: str, column: str, value: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR UPDATE", [value])


def test_no_more_wait_than_may_through_any_door(scoped: Tenant, settings: Any) -> None:
    settings.LIMITS = {"queued_jobs": 3}

    def order(number: int) -> int:
        made = 0
        for _ in range(5):
            with suppress(services.QueueFull):
                ask(estimate=0 if number % 2 else 100_000)
                made += 1
        return made

    assert sum(race(scoped, WORKERS, order)) == Job.objects.count() == 3
