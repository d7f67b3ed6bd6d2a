"""The executor: ends are committed in order beside the engine; one that fails stops no other."""

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from generation.engine.echo import EchoEngine
from generation.serving import batch_worker, commits
from generation.serving.batch_worker import BatchWorker
from generation.serving.commits import ThreadExecutor
from generation.serving.job_kinds import QUEUE
from tenants.jobs.models import Job, Lease
from tenants.models import Tenant
from tests.generation.serving.test_batch_worker import again, chat, events

pytestmark = pytest.mark.django_db(transaction=True)


def lease_of(number: int) -> Lease:
    return Lease(UUID(int=0), UUID(int=number), 1, "test", {})


def test_ends_are_stored_in_their_order_by_another_thread() -> None:
    executor, done = ThreadExecutor(), []

    def commit(lease: Lease) -> None:
        done.append((lease.job_id.int, threading.get_ident()))

    for number in range(20):
        executor.end(commit, lease_of(number), {})
    executor.shutdown()
    assert [number for number, _ in done] == list(range(20))
    assert {thread for _, thread in done} != {threading.get_ident()}
    assert executor.held() == []


def test_leases_are_held_until_their_ends_are_stored() -> None:
    executor, may_end = ThreadExecutor(), threading.Event()
    executor.end(lambda lease: may_end.wait(10), lease_of(1), {})
    executor.end(lambda lease: None, lease_of(2), {})
    assert [lease.job_id.int for lease in executor.held()] == [1, 2]
    may_end.set()
    executor.shutdown()
    assert executor.held() == []


def test_a_valkey_that_hangs_keeps_no_text_from_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    executor, hangs, stored = ThreadExecutor(), threading.Event(), threading.Event()
    monkeypatch.setattr(commits, "publish", lambda events: hangs.wait(10))
    monkeypatch.setattr(commits, "PUBLISH_WAIT_S", 0.05)
    executor.publish([("stream", "token", {})])
    executor.end(lambda lease: stored.set(), lease_of(1), {})
    assert stored.wait(5)
    hangs.set()
    executor.shutdown()


def test_an_end_is_stored_once_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = iter([OperationalError("refused"), InterfaceError("closed"), None])

    def commit(lease: Lease) -> None:
        if error := next(tries):
            raise error

    executor = ThreadExecutor()
    executor.end(commit, lease_of(1), {})
    executor.shutdown()
    assert list(tries) == []


def test_all_ends_are_written_when_the_pump_comes_back(acme: Tenant, other: Tenant) -> None:
    jobs = [chat(acme), chat(other), chat(acme)]
    assert BatchWorker(EchoEngine(), QUEUE, executor=ThreadExecutor()).run() == 3
    assert {again(job).state for job in jobs} == {Job.State.SUCCEEDED}
    for job in jobs:
        names = [name for name, _ in events(job)]
        text = "".join(data["text"] for name, data in events(job) if name == "token")
        assert names[-2:] == ["usage", "done"]
        assert text == again(job).result["choices"][0]["text"]


def test_an_end_that_cannot_be_written_is_left_to_its_lease(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lost, kept = chat(acme), chat(acme)
    original = batch_worker.jobs.finish

    def broken(lease: Any, **values: Any) -> None:
        if lease.job_id == lost.pk:
            raise IntegrityError("as the database might say")
        original(lease, **values)

    monkeypatch.setattr(batch_worker.jobs, "finish", broken)
    BatchWorker(EchoEngine(), QUEUE, executor=ThreadExecutor()).run()
    assert [again(job).state for job in (lost, kept)] == [Job.State.RUNNING, Job.State.SUCCEEDED]
    assert f"end_lost job={lost.pk}" in caplog.text
