"""Jobs by API: what runs in the background, cancelling it, and its events as they come."""

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from django_filters import CharFilter, ChoiceFilter, FilterSet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.serializers import StrictModelSerializer
from saas.redis_client import redis_client
from tenants.api import TenantViewSet
from tenants.jobs.errors import StreamExpired
from tenants.jobs.models import Job, JobQuerySet
from tenants.jobs.services import job_cancel
from tenants.jobs.streams import JobEventStream, event_stream_response, known_id, stream_key

LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="Go on behind this event: the `id` of the last one that was read.",
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


class JobFilter(FilterSet):  # type: ignore[misc]
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


def refuse_expired(job: Job) -> None:
    """Raise where the job is over and its events are not kept any more."""
    if job.active:
        return
    with redis_client(socket_timeout=2) as client:
        if not client.exists(stream_key(job.workspace_id, job.topic)):
            raise StreamExpired(_("The events of this job are not kept any more."))
