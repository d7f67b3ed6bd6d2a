"""Following one job's text: events from Valkey, with the database as the last word."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

from generation.job_kinds import label, topic
from generation.streams import PING, StreamEvent, follow, sse, stream_key
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

# Longer than a read waits for the next event.
SOCKET_TIMEOUT_S = 15.0

# How each event of a stream is described.
EVENT = {
    "type": "object",
    "description": "One server-sent event; its `data` is JSON.",
    "required": ["data"],
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string"},
    },
}


class EventStreamRenderer(BaseRenderer):
    """Lets callers ask for an event stream by its media type; the stream is made elsewhere."""

    media_type = "text/event-stream"
    format = "sse"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return str(data).encode()


class Watch:
    """Follows a job until it is over. No database connection is held in between."""

    def __init__(self, job: Job) -> None:
        self.tenant_id = job.workspace_id
        self.job_id = job.pk
        self.key = stream_key(job.workspace_id, topic(job.pk, job.payload))
        self.mark = label(job.pk, job.payload)

    @sync_to_async
    def job(self) -> Job:
        """The job as it is now."""
        return self._find()

    @sync_to_async
    def cancel(self) -> None:
        """Have the work stopped, because nobody reads it any more."""
        with tenant_scope(self.tenant_id):
            job_cancel(job=self._find())
        release_connection()

    def _find(self) -> Job:
        try:
            with tenant_scope(self.tenant_id):
                job: Job = Job.objects.get(pk=self.job_id)
                return job
        finally:
            release_connection()

    async def events(self, after: str = "0") -> AsyncIterator[StreamEvent | None]:
        """The job's events; None now and then. It ends when the job is over."""
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=SOCKET_TIMEOUT_S)
        try:
            async for event in follow(client, self.key, after):
                if event is None:
                    yield None
                    if not (await self.job()).active:
                        return
                elif self._mine(event):
                    yield event
                    if event.name == "done":
                        return
        finally:
            await client.aclose()

    def _mine(self, event: StreamEvent) -> bool:
        return all(event.data.get(name) == value for name, value in self.mark.items())

    async def frames(self, after: str) -> AsyncIterator[bytes]:
        """The events as a browser's EventSource takes them."""
        await sync_to_async(release_connection)()
        yield PING
        try:
            async for event in self.events(after):
                yield PING if event is None else sse(event)
        except redis.RedisError as error:  # the reader comes back by itself
            log.warning("stream_away job=%s error=%s", self.job_id, type(error).__name__)


def release_connection() -> None:
    """Give the database connection back: a stream stays open for minutes."""
    if not connection.in_atomic_block:
        connection.close()


def event_stream(frames: AsyncIterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(frames, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response
