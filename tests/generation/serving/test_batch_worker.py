"""The batch worker: jobs go through the engine, tokens to the stream, ends to Postgres."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from safetensors.torch import load_file, save_file

from generation.engine import load
from generation.engine.echo import EchoEngine
from generation.engine.types import EngineError, Event, Failed, GenerationRequest, Token
from generation.models import Brief
from generation.presentation.failures import USER_MESSAGES
from generation.serving.batch_worker import BEAT_EVERY_S, BatchWorker
from generation.serving.commits import ThreadExecutor
from generation.serving.job_kinds import CHAT, COMPLETION, QUEUE
from tenants.billing.prices import CREDIT
from tenants.billing.services import balance
from tenants.jobs.models import Job
from tenants.jobs.registry import JobKind, registered
from tenants.jobs.services import job_cancel, job_request
from tenants.jobs.streams import LIFETIME_S, stream_key
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.engine.toys import write_toy
from tests.support.live import SlowEcho
from tests.support.live import test_database_url as connection_url

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "one two three four five six seven eight nine ten"


def chat(tenant: Tenant, text: str = "Say hello", **payload: Any) -> Job:
    with tenant_scope(tenant):
        return job_request(
            kind=CHAT,
            payload={"messages": [{"role": "user", "content": text}], "max_tokens": 16, **payload},
            estimate=CREDIT,
        )


def run_jobs() -> None:
    BatchWorker(EchoEngine(), QUEUE).run()


def again(job: Job) -> Job:
    with tenant_scope(job.tenant_id):
        return Job.objects.get(pk=job.pk)


def events(job: Job) -> list[tuple[str, dict[str, Any]]]:
    key = stream_key(job.tenant_id, f"job:{job.pk}")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return [(f[b"e"].decode(), json.loads(f[b"d"])) for _, f in client.xrange(key)]


def test_it_answers_jobs_of_several_tenants_and_charges_each(acme: Tenant, other: Tenant) -> None:
    jobs = [chat(acme), chat(other), chat(acme)]
    run_jobs()
    assert [again(job).state for job in jobs] == [Job.State.SUCCEEDED] * 3
    for tenant in (acme, other):
        with tenant_scope(tenant):
            assert balance().reserved == 0
            assert balance().spent_this_month > 0


def test_the_stream_holds_the_whole_answer(acme: Tenant) -> None:
    job = chat(acme)
    run_jobs()
    names = [name for name, _ in events(job)]
    text = "".join(data["text"] for name, data in events(job) if name == "token")
    assert text == again(job).result["choices"][0]["text"]
    assert names[0] == "section"
    assert names[-2:] == ["usage", "done"]


def test_what_is_written_between_two_looks_comes_as_one_piece(acme: Tenant) -> None:
    job = chat(acme, text="one two three four five six seven eight", max_tokens=64)
    run_jobs()
    pieces = [data["text"] for name, data in events(job) if name == "token"]
    assert "".join(pieces) == again(job).result["choices"][0]["text"]
    assert len(pieces) < again(job).result["completion_tokens"]


def test_every_stream_is_forgotten_in_the_end(acme: Tenant) -> None:
    job = chat(acme)
    run_jobs()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert 0 < client.ttl(stream_key(acme.pk, f"job:{job.pk}")) <= LIFETIME_S


def test_all_jobs_give_one_sign_of_life_when_it_is_time(acme: Tenant, other: Tenant) -> None:
    jobs = [chat(acme), chat(acme), chat(other)]
    made = BatchWorker(EchoEngine(rows=4), QUEUE)
    assert made._admit() == 3
    before = [again(job).heartbeat_at for job in jobs]
    made._beat()
    assert [again(job).heartbeat_at for job in jobs] == before
    made.beaten -= BEAT_EVERY_S
    with CaptureQueriesContext(connection) as asked:
        made._beat()
    assert len(asked) == 1
    assert all(again(job).heartbeat_at > then for job, then in zip(jobs, before, strict=True))
    made._hand_back()


def test_only_what_is_to_stop_is_stopped(acme: Tenant, other: Tenant) -> None:
    jobs = [chat(acme), chat(acme), chat(other)]
    made = BatchWorker(EchoEngine(rows=4), QUEUE)
    assert made._admit() == 3
    with tenant_scope(other):
        job_cancel(job=jobs[2])
    made.beaten -= BEAT_EVERY_S
    made._beat()
    stopped = {run.lease.job_id for run in made.running.values() if run.cancelled}
    assert stopped == {jobs[2].pk}
    made._hand_back()


def test_what_another_worker_was_given_is_dropped(acme: Tenant) -> None:
    lost, kept = chat(acme), chat(acme)
    made = BatchWorker(EchoEngine(rows=4), QUEUE)
    made._admit()
    with tenant_scope(acme):
        Job.objects.filter(pk=lost.pk).update(attempt=2)
    made.beaten -= BEAT_EVERY_S
    made._beat()
    assert [run.lease.job_id for run in made.running.values()] == [kept.pk]
    made._hand_back()


class Told(EchoEngine):
    """The worker is told to stop once the first words were written."""

    def __init__(self, told: list[bool]) -> None:
        super().__init__(rows=4)
        self.told = told

    def step(self) -> list[Event]:
        events = super().step()
        self.told += [True] * any(isinstance(event, Token) for event in events)
        return events


def test_a_worker_told_to_stop_ends_the_answers_that_are_read_already(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, told = chat(acme, text="one two three four five six", max_tokens=64), []
    monkeypatch.setattr("generation.serving.batch_worker.shutting_down", lambda: bool(told))
    BatchWorker(Told(told), QUEUE).run()
    assert (again(answer).state, again(answer).tries) == (Job.State.SUCCEEDED, 1)


def test_the_time_to_drain_has_an_end_too(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, told = chat(acme, text="one two three four five six", max_tokens=64), []
    monkeypatch.setattr("generation.serving.batch_worker.shutting_down", lambda: bool(told))
    monkeypatch.setattr("generation.serving.batch_worker.DRAIN_TIMEOUT_S", 0.0)
    BatchWorker(Told(told), QUEUE).run()
    assert (again(answer).state, again(answer).tries) == (Job.State.QUEUED, 0)


def test_a_cancelled_job_ends_and_releases_its_credits(acme: Tenant) -> None:
    job = chat(acme)
    with tenant_scope(acme):
        job_cancel(job=job)
    run_jobs()
    assert again(job).state == Job.State.CANCELLED
    with tenant_scope(acme):
        assert balance().reserved == 0
    assert events(job)[-1] == ("done", {"job": str(job.pk), "state": "cancelled"})


def test_a_request_outside_its_limits_fails_alone(acme: Tenant) -> None:
    bad, good = chat(acme, max_tokens=0), chat(acme)
    run_jobs()
    assert again(bad).state == Job.State.FAILED
    assert again(good).state == Job.State.SUCCEEDED


class Small(EchoEngine):
    """Has no room for any prompt."""

    def submit(self, request: GenerationRequest) -> None:
        raise EngineError("context_length_exceeded", "90 tokens are too many.")


def test_people_read_what_to_do_and_programs_the_numbers(acme: Tenant, brief: Brief) -> None:
    job = chat(acme)
    BatchWorker(Small(), QUEUE).run()
    assert again(job).error_detail == "90 tokens are too many."
    with tenant_scope(acme):
        words = {variant.error for variant in brief.variants.all()}
    assert words == {USER_MESSAGES["context_length_exceeded"]}


def test_66_numbers_that_are_not_finite_fail_the_job_and_cost_nothing(
    acme: Tenant, tmp_path: Path
) -> None:
    """The real engine, over weights of which one is not a number."""
    write_toy(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.norm.weight"][0] = math.nan
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    job, engine = chat(acme), load("local", model=tmp_path, threads=1, context=128)
    with tenant_scope(acme):
        assert balance().reserved == CREDIT
    BatchWorker(engine, QUEUE).run()
    engine.close()
    failed = again(job)
    assert (failed.state, failed.error_code) == (Job.State.FAILED, "model_numerical_error")
    assert failed.attempt == 1
    with tenant_scope(acme):
        assert balance().reserved == balance().spent_this_month == 0
    assert [name for name, _ in events(job)] == ["section", "error", "done"]


def test_what_no_database_can_hold_is_marked_and_stops_nobody(acme: Tenant, other: Tenant) -> None:
    """A model may write a NUL, and a distant server half a surrogate pair."""
    odd, plain = chat(acme, "odd"), chat(other, "plain")
    engine = EchoEngine(reply=lambda asked: {"odd": "a\0 b\ud800 c"}.get(last(asked), "fine"))
    BatchWorker(engine, QUEUE).run()
    texts = [again(job).result["choices"][0]["text"] for job in (odd, plain)]
    assert texts == ["a\ufffd b\ufffd c", "fine"]
    streamed = [data["text"] for name, data in events(odd) if name == "token"]
    assert "".join(streamed) == texts[0]


def last(request: GenerationRequest) -> str:
    return request.messages[-1].content


def test_a_full_engine_makes_room_for_a_workspace_of_which_nothing_runs(
    acme: Tenant, other: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.serving.batch_worker.LOOK_EVERY_S", 0.0)
    write_toy(tmp_path)
    engine = load("local", model=tmp_path, threads=1, rows=2)
    step, steps = engine.step, iter(range(100_000))
    long = [chat(acme, max_tokens=300, min_tokens=300) for _ in range(3)]
    late: list[Job] = []

    def and_then_another_comes() -> list[Event]:
        if next(steps) == 60:
            late.append(chat(other, max_tokens=5, min_tokens=5))
        return step()

    monkeypatch.setattr(engine, "step", and_then_another_comes)
    BatchWorker(engine, QUEUE).run()
    preemptions = engine.stats().preemptions
    engine.close()
    ends = [again(job) for job in (*late, *long)]
    assert [job.state for job in ends] == [Job.State.SUCCEEDED] * 4
    assert preemptions == 1
    assert all(ends[0].finished_at < job.finished_at for job in ends[1:])
    assert [job.result["completion_tokens"] for job in ends] == [5, 300, 300, 300]


def test_a_kind_of_another_version_waits_and_stops_nobody(acme: Tenant) -> None:
    """As in a rolling deploy: the newer web orders what the older worker does not know."""
    kind = replace(COMPLETION, name="test.newer")
    payload = {"messages": [{"role": "user", "content": WORDS}], "max_tokens": 16}
    with tenant_scope(acme), registered(kind):
        newer = job_request(kind="test.newer", payload=payload, estimate=0)
    known = chat(acme, "One two")
    run_jobs()
    assert again(known).state == Job.State.SUCCEEDED
    found = again(newer)
    assert (found.state, found.error_code, found.tries) == (Job.State.QUEUED, "unknown_kind", 0)
    with tenant_scope(acme):
        Job.objects.filter(pk=newer.pk).update(due_at=Now())
    with registered(kind):
        run_jobs()
    assert again(newer).state == Job.State.SUCCEEDED


def test_a_handler_that_cannot_be_loaded_fails_its_own_job_alone(acme: Tenant) -> None:
    with registered(JobKind(name="test.broken", label="", handler="no.where", queue=QUEUE)):
        with tenant_scope(acme):
            broken = job_request(kind="test.broken", payload={}, estimate=0)
        known = chat(acme, "One two")
        run_jobs()
    assert again(known).state == Job.State.SUCCEEDED
    assert again(broken).error_code == "internal_error"


class Interrupted(EchoEngine):
    """While it writes, the database ends every connection of the app's, several times."""

    steps = 0

    def step(self) -> list[Event]:
        self.steps += 1
        time.sleep(0.01)
        if self.steps % 5 == 0:
            end_connections()
        return super().step()


