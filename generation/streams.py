"""Tokens on their way to readers: one Valkey stream per topic, resumable from any event.

Key `stream:{tenant}:{topic}`. Each entry is one event, and its data a JSON object:
    section  {variant, section}          a new part begins (text shown under it starts anew)
    token    {variant, section, text}    more text; with `logprobs` where they were asked for
    reset    {variant}                   written anew after a fault: forget what was shown
    usage    {variant, prompt_tokens, completion_tokens}
    error    {variant, ...problem}       it went wrong
    done     {variant, state}            nothing more comes for this variant
An event about a variant also names its `job`, which tells a variant written anew from its first
try. A stream with one text only (a chat) leaves both out; its topic is `job:{id}`.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings

LIFETIME_S = 3600
RENEW_EVERY_S = 600
LONGEST = 50_000
PAGE = 500

# The stream's key, the event's name and its data.
StreamPiece = tuple[str, str, dict[str, Any]]


def stream_key(tenant_id: UUID | str, topic: str) -> str:
    return f"stream:{tenant_id}:{topic}"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event; its id orders it and is where a reader resumes."""

    id: str
    name: str
    data: dict[str, Any]


class StreamWriter:
    """Publishes events. Readers are a comfort: a Valkey that is away never stops the writing."""

    def __init__(self) -> None:
        self.renewed: set[str] = set()
        self.renewed_since = time.monotonic()

    @cached_property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)

    def publish(self, tenant_id: UUID | str, topic: str, name: str, data: dict[str, Any]) -> None:
        self.publish_all([(stream_key(tenant_id, topic), name, data)])

    def publish_all(self, events: Iterable[StreamPiece]) -> None:
        """Append (key, name, data) events in one round trip."""
        pipe = self.client.pipeline(transaction=False)
        keys = set()
        for key, name, data in events:
            body = json.dumps(data, ensure_ascii=False)
            pipe.xadd(key, {"e": name, "d": body}, maxlen=LONGEST, approximate=True)
            keys.add(key)
        aged = self._aged(keys)
        for key in aged:
            pipe.expire(key, LIFETIME_S)
        pipe.execute()
        self.renewed |= aged

    def _aged(self, keys: set[str]) -> set[str]:
        """Those whose lifetime is to begin anew; not with each of their many events."""
        now = time.monotonic()
        if now - self.renewed_since >= RENEW_EVERY_S:
            self.renewed, self.renewed_since = set(), now
        return keys - self.renewed


async def read(
    client: redis.asyncio.Redis, key: str, *, after: str = "0", wait_s: float = 5.0
) -> list[StreamEvent]:
    """The events after an id: at once when there are some, else after a wait, or none."""
    # Its type tells the replies of both protocols, and of the client's two ways to read them.
    found: Any = await client.xread({key: after}, count=PAGE, block=int(wait_s * 1000))
    if not found:
        return []
    return [
        StreamEvent(id_.decode(), fields[b"e"].decode(), json.loads(fields[b"d"]))
        for id_, fields in found[0][1]
    ]


def sse(event: StreamEvent) -> bytes:
    """The event in the browser's EventSource format."""
    body = json.dumps(event.data, ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.name}\ndata: {body}\n\n".encode()


PING = b": ping\n\n"


def known_id(value: str) -> str:
    """A Last-Event-ID as Valkey takes it; the beginning where it makes no sense."""
    first, _, second = value.partition("-")
    plain = first.isascii() and first.isdigit() and (not second or second.isdigit())
    return value if plain and len(value) < 40 else "0"


async def follow(
    client: redis.asyncio.Redis, key: str, after: str
) -> AsyncIterator[StreamEvent | None]:
    """All events after an id for as long as the caller cares; None whenever nothing came."""
    last = after
    while True:
        events = await read(client, key, after=last)
        for event in events:
            yield event
            last = event.id
        if not events:
            yield None
