"""A content's way: submitted, sent back, approved, published, archived. Each step is noted."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from generation import services
from generation.models import Content
from generation.views.pages import PortalRequest, attempt, go
from tenants.access import role_required
from tenants.undo import done

MAX_COMMENT = 1000


def step(
    request: PortalRequest, pk: UUID, service: Callable[..., object], done: str, **given: Any
) -> HttpResponse:
    """Take one step with the content and show its page again."""
    content = get_object_or_404(Content, pk=pk)
    attempt(request, lambda: service(content=content, **given), done)
    return go(request, "content", pk)


def comment(request: PortalRequest) -> str:
    return request.POST.get("comment", "").replace("\0", "").strip()[:MAX_COMMENT]


@require_POST
@role_required("editor")
def content_submit(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    done = _("An admin can approve it now.")
    return step(request, pk, services.content_submit, done, comment=comment(request))


@require_POST
@role_required("admin")
def content_return(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    done = _("It is a draft again.")
    return step(request, pk, services.content_return, done, comment=comment(request))


@require_POST
@role_required("admin")
def content_approve(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Approve the very text that the page showed, which it names by its sha256."""
    seen = request.POST.get("sha256", "")
    done = _("Approved.")
    service = services.content_approve
    return step(request, pk, service, done, sha256=seen, comment=comment(request))


@require_POST
@role_required("admin")
def content_publish(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    return step(request, pk, services.content_publish, _("Marked as published."))


@require_POST
@role_required("editor")
def content_archive(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    services.content_archive(content=get_object_or_404(Content, pk=pk))
    done(request, _("Archived. Nothing is lost."), "content-unarchive", [str(pk)])
    return go(request, "content", pk)


@require_POST
@role_required("editor")
def content_unarchive(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    services.content_unarchive(content=get_object_or_404(Content, pk=pk))
    done(request, _("Back in the library."), "content-archive", [str(pk)])
    return go(request, "content", pk)
