"""The plain worker, its notices and the sweeper."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError as DatabaseAway
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from tenants.billing.models import LedgerTransfer
from tenants.billing.prices import price
from tenants.billing.services import balance, reserve
from tenants.jobs import leases, notify, shutdown, sweeper, worker
from tenants.jobs.leases import due
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import MESSAGES, JobKind, registered
from tenants.jobs.services import UNKNOWN_KIND_PATIENCE
from tenants.jobs.worker import Cancelled, Control, Outcome
from tenants.models import Tenant
from tenants.scope import no_scope, tenant_scope
from tests.tenants.jobs.conftest import ask, start, stream_of
from tests.tenants.jobs.handlers import ECHO

pytestmark = pytest.mark.django_db(transaction=True)
DONE = {"prompt_tokens": 10, "completion_tokens": 20}


def work() -> None:
    with no_scope():
        worker.run("default", "test:1")


def test_the_worker_does_what_is_due(scoped: Tenant) -> None:
    jobs = [ask() for _ in range(3)]
    work()
    for job in jobs:
        job.refresh_from_db()
        assert (job.state, job.result) == ("succeeded", {"said": "hello"})


@pytest.mark.parametrize(
    ("kind", "state", "code", "detail"),
    [
        ("generate.refuse", "failed", "validation_failed", "This brief cannot be written."),
        ("generate.unavailable", "queued", "service_unavailable", "The model is loading."),
        ("generate.broken", "queued", "internal_error", MESSAGES["internal_error"]),
        ("generate.cancelled", "cancelled", "", ""),
    ],
)
def test_each_failure_has_its_end(
    kind: str, state: str, code: str, detail: str, scoped: Tenant
) -> None:
    job = ask(kind)
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code, job.error_detail) == (state, code, detail)


def test_what_was_done_until_a_cancel_can_be_charged(scoped: Tenant) -> None:
    def half(lease: Lease, control: Control) -> Outcome:
        raise Cancelled(Outcome({}, DONE))

    with registered(replace(ECHO, name="generate.half", handler=half)):
        job = ask("generate.half")
        work()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert balance().spent_this_month == price(DONE)


def test_a_job_is_charged_by_the_meters_of_its_kind_alone(scoped: Tenant) -> None:
    """A mistake of ours: it is found at the first run, and nothing is charged."""
    with registered(replace(ECHO, name="test.unmetered", meters=())):
        job = ask("test.unmetered")
        work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("queued", "internal_error")
    assert balance().spent_this_month == 0


def test_progress_is_shown_now_and_then_and_at_the_end(scoped: Tenant) -> None:
    def busy(lease: Lease, control: Control) -> Outcome:
        for percent in range(101):
            control.progress(percent, f"step {percent}")
        control.publish("metric", loss=0.5)
        return Outcome({})

    with registered(JobKind(name="generate.busy", label="", handler=busy)):
        job = ask("generate.busy")
        work()
    told = [(name, data) for name, data in stream_of(job)]
    tags = {"job": str(job.pk)}
    assert told == [
        ("progress", {**tags, "percent": 0, "note": "step 0"}),
        ("progress", {**tags, "percent": 100, "note": "step 100"}),
        ("metric", {**tags, "loss": 0.5}),
        ("done", {**tags, "state": "succeeded"}),
    ]


# Two versions of the program on one queue, as in a rolling deploy: only the newer one knows NEW.
NEW = replace(ECHO, name="test.new")


def test_a_kind_of_a_newer_version_is_left_to_it(scoped: Tenant) -> None:
    old = [ask(), ask()]
    with registered(NEW):
        new = ask("test.new")
    old.append(ask())
    work()
    for job in old:
        job.refresh_from_db()
        assert job.state == "succeeded"
    for round_ in range(1, 5):  # more often than there are attempts: none of them counts
        new.refresh_from_db()
        assert (new.state, new.error_code, new.tries) == ("queued", "unknown_kind", 0)
        assert new.handed_back == round_
        Job.objects.update(due_at=Now())
        if round_ < 4:
            work()
    with registered(NEW):
        work()
    new.refresh_from_db()
    assert (new.state, new.error_code) == ("succeeded", "")


def test_a_kind_that_nobody_ever_knows_fails_in_the_end(scoped: Tenant) -> None:
    with registered(NEW):
        job = ask("test.new")
    Job.objects.update(enqueued_at=Now() - UNKNOWN_KIND_PATIENCE)
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "unknown_kind")
    assert balance().reserved == 0


def test_a_handler_that_is_not_there_fails_its_job_alone(scoped: Tenant) -> None:
    with registered(JobKind(name="test.gone", label="", handler="tests.tenants.jobs.nowhere.f")):
        gone, other = ask("test.gone"), ask()
        work()
    gone.refresh_from_db(), other.refresh_from_db()
    assert (gone.state, gone.error_code) == ("queued", "internal_error")
    assert other.state == "succeeded"


def test_a_stopping_worker_hands_its_job_back(
    scoped: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask("generate.stopped")
    worker.perform(start(job))
    job.refresh_from_db()
    assert (job.state, job.tries) == ("queued", 0)


def test_a_stopping_worker_takes_nothing_new(
    scoped: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "_flag", bytearray(1))
    shutdown.announce()
    job = ask()
    work()
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_notice_calls_the_queues_worker(scoped: Tenant) -> None:
    job = ask()
    with no_scope():
        notify.work("default")
    job.refresh_from_db()
    assert job.state == "succeeded"


def test_a_dead_broker_loses_no_job(scoped: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(notify.work, "apply_async", down)
    job = ask()
    with no_scope():
        assert due("default", 9) == [(scoped.pk, job.pk)]


def test_the_sweeper_recovers_and_tells_again(scoped: Tenant, notified: list[str]) -> None:
    job = ask()
    start(job)
    Job.objects.update(lease_until=Now() - timedelta(seconds=1))
    notified.clear()
    with no_scope():
        sweeper.sweep()
    job.refresh_from_db()
    assert (job.state, notified) == ("queued", ["default"])


def test_the_sweeper_tells_of_a_job_whose_notice_was_lost(
    scoped: Tenant, notified: list[str]
) -> None:
    ask("test.batched")
    Job.objects.update(due_at=Now() - timedelta(minutes=1), enqueued_at=Now() - timedelta(hours=1))
    notified.clear()
    sweeper.sweep()
    assert notified == ["generate"]


def test_the_sweeper_expires_reservations(scoped: Tenant) -> None:
    reserve(amount=5, purpose="chat", key="short", timeout_s=0)
    kept = reserve(amount=7, purpose="chat", key="long", timeout_s=3600)
    with no_scope():
        sweeper.sweep()
    assert balance().reserved == 7
    assert LedgerTransfer.objects.get(state="pending", resolution=None) == kept


def test_one_workspace_in_trouble_does_not_hold_up_another(acme: Tenant, other: Tenant) -> None:
    from tenants.billing.models import LedgerAccount

    jobs = {}
    for tenant in (acme, other):
        with tenant_scope(tenant):
            jobs[tenant] = ask("test.once")
            start(jobs[tenant])
            Job.objects.update(lease_until=Now() - timedelta(seconds=1))
    with tenant_scope(acme):
        LedgerAccount.objects.update(blocked=True)
    sweeper.sweep()
    with tenant_scope(other):
        jobs[other].refresh_from_db()
    with tenant_scope(acme):
        jobs[acme].refresh_from_db()
    assert (jobs[acme].state, jobs[other].state) == ("running", "dead")


def test_the_sweepers_thread_starts_works_and_stops() -> None:
    swept: list[int] = []
    thread = sweeper.Sweeper(work=lambda *_: swept.append(1), every=0.01)
    thread.start()
    time.sleep(0.2)
    thread.stop()
    assert len(swept) > 2
    assert not thread.is_alive()


def test_the_sweeper_comes_back_soon_after_an_outage_and_tells_at_once() -> None:
    patiences: list[int] = []

    def work(calm: Callable[[], bool], patience: int) -> None:
        patiences.append(patience)
        if len(patiences) < 4:
            raise DatabaseAway("connection refused")

    thread = sweeper.Sweeper(work=work, every=60)
    thread.start()
    time.sleep(1.5)
    thread.stop()
    assert patiences == [sweeper.PATIENCE_SECONDS, 0, 0, 0]


def test_leases_that_ran_out_in_an_outage_are_left_to_who_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(sweeper.time, "monotonic", lambda: clock[0])
    thread = sweeper.Sweeper()
    calm = []
    for seconds in (0, 4, 2, 5, 60, 4, 2):
        clock[0] += seconds
        calm.append(thread.calm())
    assert calm == [False, False, True, True, False, False, True]


def test_what_a_dead_process_held_is_given_back_at_once(scoped: Tenant) -> None:
    job, kept = ask(), ask()
    dead = str(leases.Owner(leases.this_host(), 2**22 + 1, 0))
    for each, owner in ((job, dead), (kept, leases.this_process())):
        leases.lease(tenant_id=scoped.pk, job_id=each.pk, owner=owner)
    with no_scope():
        sweeper.sweep(calm=lambda: False)
    job.refresh_from_db()
    kept.refresh_from_db()
    assert (job.state, job.tries, job.error_code) == ("queued", 0, "worker_lost")
    assert kept.state == "running"


def test_a_process_is_known_by_its_start_and_not_by_its_number_alone() -> None:
    me = leases.Owner.of(leases.this_process())
    assert me is not None
    assert me.alive
    assert not replace(me, started=me.started - 60).alive
    assert leases.Owner.of("test:1") is None


def test_an_outage_while_it_works_costs_no_attempt(scoped: Tenant) -> None:
    def away(lease: Lease, control: Control) -> Outcome:
        raise DatabaseAway("server closed the connection unexpectedly")

    with registered(JobKind(name="test.away", label="", handler=away)):
        job = ask("test.away")
        worker.perform(start(job))
    job.refresh_from_db()
    assert (job.state, job.tries) == ("queued", 0)
