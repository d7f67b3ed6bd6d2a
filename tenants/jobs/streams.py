"""A job's events on their way to readers: one Valkey stream per topic, resumable from any event.

Key `stream:{tenant}:{topic}`; a job has the topic `job:{id}`, or shares the one that its payload
names. Each entry is one event, and its data a JSON object with the `job` and its kind's tags:
    progress {percent, note}         how far it is
    error    {code, detail}          it went wrong
    done     {state}                 nothing more comes for this job
Jobs add events of their own; those that write a text send:
    section  {section}               a new part begins (text shown under it starts anew)
    token    {section, text}         more text; with `logprobs` where they were asked for
    reset    {}                      written anew after a fault: forget what was shown
    usage    {prompt_tokens, completion_tokens}
"""

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any
from uuid import UUID

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import StreamingHttpResponse

from saas.outages import Breaker
from saas.redis_client import redis_client
from tenants.jobs.counters import streams_open
from tenants.jobs.models import Job, JobQuerySet, Lease
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

LIFETIME_S = 3600
RENEW_EVERY_S = 600
LONGEST = 50_000
PAGE = 500
WAIT_S = 5.0
# Longer than a read waits for the next event.
SOCKET_TIMEOUT_S = 3 * WAIT_S
LOOK_EVERY_S = 10.0
# After a failure nothing is published for so long; what readers miss they get from Postgres.
REST_S = 2.0

# What keeps a silent connection open, and how soon a browser comes back to a broken one.
PING = b": ping\n\n"
RETRY = b"retry: 2000\n\n"

# The stream's key, the event's name and its data.
StreamPiece = tuple[str, str, dict[str, Any]]


def stream_key(tenant_id: UUID | str, topic: str) -> str:
    return f"stream:{tenant_id}:{topic}"


def piece(lease: Lease, name: str, data: Mapping[str, Any]) -> StreamPiece:
    """An event of a leased job, as a writer takes it."""
    return (stream_key(lease.tenant_id, lease.topic), name, {**lease.tags, **data})


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event; its id orders it and is where a reader resumes. One without cannot be."""

    id: str
    name: str
    data: dict[str, Any]


class StreamWriter:
    """Publishes events. Raises redis.RedisError where Valkey is away."""

    def __init__(self) -> None:
        self.renewed: set[str] = set()
        self.renewed_since = time.monotonic()
        self.breaker = Breaker(rest_s=REST_S)

    @cached_property
    def client(self) -> redis.Redis:
        return redis_client(socket_timeout=2)

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


@cache
def _writer() -> StreamWriter:
    """One for the process, so that an event does not cost a new connection."""
    return StreamWriter()


def publish(events: list[StreamPiece]) -> None:
    """Tell readers. They are a comfort: a Valkey that is away or hangs never stops the work."""
    writer = _writer()
    if not writer.breaker.admits():
        return
    try:
        writer.publish_all(events)
        writer.breaker.succeeded()
    except redis.RedisError as error:
        writer.breaker.failed()
        logger.warning("stream_lost events=%s error=%s", len(events), type(error).__name__)


async def read(
    client: redis.asyncio.Redis, key: str, *, after: str = "0", wait_s: float = WAIT_S
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


def sse(event: StreamEvent) -> bytes:
    """The event in the browser's EventSource format."""
    body = json.dumps(event.data, ensure_ascii=False)
    prefix = f"id: {event.id}\n" if event.id else ""
    return f"{prefix}event: {event.name}\ndata: {body}\n\n".encode()


def known_id(value: str) -> str:
    """A Last-Event-ID as Valkey takes it; the beginning where it makes no sense."""
    first, _, second = value.partition("-")
    plain = first.isascii() and first.isdigit() and (not second or second.isdigit())
    return value if plain and len(value) < 40 else "0"


def _unchanged(event: StreamEvent) -> StreamEvent:
    return event


class JobEventStream:
    """Follows the jobs of a topic until the last of them is over.

    The events come from Valkey; the database has the last word, so that a lost event leaves no
    reader waiting. No connection to it is held in between. `jobs` gives the jobs, in the tenant's
    scope, and whoever `allowed` says may not read any more hears no more. With `replay` the events
    of jobs that are over are read as well; else their end is all that is told of them.
    """

    def __init__(
        self,
        tenant_id: UUID,
        topic: str,
        jobs: Callable[[], JobQuerySet],
        *,
        replay: bool = True,
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.tenant_id = tenant_id
        self.key = stream_key(tenant_id, topic)
        self.jobs = jobs
        self.replay = replay
        self.allowed = allowed
        self.states: dict[str, str] = {}
        self.ended: set[str] = set()
        self.looked = 0.0

    @classmethod
    def of(cls, job: Job, allowed: Callable[[], bool] = lambda: True) -> "JobEventStream":
        """All events of one job."""
        jobs = partial(Job.objects.filter, pk=job.pk)
        return cls(job.workspace_id, job.topic, jobs, allowed=allowed)

    async def events(self, after: str = "0") -> AsyncIterator[StreamEvent | None]:
        """The jobs' events; None now and then. Raises redis.RedisError where Valkey is away."""
        if not await self.look():
            return
        for end in self._unnoticed() if not self.replay else ():
            yield end
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=SOCKET_TIMEOUT_S)
        try:
            async for event in self._followed(client, after):
                yield event
        finally:
            await client.aclose()

    async def _followed(
        self, client: redis.asyncio.Redis, after: str
    ) -> AsyncIterator[StreamEvent | None]:
        events = follow(client, self.key, after)
        while self._open:
            event = await anext(events)
            if event is None or self._mine(event):
                yield event
            if event is not None and time.monotonic() - self.looked < LOOK_EVERY_S:
                continue
            if not await self.look():
                return
            # While events come, those that tell of an end may be among them.
            for end in self._unnoticed() if event is None else ():
                yield end

    @property
    def _open(self) -> set[str]:
        """The jobs of whose end the reader has not heard."""
        return self.states.keys() - self.ended

    def _mine(self, event: StreamEvent) -> bool:
        job = event.data.get("job")
        mine = job in self._open
        if mine and event.name == "done":
            self.ended.add(str(job))
        return mine

    def _unnoticed(self) -> Iterator[StreamEvent]:
        """That jobs are over, of which no event has told."""
        for job in sorted(self._open):
            if self.states[job] not in Job.ACTIVE:
                self.ended.add(job)
                yield StreamEvent("", "done", {"job": job, "state": self.states[job]})

    @sync_to_async
    def look(self) -> bool:
        """See which jobs there are and how they stand; False for whoever may not read any more."""
        self.looked = time.monotonic()
        try:
            with tenant_scope(self.tenant_id):
                found = self.jobs().values_list("pk", "state")
                self.states = {str(pk): state for pk, state in found}
                return self.allowed()
        finally:
            release_connection()

    async def frames(
        self, after: str, show: Callable[[StreamEvent], StreamEvent] = _unchanged
    ) -> AsyncIterator[bytes]:
        """The events as a browser's EventSource takes them, each as `show` has it."""
        await sync_to_async(release_connection)()
        yield RETRY
        with streams_open().track_inprogress():
            try:
                async for event in self.events(after):
                    yield PING if event is None else sse(show(event))
            except redis.RedisError as error:  # the reader comes back by itself
                logger.warning("stream_away key=%s error=%s", self.key, type(error).__name__)


def release_connection() -> None:
    """Give the database connection back: a stream stays open for minutes."""
    if not connection.in_atomic_block:
        connection.close()


def event_stream_response(frames: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """Server-sent events that no proxy keeps back or stores."""
    response = StreamingHttpResponse(frames, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response
