"""Text as it comes: over real sockets, resumed in the middle, and for many readers at once."""

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.db import connection

from generation.serving.job_kinds import CHAT
from tenants.billing.prices import CREDIT
from tenants.jobs.models import Job
from tenants.jobs.services import job_request
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import key_for
from tests.support.live import working

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = "one two three four five six seven eight nine ten"


def chat_job(tenant: Tenant, text: str = WORDS) -> Job:
    payload = {"messages": [{"role": "user", "content": text}], "max_tokens": 64}
    with tenant_scope(tenant):
        return job_request(kind=CHAT, payload=payload, estimate=CREDIT)


def read(server: str, secret: str, job: Job, *, after: str = "", most: int = 999) -> list[Any]:
    """(id, event, data) of a job's stream, until it ends or so many have come."""
    headers = {"Authorization": f"Bearer {secret}", "Accept": "text/event-stream"}
    headers |= {"Last-Event-ID": after} if after else {}
    found: list[Any] = []
    with httpx.stream(
        "GET", f"{server}/api/v1/jobs/{job.pk}/stream/", headers=headers, timeout=30
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        for frame in frames(answer):
            found.append(frame)
            if len(found) == most:
                break
    return found


def frames(answer: httpx.Response) -> Any:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif line == "" and "event" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


def text_of(events: list[Any]) -> str:
    return "".join(data["text"] for _, name, data in events if name == "token")


def test_a_jobs_text_is_streamed_to_its_end(server: str, acme: Tenant) -> None:
    job = chat_job(acme)
    with working():
        events = read(server, key_for(acme), job)
    assert text_of(events) == WORDS
    assert [name for _, name, _ in events][-2:] == ["usage", "done"]


def test_a_broken_stream_goes_on_where_it_stopped(server: str, acme: Tenant) -> None:
    job, secret = chat_job(acme), key_for(acme)
    with working(pause_s=0.02):
        first = read(server, secret, job, most=5)
        rest = read(server, secret, job, after=first[-1][0])
    assert text_of(first) + text_of(rest) == WORDS
    assert len({event_id for event_id, _, _ in first + rest}) == len(first) + len(rest)


def test_a_reader_who_leaves_does_not_stop_the_job(server: str, acme: Tenant) -> None:
    job, secret = chat_job(acme), key_for(acme)
    with working(pause_s=0.02):
        read(server, secret, job, most=2)
        assert text_of(read(server, secret, job)) == WORDS


def test_a_stream_that_is_not_kept_any_more_is_gone(server: str, acme: Tenant) -> None:
    job, secret = chat_job(acme), key_for(acme)
    with working():
        read(server, secret, job)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    headers = {"Authorization": f"Bearer {secret}"}
    gone = httpx.get(f"{server}/api/v1/jobs/{job.pk}/stream/", headers=headers)
    assert (gone.status_code, gone.json()["code"]) == (410, "stream_expired")


async def one(client: httpx.AsyncClient, number: int) -> str:
    """The text of one streamed chat."""
    body = {
        "model": "echo",
        "stream": True,
        "max_tokens": 64,
        "messages": [{"role": "user", "content": f"reader {number} {WORDS}"}],
    }
    text, ended = "", False
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            ended = ended or line == "data: [DONE]"
            if line.startswith("data: {"):
                for choice in json.loads(line.removeprefix("data: "))["choices"]:
                    text += choice["delta"].get("content") or ""
    return text if ended else f"{text} (broken off)"


async def many(server: str, secret: str, count: int) -> list[Any]:
    limits = httpx.Limits(max_connections=count)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(
        base_url=server, headers=headers, timeout=120, limits=limits
    ) as client:
        asked = (one(client, number) for number in range(count))
        return await asyncio.gather(*asked, return_exceptions=True)


def streams_at_once(server: str, tenant: Tenant, count: int) -> None:
    with working(pause_s=0.01, rows=32):
        texts = asyncio.run(many(server, key_for(tenant), count))
    wrong = [text for number, text in enumerate(texts) if text != f"reader {number} {WORDS}"]
    print(f"attempts={count} failures={len(wrong)}")
    assert wrong == []


def test_twenty_streams_at_once(server: str, acme: Tenant) -> None:
    streams_at_once(server, acme, 20)


@pytest.mark.prove
def test_a_hundred_streams_at_once(server: str, acme: Tenant) -> None:
    streams_at_once(server, acme, 100)


def held_connections() -> int:
    """Database connections of the server that are inside a transaction or waiting."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        )
        return int(cursor.fetchone()[0])


def test_an_open_stream_holds_no_transaction(server: str, acme: Tenant) -> None:
    job, secret = chat_job(acme), key_for(acme)
    reader = threading.Thread(target=read, args=(server, secret, job))
    reader.start()
    reader.join(1)
    assert reader.is_alive()
    assert held_connections() == 0
    with working():
        reader.join(30)
    assert not reader.is_alive()
