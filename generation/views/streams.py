"""One connection for all variants of a brief: what is written reaches the page as it comes."""

import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, transaction
from django.http import Http404, StreamingHttpResponse
from django.utils import translation
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from generation.issues import part_label
from generation.kinds.base import Kind
from generation.models import Brief, Variant
from generation.streams import PING, StreamEvent, follow, known_id, stream_key
from generation.views.base import PortalRequest
from tenants.models import Membership
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
# Longer than a read waits for the next event.
SOCKET_TIMEOUT_S = 15.0
RETRY = b"retry: 2000\n\n"


@transaction.non_atomic_requests
@require_GET
async def brief_stream(request: PortalRequest, slug: str, pk: UUID) -> StreamingHttpResponse:
    """Server-sent events of a brief; the browser says by Last-Event-ID where it stopped."""
    watch = Watch(request, pk)
    await watch.begin()
    after = known_id(request.headers.get("Last-Event-ID", "0"))
    response = StreamingHttpResponse(watch.frames(after), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


class Watch:
    """Follows the running jobs of a brief until the last of them is over.

    The events come from Valkey; the database has the last word, so that a lost event leaves
    no page waiting. No connection to it is held in between.
    """

    def __init__(self, request: PortalRequest, pk: UUID) -> None:
        self.membership_id = request.membership.pk
        self.tenant_id = request.tenant.pk
        self.brief_id = pk
        self.language = translation.get_language() or "en"
        self.running: set[str] = set()
        self.over: set[str] = set()
        self.looked = time.monotonic()

    @sync_to_async
    def begin(self) -> None:
        with tenant_scope(self.tenant_id):
            brief = Brief.objects.filter(pk=self.brief_id).first()
            if brief is None:
                raise Http404
            self.kind = brief.form
            self.key = stream_key(self.tenant_id, brief.stream)
            self._look()

    @sync_to_async
    def look(self) -> bool:
        """See which jobs still run; False for a reader who is no member any more."""
        self.looked = time.monotonic()
        try:
            with tenant_scope(self.tenant_id):
                self._look()
                return bool(Membership.objects.filter(pk=self.membership_id).exists())
        finally:
            connection.close()

    def _look(self) -> None:
        jobs = Variant.objects.filter(brief_id=self.brief_id).exclude(job=None)
        running = jobs.unfinished().values_list("job_id", flat=True)
        self.running = {str(job) for job in running} - self.over
        self.ended = {str(job) for job in jobs.values_list("job_id", flat=True)} - self.running

    async def frames(self, after: str) -> AsyncIterator[bytes]:
        await release()
        yield RETRY
        for frame in self._news():
            yield frame
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=SOCKET_TIMEOUT_S)
        try:
            async for frame in self._follow(client, after):
                yield frame
        except redis.RedisError as error:  # the browser comes back by itself
            log.warning("stream.away", extra={"error": str(error)})
        finally:
            await client.aclose()

    async def _follow(self, client: redis.asyncio.Redis, after: str) -> AsyncIterator[bytes]:
        events = follow(client, self.key, after)
        while self.running:
            event = await anext(events)
            if event is None:
                yield PING
            elif event.data.get("job") in self.running:
                yield self._frame(event)
            if event is None or time.monotonic() - self.looked > LOOK_EVERY_S:
                if not await self.look():
                    return
                for frame in self._news():
                    yield frame

    def _news(self) -> list[bytes]:
        """That jobs are over, for which no event has said so here."""
        fresh, self.over = self.ended - self.over, self.over | self.ended
        return [frame("done", {"job": job}) for job in sorted(fresh)]

    def _frame(self, event: StreamEvent) -> bytes:
        if event.name == "done":
            self.running.discard(event.data["job"])
            self.over.add(event.data["job"])
        with translation.override(self.language):
            text = said(event, self.kind)
        return frame(event.name, {**event.data, "text": text}, event.id)


@sync_to_async
def release() -> None:
    """Give the request's connection back; its thread is the one that looks it up."""
    connection.close()


def said(event: StreamEvent, kind: Kind) -> str:
    """What the reader sees of an event."""
    data = event.data
    match event.name:
        case "section":
            return part_label(kind, data.get("section", ""))
        case "usage":
            count = data.get("completion_tokens", 0)
            return ngettext("{n} token", "{n} tokens", count).format(n=count)
        case "error":
            return str(data.get("detail", ""))
        case _:
            return str(data.get("text", ""))


def frame(name: str, data: dict[str, Any], event_id: str = "") -> bytes:
    """An event in the browser's EventSource format; one without an id cannot be resumed from."""
    body = json.dumps(data, ensure_ascii=False)
    prefix = f"id: {event_id}\n" if event_id else ""
    return f"{prefix}event: {name}\ndata: {body}\n\n".encode()
