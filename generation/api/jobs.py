"""Jobs: what runs in the background, stopping it, and its text as it comes."""

import redis
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from generation.api.filters import JobFilter
from generation.api.serializers import JobSerializer
from generation.api.watching import EVENT, EventStreamRenderer, Watch, event_stream
from generation.streams import known_id
from tenants.api import TenantViewSet
from tenants.jobs.errors import StreamExpired
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel

LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="Go on behind this event: the `id` of the last one that was read.",
)


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
        """The text as it is written (server-sent events).

        `section` begins a part, `token` brings more text, `reset` takes back what came so far,
        `usage` counts tokens, `error` says what went wrong, `done` is the last event.
        """
        watch = Watch(self.get_object())
        refuse_expired(watch)
        return event_stream(watch.frames(known_id(request.headers.get("Last-Event-ID", "0"))))


def refuse_expired(watch: Watch) -> None:
    """Raise where the job is over and its events are not kept any more."""
    if Job.objects.active().filter(pk=watch.job_id).exists():
        return
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
        if not client.exists(watch.key):
            raise StreamExpired(_("The events of this job are not kept any more."))