def end_connections() -> None:
    with psycopg.connect(connection_url(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND usename = current_user"
        )


def test_a_database_that_comes_and_goes_costs_no_attempt(
    acme: Tenant, other: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.serving.batch_worker.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("generation.serving.batch_worker.BEAT_EVERY_S", 0.0)
    jobs = [chat(tenant, WORDS, max_tokens=64) for tenant in (acme, other) * 6]
    engine = Interrupted(rows=4)
    while any(again(job).active for job in jobs):
        connection.close()
        BatchWorker(engine, QUEUE, executor=ThreadExecutor()).run()
        connection.close()
    assert engine.steps > 10
    ends = [(job.state, job.attempt) for job in map(again, jobs)]
    assert ends == [(Job.State.SUCCEEDED, 1)] * len(jobs)


def test_an_answer_whose_web_process_is_gone_is_stopped_alone(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.jobs.readers.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("tenants.jobs.readers.GONE_AFTER_S", 0.1)
    here, gone = chat(acme, WORDS * 9, reader="here"), chat(acme, WORDS * 9, reader="gone")
    kept = chat(acme, WORDS * 9)
    with redis.Redis.from_url(settings.REDIS_URL).pubsub() as subscription:
        subscription.subscribe("readers:here")
        BatchWorker(SlowEcho(0.05), QUEUE).run()
    states = [again(job).state for job in (here, gone, kept)]
    assert states == [Job.State.SUCCEEDED, Job.State.CANCELLED, Job.State.SUCCEEDED]


def test_the_choices_of_a_prompt_are_written_together_and_read_it_once(acme: Tenant) -> None:
    """Eight choices take as many steps as one, and cost its prompt once."""
    (one, eight), steps = (chat(acme, WORDS, n=n, max_tokens=64) for n in (1, 8)), []

    class Counting(EchoEngine):
        def step(self) -> list[Event]:
            steps.append(len(self.sequences))
            return super().step()

    BatchWorker(Counting(rows=9), QUEUE).run()
    first, all_of_them = again(one).result, again(eight).result
    assert len(steps) == 10
    assert all_of_them["prompt_tokens"] == first["prompt_tokens"] == 10
    assert all_of_them["completion_tokens"] == 8 * first["completion_tokens"]
    assert [choice["index"] for choice in all_of_them["choices"]] == list(range(8))


class Unwilling(EchoEngine):
    """Writes one of the choices and fails another."""

    def submit(self, request: GenerationRequest) -> None:
        super().submit(request)
        if request.id.endswith(":1"):
            self.sequences[request.id] = Failed(request.id, "output_blocked", "No.", retry=False)


def test_a_choice_that_fails_ends_the_others_and_costs_nothing(acme: Tenant) -> None:
    job, engine = chat(acme, WORDS, n=3, max_tokens=64), Unwilling()
    BatchWorker(engine, QUEUE).run()
    assert (again(job).state, again(job).cost) == (Job.State.FAILED, 0)
    assert [name for name, _ in events(job)][-2:] == ["error", "done"]
    assert all(each.cancelled for each in engine.sequences.values())
