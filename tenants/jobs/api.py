"""Jobs by API: what runs in the background, cancelling it, and its events as they come."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import redis
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django_filters import CharFilter, ChoiceFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.filters import RowFilter
from saas.api.pagination import InvalidParameter
from saas.api.serializers import StrictModelSerializer
from saas.redis_client import redis_client
from tenants.api import TenantViewSet
from tenants.jobs.errors import StreamExpired
from tenants.jobs.models import Job, JobQuerySet
from tenants.jobs.services import job_cancel
from tenants.jobs.streams import (
    JobEventStream,
    event_stream_response,
    known_id,
    release_connection,
    stream_key,
)

LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="Go on behind this event: the `id` of the last one that was read.",
)
LONGEST_WAIT_S = 30
WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT_S},
    description="Answer once the job is over, or after so many seconds.",
)
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


class JobSerializer(StrictModelSerializer):
    """A piece of work in the background."""

    result = serializers.DictField(read_only=True)

    class Meta:
        model = Job
        fields = (
            *("id", "kind", "state", "progress", "note", "attempt", "max_attempts", "result"),
            "cost",
            *("error_code", "error_detail", "cancel_requested_at", "enqueued_at", "started_at"),
            *("finished_at", "created_at"),
        )
        read_only_fields = fields


class JobFilter(RowFilter):
    """Jobs by kind and state."""

    kind = CharFilter(max_length=60, method="of_kind", label="`generate` or `generate.variant`.")
    state = ChoiceFilter(choices=Job.State.choices)

    def of_kind(self, found: JobQuerySet, name: str, value: str) -> QuerySet[Job]:
        return found.of_kind(value)


class JobViewSet(TenantViewSet):
    """Jobs of the workspace, newest first."""

    model = Job
    serializer_class = JobSerializer
    filterset_class = JobFilter

    @property
    def parameters(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("wait",) if self.action == "retrieve" else ()

    @extend_schema(parameters=[WAIT])
    def retrieve(self, request: Request, pk: str) -> Response:
        read_wait(request.query_params.get("wait", "0"))
        return super().retrieve(request, pk)

    @extend_schema(request=None, responses={200: JobSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop it: at once while it waits, within seconds while it runs. Done work is paid for."""
        return self.shown(job_cancel(job=self.get_object()))

    @extend_schema(
        parameters=[LAST_EVENT_ID], responses={(200, "text/event-stream"): EVENT}, filters=False
    )
    @action(detail=True, renderer_classes=(JSONRenderer, EventStreamRenderer), problems=(410,))
    def stream(self, request: Request, pk: str) -> StreamingHttpResponse:
        """Its events as they come (server-sent events).

        `progress` says how far it is, `error` what went wrong, and `done` is the last event. Where
        a text is written, `section` begins a part, `token` brings more text, `reset` takes back
        what came so far and `usage` counts tokens.
        """
        job = self.get_object()
        refuse_expired(job)
        after = known_id(request.headers.get("Last-Event-ID", "0"))
        return event_stream_response(JobEventStream.of(job).frames(after))


def read_wait(value: str) -> int:
    """So many seconds; raises where that is no number, or more than anybody may wait."""
    if not (
        value.isascii() and value.isdigit() and len(value) < 3 and int(value) <= LONGEST_WAIT_S
    ):
        raise InvalidParameter("wait", _("A number from 0 to {}.").format(LONGEST_WAIT_S))
    return int(value)


def patient(read: Callable[..., Any]) -> Callable[..., Any]:
    """The view of one job as Django calls it: with `?wait=` the job may end before it answers."""

    @transaction.non_atomic_requests
    @wraps(read)
    async def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        response, job = await sync_to_async(asked)(read, request, kwargs)
        if job is not None:
            await wait_for_end(job, read_wait(request.GET["wait"]))
            response.data = await sync_to_async(now)(job)
        found: HttpResponseBase = response
        return found

    return view


def asked(
    read: Callable[..., Any], request: HttpRequest, kwargs: dict[str, Any]
) -> tuple[Any, Job | None]:
    """The view's own answer, and the job where its end is to be waited for."""
    with transaction.atomic():
        response = read(request, **kwargs)
        active = response.status_code == 200 and response.data["state"] in Job.ACTIVE
        job = Job.objects.get(pk=kwargs["pk"]) if active and "wait" in request.GET else None
    release_connection()
    return response, job


async def wait_for_end(job: Job, seconds: int) -> None:
    # Where Valkey is away nothing can be waited for: the caller asks again.
    with suppress(TimeoutError, redis.RedisError):
        async with asyncio.timeout(seconds):
            async for _event in JobEventStream.of(job).events():
                pass


def now(job: Job) -> dict[str, Any]:
    with transaction.atomic():
        job.refresh_from_db()
        found: dict[str, Any] = JobSerializer(job).data
    release_connection()
    return found


def refuse_expired(job: Job) -> None:
    """Raise where the job is over and its events are not kept any more."""
    if job.active:
        return
    with redis_client(socket_timeout=2) as client:
        if not client.exists(stream_key(job.workspace_id, job.topic)):
            raise StreamExpired(_("The events of this job are not kept any more."))
