"""A job's life by the services: each step, each end, and what a stale lease may not do."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from saas.errors import InsufficientCredits
from tenants.billing.meters import Usage
from tenants.billing.models import LedgerTransfer, LimitOverride, UsageEvent
from tenants.billing.prices import price
from tenants.billing.services import balance
from tenants.jobs.errors import QueueFull
from tenants.jobs.leases import StaleLease, due, heartbeat, heartbeats, lease, take
from tenants.jobs.models import Job
from tenants.jobs.services import (
    MOST_LOSSES,
    JobOrder,
    cancelled,
    fail,
    finish,
    hand_back,
    job_cancel,
    jobs_cancel,
    jobs_request,
    recover,
)
from tenants.models import Tenant
from tenants.scope import no_scope, tenant_scope
from tests.support.credits import MONTHLY_GRANT
from tests.tenants.jobs.conftest import ask, start

pytestmark = pytest.mark.django_db
USAGE = Usage({"prompt_tokens": 100, "completion_tokens": 20}, seconds=0.4)


def run_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_a_request_is_a_job_with_its_credits_reserved(scoped: Tenant) -> None:
    job = ask()
    assert job.state == "queued"
    assert job.reservation is not None
    assert (job.reservation.amount, job.reservation.job_id) == (100_000, job.pk)
    assert balance().reserved == 100_000


def test_a_request_without_an_estimate_reserves_nothing(scoped: Tenant) -> None:
    assert ask(estimate=0).reservation is None


def test_too_few_credits_make_no_job(scoped: Tenant) -> None:
    with pytest.raises(InsufficientCredits):
        ask(estimate=MONTHLY_GRANT + 1)
    assert not Job.objects.exists()


def test_the_same_payload_has_the_same_hash(scoped: Tenant) -> None:
    assert ask().input_sha256 == ask().input_sha256


@pytest.mark.django_db(transaction=True)
def test_workers_are_told_once_the_request_is_committed(
    scoped: Tenant, notified: list[str]
) -> None:
    with transaction.atomic():
        ask("test.batched")
        assert notified == []
    assert notified == ["generate"]


@pytest.mark.django_db(transaction=True)
def test_a_request_rolled_back_leaves_nothing(scoped: Tenant, notified: list[str]) -> None:
    with transaction.atomic():
        ask()
        transaction.set_rollback(True)
    assert (Job.objects.count(), balance().reserved, notified) == (0, 0, [])


def test_a_lease_is_given_once(scoped: Tenant) -> None:
    job = ask()
    taken = start(job)
    assert (taken.token, taken.payload) == (1, {"say": "hello"})
    assert lease(tenant_id=scoped.pk, job_id=job.pk, owner="late") is None


def test_a_heartbeat_keeps_the_lease_and_tells_the_progress(scoped: Tenant) -> None:
    job = ask()
    taken = start(job)
    run_out(job)
    assert heartbeat(taken, progress=40, note="Writing").cancelled is False
    job.refresh_from_db()
    assert (job.progress, job.note) == (40, "Writing")
    assert not Job.objects.overdue().exists()


def test_one_statement_keeps_the_leases_of_several_workspaces(
    scoped: Tenant, other: Tenant
) -> None:
    mine, stale = start(ask()), start(ask())
    Job.objects.filter(pk=stale.job_id).update(attempt=2)
    with tenant_scope(other):
        balance()
        theirs = start(ask())
        job_cancel(job=Job.objects.get(pk=theirs.job_id))
        run_out(Job.objects.get(pk=theirs.job_id))
    with no_scope():
        heard = heartbeats([(theirs, 30), (stale, 20), (mine, 10)])
    assert {job_id: beat.cancelled for job_id, beat in heard.items()} == {
        mine.job_id: False,
        theirs.job_id: True,
    }
    assert dict(Job.objects.values_list("pk", "progress")) == {mine.job_id: 10, stale.job_id: 0}
    with tenant_scope(other):
        assert not Job.objects.overdue().exists()


def test_a_sign_of_life_reaches_no_job_of_another_workspace(scoped: Tenant, other: Tenant) -> None:
    """A lease that names the wrong workspace for its job, as a mistake of ours might."""
    mine = start(ask())
    with no_scope():
        assert heartbeats([(replace(mine, tenant_id=other.pk), 50)]) == {}
    assert Job.objects.get().progress == 0


def test_the_scope_is_as_before_after_a_sign_of_life(scoped: Tenant, other: Tenant) -> None:
    with tenant_scope(other):
        theirs = start(ask())
    with no_scope(), transaction.atomic():
        heartbeats([(theirs, 50)])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM jobs_job")
            assert cursor.fetchone() == (0,)


def test_finishing_applies_charges_and_ends_at_once(scoped: Tenant) -> None:
    job, seen = ask(), []
    finish(start(job), result={"text": "Ad"}, usage=USAGE, apply=seen.append)
    job.refresh_from_db()
    assert (job.state, job.progress, job.result) == ("succeeded", 100, {"text": "Ad"})
    assert seen == [job]
    cost = price(USAGE)
    event = UsageEvent.objects.get(source_id=job.pk)
    assert (event.source, event.amount, job.cost) == ("job", cost, cost)
    assert event.usage == {"prompt_tokens": 100, "completion_tokens": 20}
    assert (balance().spent_this_month, balance().reserved) == (cost, 0)


def test_an_effect_that_fails_takes_everything_back(scoped: Tenant) -> None:
    def apply(_: Job) -> None:
        raise ZeroDivisionError

    job = ask()
    with pytest.raises(ZeroDivisionError):
        finish(start(job), result={}, usage=USAGE, apply=apply)
    assert state(job) == "running"
    assert not UsageEvent.objects.exists()


def test_a_job_without_usage_gives_its_credits_back(scoped: Tenant) -> None:
    finish(start(ask()), result={})
    assert (balance().reserved, balance().spent_this_month) == (0, 0)


@pytest.mark.parametrize("end", ["finish", "fail", "cancelled", "hand_back", "heartbeat"])
def test_a_stale_lease_commits_nothing(end: str, scoped: Tenant) -> None:
    job = ask()
    stale = start(job)
    run_out(job)
    recover(job_id=job.pk)
    fresh = start(job)
    ends = {
        "finish": lambda: finish(stale, result={"by": "stale"}, usage=USAGE),
        "fail": lambda: fail(stale, code="x", detail="", retry=False),
        "cancelled": lambda: cancelled(stale, usage=USAGE),
        "hand_back": lambda: hand_back(stale),
        "heartbeat": lambda: heartbeat(stale),
    }
    with pytest.raises(StaleLease) as raised:
        ends[end]()
    assert (raised.value.status, raised.value.code) == (409, "stale_lease")
    finish(fresh, result={"by": "fresh"}, usage=USAGE)
    job.refresh_from_db()
    assert job.result == {"by": "fresh"}
    assert UsageEvent.objects.count() == 1


def test_a_job_finishes_once(scoped: Tenant) -> None:
    taken = start(ask())
    finish(taken, result={}, usage=USAGE)
    with pytest.raises(StaleLease):
        finish(taken, result={}, usage=USAGE)
    assert LedgerTransfer.objects.filter(state="posted", code="generate.echo").count() == 1


def test_a_failure_that_may_pass_is_tried_three_times_then_dead(scoped: Tenant) -> None:
    job = ask()
    for tried in (1, 2, 3):
        again = fail(start(job), code="engine_busy", detail="Try later.", retry=True)
        assert again is (tried < 3)
        assert bool(due("default", 10)) is False  # a retry waits for a while
        Job.objects.filter(pk=job.pk).update(due_at=Now())
    job.refresh_from_db()
    assert (job.state, job.error_code, job.error_detail) == ("dead", "engine_busy", "Try later.")
    assert (balance().reserved, balance().spent_this_month) == (0, 0)


def test_a_failure_that_stays_ends_the_job(scoped: Tenant) -> None:
    job = ask()
    assert fail(start(job), code="invalid", detail="No.", retry=False) is False
    assert (state(job), balance().reserved) == ("failed", 0)


def test_a_worker_that_stops_costs_no_attempt(scoped: Tenant) -> None:
    job = ask()
    for _ in range(5):
        hand_back(start(job))
    job.refresh_from_db()
    assert (job.state, job.tries, job.attempt) == ("queued", 0, 5)
    finish(start(job), result={})


def test_lost_leases_count_as_tries_only_where_a_job_loses_many(
    scoped: Tenant, notified: list[str]
) -> None:
    job = ask()
    for losses in range(MOST_LOSSES + 3):
        assert (job.state, job.tries) == ("queued", max(0, losses - MOST_LOSSES))
        start(job)
        run_out(job)
        recover(job_id=job.pk)
        job.refresh_from_db()
    assert (job.state, job.error_code, balance().reserved) == ("dead", "worker_lost", 0)


def test_a_lease_that_lives_is_not_recovered(scoped: Tenant) -> None:
    job = ask()
    start(job)
    recover(job_id=job.pk)
    assert state(job) == "running"


def test_a_waiting_job_is_cancelled_at_once(scoped: Tenant) -> None:
    assert job_cancel(job=ask()).state == "cancelled"
    assert balance().reserved == 0


def test_a_running_job_is_asked_to_stop_and_pays_for_what_it_made(scoped: Tenant) -> None:
    job = ask()
    taken = start(job)
    assert job_cancel(job=job).cancelling
    assert heartbeat(taken).cancelled
    cancelled(taken, usage=USAGE)
    assert state(job) == "cancelled"
    assert balance().spent_this_month == price(USAGE)


def test_a_cancelled_job_whose_worker_is_gone_ends_cancelled(scoped: Tenant) -> None:
    job = ask()
    start(job)
    job_cancel(job=job)
    run_out(job)
    recover(job_id=job.pk)
    assert (state(job), balance().reserved) == ("cancelled", 0)


def test_a_finished_job_stays_as_it_is_when_cancelled(scoped: Tenant) -> None:
    job = ask()
    finish(start(job), result={})
    assert job_cancel(job=job).state == "succeeded"


def test_several_are_cancelled_at_once(scoped: Tenant) -> None:
    jobs = [ask() for _ in range(3)]
    start(jobs[1])
    changed = jobs_cancel(jobs=Job.objects.active())
    assert sorted(job.state for job in changed) == ["cancelled", "cancelled", "running"]


def test_due_takes_turns_between_workspaces(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        busy = [ask() for _ in range(6)]
        start(busy[0])
    with tenant_scope(other):
        late = [ask() for _ in range(2)]
    found = due("default", 10, share=3)
    assert [tenant for tenant, _ in found] == [
        *(other.pk, acme.pk, other.pk),
        *(acme.pk, acme.pk),
    ]
    assert found[0] == (other.pk, late[0].pk)


def test_due_follows_the_weights_of_workspaces(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        assert Tenant.objects.filter(pk=acme.pk).update(weight=3) == 1
    for tenant in (acme, other):
        with tenant_scope(tenant):
            for _ in range(4):
                ask()
    found = [tenant for tenant, _ in due("default", 10)]
    assert found[:5] == [acme.pk, acme.pk, acme.pk, other.pk, acme.pk]
    with tenant_scope(acme):
        (mine, *_) = (lease for lease in take("default", limit=9, owner="w"))
    assert (mine.tenant_id, mine.weight) == (acme.pk, 3)


def test_a_weight_keeps_within_its_bounds(acme: Tenant) -> None:
    for wrong in (0, 101):
        with pytest.raises(IntegrityError), transaction.atomic(), tenant_scope(acme):
            Tenant.objects.filter(pk=acme.pk).update(weight=wrong)


def test_due_knows_its_queue_and_its_limit(scoped: Tenant) -> None:
    for _ in range(3):
        ask("test.batched")
    assert due("default", 10) == []
    assert len(due("generate", 2)) == 2


def test_take_leases_what_is_due(scoped: Tenant) -> None:
    jobs = {ask().pk for _ in range(3)}
    assert {taken.job_id for taken in take("default", limit=8, owner="test:1")} == jobs
    assert take("default", limit=8, owner="test:1") == []


@pytest.mark.parametrize(
    "nonsense",
    [
        {"state": "running"},
        {"state": "succeeded"},
        {"state": "dead", "finished_at": Now()},
        {"progress": 101},
        {"attempt": 4},
        {"finished_at": Now()},
    ],
)
def test_the_database_refuses_impossible_states(
    nonsense: dict[str, object], scoped: Tenant
) -> None:
    job = ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**nonsense)


def test_jobs_are_found_by_their_kind(scoped: Tenant) -> None:
    ask(), ask(kind="generator.other")
    assert Job.objects.of_kind("generate").count() == 1
    assert Job.objects.of_kind("generate.echo").active().count() == 1
    assert not Job.objects.finished().exists()


def test_what_runs_on_all_queues_counts_against_one_limit(
    scoped: Tenant, other: Tenant, settings: Any
) -> None:
    settings.LIMITS = {"running_jobs": 2}
    jobs = [ask() for _ in range(3)]
    written = ask(kind="test.batched")
    with tenant_scope(other):
        balance()
        foreign = ask()
    start(written), start(jobs[0])
    assert due("default", 10) == [(foreign.tenant_id, foreign.pk)]
    assert lease(tenant_id=scoped.pk, job_id=jobs[1].pk, owner="test:1") is None
    LimitOverride.objects.create(name="running_jobs", value=3)
    assert [job_id for _, job_id in due("default", 10)] == [foreign.pk, jobs[1].pk]
    start(jobs[1])
    LimitOverride.objects.update(value=0)
    assert [job_id for _, job_id in due("default", 10)] == [foreign.pk]


def test_a_job_that_ends_makes_room_for_the_next(scoped: Tenant, settings: Any) -> None:
    settings.LIMITS = {"running_jobs": 1}
    first, second = ask(), ask()
    running = start(first)
    assert due("default", 10) == []
    finish(running, result={}, usage=USAGE)
    assert take("default", limit=5, owner="test:1")[0].job_id == second.pk


def test_many_jobs_cost_the_statements_of_one(
    scoped: Tenant, django_assert_num_queries: Any
) -> None:
    for count in (1, 50):
        orders = [JobOrder("generate.echo", {"n": n}, 10 + n) for n in range(count)]
        with django_assert_num_queries(13):
            jobs = jobs_request(orders=orders)
        assert [job.payload for job in jobs] == [order.payload for order in orders]
        assert [job.reservation.amount for job in jobs] == [order.estimate for order in orders]
        assert all(start(job).job_id == job.pk for job in jobs)


def test_many_jobs_are_asked_for_whole_or_not_at_all(scoped: Tenant, settings: Any) -> None:
    settings.LIMITS = {"queued_jobs": 3}
    orders = [JobOrder("generate.echo", {}, estimate) for estimate in (1, 0, MONTHLY_GRANT)]
    with pytest.raises(InsufficientCredits):
        jobs_request(orders=orders)
    with pytest.raises(QueueFull):
        jobs_request(orders=[*orders[:2], *orders[:2]])
    assert (Job.objects.count(), balance().reserved) == (0, 0)
    assert [job.reservation is None for job in jobs_request(orders=orders[:2])] == [False, True]
