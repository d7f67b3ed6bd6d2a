"""A job's events reach its readers, whatever its kind, and end for those who may not read on."""

import asyncio
import json
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.test import AsyncClient
from django.urls import reverse

from tenants.jobs import streams
from tenants.jobs.models import Job
from tenants.jobs.services import fail, finish
from tenants.jobs.streams import PING, StreamEvent, known_id, piece, publish, sse
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope
from tests.tenants.jobs.conftest import ask, start

pytestmark = pytest.mark.django_db(transaction=True)
Heard = list[tuple[str, dict[str, Any]]]


async def listen(user: User, job: Job, then: Callable[[], object] | None = None) -> Heard:
    """What a page hears until the stream ends; `then` happens once it listens."""
    client = AsyncClient()
    await client.aforce_login(user)
    answer = await client.get(reverse("job-stream", args=["acme", job.pk]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    work = asyncio.create_task(sync_to_async(then, thread_sensitive=False)()) if then else None
    async with asyncio.timeout(20):
        body = b"".join([chunk async for chunk in answer.streaming_content]).decode()
    if work:
        await work
    blocks = (
        dict(line.split(": ", 1) for line in each.splitlines()) for each in body.split("\n\n")
    )
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


def hear(*args: Any) -> Heard:
    """Like `listen`; the test's scope stays its own."""
    return copy_context().run(async_to_sync(listen), *args)


def test_a_page_follows_a_job_of_any_kind(scoped: Tenant, bob: User) -> None:
    job = ask()
    tags = {"job": str(job.pk)}

    def work() -> None:
        with tenant_scope(scoped):
            lease = start(job)
            publish([piece(lease, "progress", {"percent": 50, "note": "half way"})])
            finish(lease, result={})
        connection.close()

    assert hear(bob, job, work) == [
        ("progress", {**tags, "percent": 50, "note": "half way"}),
        ("done", {**tags, "state": "succeeded"}),
    ]


def test_it_tells_why_a_job_failed_also_afterwards(scoped: Tenant, bob: User) -> None:
    job = ask()
    fail(start(job), code="out_of_memory", detail="Too large.", retry=False)
    (error, wrong), (done, _) = hear(bob, job)
    assert (error, wrong["code"], wrong["detail"]) == ("error", "out_of_memory", "Too large.")
    assert done == "done"


def test_the_database_has_the_last_word(
    scoped: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.jobs.receivers.publish", lambda events: None)
    job = ask()
    finish(start(job), result={})
    assert hear(bob, job) == [("done", {"job": str(job.pk), "state": "succeeded"})]


def test_who_is_removed_hears_no_more(scoped: Tenant, bob: User) -> None:
    def remove() -> None:
        with tenant_scope(scoped):
            Membership.objects.filter(user=bob).delete()
        connection.close()

    assert hear(bob, ask(), remove) == []


def test_a_reader_holds_no_connection(
    scoped: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []

    @sync_to_async
    def look() -> None:
        held.append(connection.connection is not None)

    async def follow(*args: Any) -> Any:
        await look()
        raise streams.redis.RedisError("away")
        yield

    monkeypatch.setattr(streams, "follow", follow)
    hear(bob, ask())
    assert held == [False]


def test_work_goes_on_where_valkey_is_away(
    scoped: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    streams._writer.cache_clear()
    job = ask()
    finish(start(job), result={})
    streams._writer.cache_clear()
    job.refresh_from_db()
    assert job.state == "succeeded"


def test_an_event_in_the_browsers_format() -> None:
    assert (
        sse(StreamEvent("1-0", "done", {"é": 1}))
        == 'id: 1-0\nevent: done\ndata: {"é": 1}\n\n'.encode()
    )
    assert sse(StreamEvent("", "done", {})).startswith(b"event: done\n")
    assert PING.startswith(b":")


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("1-0", "1-0"),
        ("17", "17"),
        ("", "0"),
        ("$", "0"),
        ("1-x", "0"),
        ("٣", "0"),
        ("9" * 50, "0"),
    ],
)
def test_only_an_id_is_gone_on_from(value: str, known: str) -> None:
    assert known_id(value) == known
