"""The executor: ends are committed in order beside the engine; one that fails stops no other."""

import threading
from typing import Any

import pytest
from django.db import IntegrityError

from generation.engine.echo import EchoEngine
from generation.serving import batch_worker
from generation.serving.batch_worker import BatchWorker
from generation.serving.commits import ThreadExecutor
from generation.serving.job_kinds import QUEUE
from tenants.jobs.models import Job
from tenants.models import Tenant
from tests.generation.serving.test_batch_worker import again, chat, events

pytestmark = pytest.mark.django_db(transaction=True)


def test_tasks_are_done_in_their_order_by_another_thread() -> None:
    executor, done = ThreadExecutor(), []
    for number in range(20):
        executor.submit(lambda number=number: done.append((number, threading.get_ident())))
    executor.shutdown()
    assert [number for number, _ in done] == list(range(20))
    assert {thread for _, thread in done} != {threading.get_ident()}


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
