"""One connection for all variants of a brief: what is written reaches the page as it comes."""

from dataclasses import replace
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import Http404, StreamingHttpResponse
from django.utils import translation
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from generation.kinds.kind import Kind
from generation.models import Brief, Variant
from generation.presentation.issues import part_label
from generation.views.pages import PortalRequest
from tenants.jobs.models import Job, JobQuerySet
from tenants.jobs.streams import JobEventStream, StreamEvent, event_stream_response, known_id
from tenants.models import Membership
from tenants.scope import tenant_scope


@transaction.non_atomic_requests
@require_GET
async def brief_stream(request: PortalRequest, slug: str, pk: UUID) -> StreamingHttpResponse:
    """Server-sent events of a brief; the browser says by Last-Event-ID where it stopped."""
    brief = await find_brief(request, pk)
    kind, language = brief.kind_spec, translation.get_language() or "en"

    def show(event: StreamEvent) -> StreamEvent:
        with translation.override(language):
            return replace(event, data={**event.data, "text": reader_text(event, kind)})

    stream = JobEventStream(
        request.tenant.pk,
        brief.stream,
        lambda: jobs_of(brief),
        replay=False,
        allowed=lambda: Membership.objects.filter(pk=request.membership.pk).exists(),
    )
    after = known_id(request.headers.get("Last-Event-ID", "0"))
    return event_stream_response(stream.frames(after, show))


@sync_to_async
def find_brief(request: PortalRequest, pk: UUID) -> Brief:
    with tenant_scope(request.tenant):
        brief: Brief | None = Brief.objects.filter(pk=pk).first()
    if brief is None:
        raise Http404
    return brief


def jobs_of(brief: Brief) -> JobQuerySet:
    """The jobs that write the brief's variants, or have written them."""
    variants = Variant.objects.filter(brief=brief).exclude(job=None)
    jobs: JobQuerySet = Job.objects.filter(pk__in=variants.values("job_id"))
    return jobs


def reader_text(event: StreamEvent, kind: Kind) -> str:
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
