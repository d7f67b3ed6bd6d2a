"""The stream of a brief: everything from the start, from where one stopped, and to the end."""

import asyncio
import json
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.test import AsyncClient
from django.urls import reverse
from redis import Redis

from generation.models import Brand, Brief
from generation.services import brief_request, variant_retry
from tenants.jobs import streams
from tenants.jobs.models import Job
from tenants.jobs.streams import stream_key
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)
Events = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def brief(note: str, acme: Tenant, alice: User) -> Iterator[Brief]:
    with tenant_scope(acme):
        brand = Brand.objects.create(name="Acme")
        yield brief_request(kind=note, fields={"topic": "Anvils fall"}, brand=brand)


async def listen(user: User, brief: Brief, last: str = "", *, then: Any = None) -> Events:
    """What a browser hears until the stream ends; `then` happens once it listens."""
    client = AsyncClient()
    await client.aforce_login(user)
    headers = {"Last-Event-ID": last} if last else {}
    address = reverse("brief-stream", args=["acme", brief.pk])
    answer = await client.get(address, headers=headers)
    assert answer.status_code == 200, answer.status_code
    assert answer["Content-Type"] == "text/event-stream"
    work = asyncio.create_task(sync_to_async(then, thread_sensitive=False)()) if then else None
    async with asyncio.timeout(20):
        body = b"".join([chunk async for chunk in answer.streaming_content])
    if work:
        await work
    return list(events(body.decode()))


def events(body: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            yield lines["event"], lines.get("id", ""), json.loads(lines["data"])


def hear(*args: Any, **kwargs: Any) -> Events:
    """Like `listen`; the request's scope stays its own."""
    return copy_context().run(async_to_sync(listen), *args, **kwargs)


def work() -> None:
    try:
        run_jobs()
    finally:
        connection.close()


def still_running() -> None:
    held = {"state": Job.State.RUNNING, "lease_owner": "w", "lease_until": Now()}
    Job.objects.update(finished_at=None, **held)


def told(heard: Events, name: str, job: object) -> list[dict[str, Any]]:
    return [data for kind, _, data in heard if kind == name and data["job"] == str(job)]


def test_all_variants_come_over_one_connection(alice: User, brief: Brief) -> None:
    heard = hear(alice, brief, then=work)
    for variant in brief.variants.all():
        text = "".join(data["text"] for data in told(heard, "token", variant.job_id))
        assert text == variant.text.strip()
        assert told(heard, "section", variant.job_id)[0]["text"] == "Line"
        assert told(heard, "usage", variant.job_id)[0]["text"] == "2 tokens"
        assert len(told(heard, "done", variant.job_id)) == 1


def test_it_goes_on_where_the_reader_stopped(alice: User, brief: Brief) -> None:
    heard = hear(alice, brief, then=work)
    # As if the workers were still at it: only then is there anything to go on with.
    still_running()
    name, middle, data = next(event for event in heard if event[0] == "token")
    again = hear(alice, brief, middle)
    assert (name, middle, data) not in again
    missed = heard[heard.index((name, middle, data)) + 1 :]
    assert [event for event in again if event[1]] == missed


def test_a_reader_who_comes_late_is_told_only_that_it_is_over(alice: User, brief: Brief) -> None:
    run_jobs()
    heard = hear(alice, brief)
    assert [name for name, _, _ in heard] == ["done"] * 3


def test_a_lost_event_leaves_no_page_waiting(alice: User, brief: Brief, acme: Tenant) -> None:
    run_jobs()
    still_running()
    Redis.from_url(settings.REDIS_URL).delete(stream_key(acme.pk, brief.stream))

    def end() -> None:
        with tenant_scope(acme):
            over = {"state": Job.State.SUCCEEDED, "lease_owner": "", "lease_until": None}
            Job.objects.update(finished_at=Now(), **over)
        connection.close()

    heard = hear(alice, brief, then=end)
    assert [name for name, _, _ in heard] == ["done"] * 3


def test_what_is_written_anew_begins_anew(alice: User, brief: Brief) -> None:
    run_jobs()
    first = brief.variants.get(number=1)
    old = first.job_id
    variant_retry(variant=first)
    heard = hear(alice, brief, then=work)
    assert not told(heard, "token", old)
    first.refresh_from_db()
    assert told(heard, "token", first.job_id)


def test_who_is_removed_hears_no_more(alice: User, brief: Brief, acme: Tenant) -> None:
    def remove() -> None:
        with tenant_scope(acme):
            Membership.objects.filter(user=alice).delete()
        connection.close()

    heard = hear(alice, brief, then=remove)
    assert heard == []


def test_an_open_stream_holds_no_connection(
    alice: User, brief: Brief, monkeypatch: pytest.MonkeyPatch
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
    hear(alice, brief)
    assert held == [False]
