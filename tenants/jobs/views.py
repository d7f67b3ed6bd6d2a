"""Running and recent work: the drawer that follows the user, the list of all, and cancelling."""

from collections.abc import Iterable
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from tenants.access import role_required
from tenants.jobs.models import Job
from tenants.jobs.registry import kind_of
from tenants.jobs.services import job_cancel
from tenants.jobs.streams import JobEventStream, event_stream_response, known_id
from tenants.models import Membership
from tenants.portal import PortalRequest
from tenants.scope import tenant_scope

DRAWER = 12
PAGE = 50
FILTERS = ("active", "finished")


@require_safe
def job_list(request: HttpRequest, slug: str) -> HttpResponse:
    chosen = request.GET.get("show", "")
    jobs = Job.objects.select_related("created_by", "api_key").newest()
    if chosen in FILTERS:
        jobs = getattr(jobs, chosen)()
    page = Paginator(jobs, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "jobs": rows(page, slug), "show": chosen}
    return render(request, "jobs/list.html", context)


@require_safe
def job_drawer(request: HttpRequest, slug: str) -> HttpResponse:
    active = list(Job.objects.active().newest()[:DRAWER])
    ended = Job.objects.finished().order_by("-finished_at")[: max(DRAWER - len(active), 4)]
    context = {"jobs": rows([*active, *ended], slug), "active": bool(active)}
    return render(request, "jobs/_drawer.html", context)


@require_safe
def job_status(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """One row of the list; it asks again for as long as the job is active."""
    job = get_object_or_404(Job, pk=pk)
    return render(request, "jobs/_row.html", {"row": rows([job], slug)[0]})


@transaction.non_atomic_requests
@require_safe
async def job_stream(request: PortalRequest, slug: str, pk: UUID) -> StreamingHttpResponse:
    """The job's events as they come; the browser says by Last-Event-ID where it stopped."""
    job = await sync_to_async(find)(request, pk)
    pk = request.membership.pk
    stream = JobEventStream.of(job, lambda: Membership.objects.filter(pk=pk).exists())
    after = known_id(request.headers.get("Last-Event-ID", "0"))
    return event_stream_response(stream.frames(after))


def find(request: PortalRequest, pk: UUID) -> Job:
    with tenant_scope(request.tenant):
        job: Job = get_object_or_404(Job, pk=pk)
    return job


@require_POST
@role_required("editor")
def job_cancelled(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    job = job_cancel(job=get_object_or_404(Job, pk=pk))
    return render(request, "jobs/_row.html", {"row": rows([job], slug)[0]})


def rows(jobs: Iterable[Job], slug: str) -> list[tuple[Job, str]]:
    """The jobs, each with the address of the page that shows its result."""
    return [(job, page_of(job, slug)) for job in jobs]


def page_of(job: Job, slug: str) -> str:
    """The page that the job's kind shows results on; none where the payload names no id for it."""
    kind = kind_of(job.kind)
    pk = kind.page_id(job.payload) if kind else ""
    return reverse(kind.page, args=[slug, pk]) if kind and pk else ""
