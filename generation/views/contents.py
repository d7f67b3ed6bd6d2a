"""A content's page: edit it, see how it will look, go back to how it was, take it along."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation import services
from generation.forms.parts import EditForm, edit_form
from generation.models import Content, ContentVersion, Favourite
from generation.presentation import diff, exports
from generation.presentation.exports import Export
from generation.presentation.previews import preview
from generation.views.cards import Card
from generation.views.pages import PortalRequest, attempt, go, page, posted
from saas.errors import NotFound, PreconditionFailed
from tenants.access import require_role, role_required
from tenants.events import history

CONTENTS = ("brief__brand", "brief__audience", "variant", "created_by")


def find(pk: UUID) -> Content:
    return get_object_or_404(Content.objects.select_related(*CONTENTS), pk=pk)


@require_http_methods(["GET", "POST"])
def content(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """The editor; sending it saves a new version."""
    found = find(pk)
    markdown = request.GET.get("as") == "markdown"
    form = edit_form(found.kind_spec, found.data, posted(request), markdown=markdown)
    if request.method == "POST":
        require_role(request, "editor")
        return _save(request, found, form)
    return _editor(request, found, form)


def _save(request: PortalRequest, content: Content, form: EditForm) -> HttpResponse:
    if not form.is_valid():
        return _editor(request, content, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    expected = request.POST.get("version", "")
    try:
        services.content_edit(
            content=content,
            text=form.text,
            expected=int(expected) if expected.isascii() and expected.isdigit() else 0,
        )
    except PreconditionFailed:
        return _conflict(request, find(content.pk), form)
    messages.success(request, _("Saved."))
    return go(request, "content", content.pk)


def _conflict(request: PortalRequest, content: Content, form: EditForm) -> HttpResponse:
    """Somebody was faster: both texts, and the choice which one it shall be."""
    context = {"theirs": content.text, "pieces": diff.words(content.text, form.text)}
    status = HTTPStatus.PRECONDITION_FAILED
    return _editor(request, content, form, status=status, conflict=context)


def _editor(
    request: PortalRequest,
    content: Content,
    form: EditForm,
    *,
    status: int = HTTPStatus.OK,
    conflict: dict[str, Any] | None = None,
) -> HttpResponse:
    text, data = content.text, content.data
    if form.is_bound and form.is_valid():
        text, data = form.text, form.data_now
    context = {
        "content": content,
        "kind": content.kind_spec,
        "form": form,
        "conflict": conflict,
        "text": text,
        "preview": preview(content, data),
        "approval": content.approval(),
        "favourite": content.favourites.filter(user=request.user).exists(),
        "versions": content.versions.select_related("author")[:30],
        "events": history(content)[:50],
        "model": Card.of(content.variant).model if content.variant else None,
        "writer": content.get_writer_display(),
        "layouts": exports.LAYOUTS,
        "flow": Content.Status.choices,
    }
    return page(request, "content", context, status=status)


@require_POST
def content_preview(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """How the text in the editor will look, and what the checks say to it."""
    found = find(pk)
    form = edit_form(found.kind_spec, found.data, request.POST)
    form.is_valid()
    data = form.data_now
    return page(request, "_preview", {"content": found, "preview": preview(found, data)})


@require_GET
def content_version(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    """An earlier text, beside today's."""
    found = find(pk)
    version = get_object_or_404(found.versions.select_related("author"), number=number)
    before = found.versions.filter(number=number - 1).first()
    context = {
        "content": found,
        "version": version,
        "to_now": diff.words(version.text, found.text),
        "from_before": diff.words(before.text, version.text) if before else None,
    }
    return page(request, "content_version", context)


@require_POST
@role_required("editor")
def content_restore(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    """Make an earlier text today's again."""
    found = find(pk)
    version = get_object_or_404(ContentVersion, content=found, number=number)
    done = _("Version {number} is back, as a new version.").format(number=number)
    attempt(
        request,
        lambda: services.content_restore(content=found, version=version),
        done,
    )
    return go(request, "content", pk)


@require_GET
def content_export(request: PortalRequest, slug: str, pk: UUID, layout: str) -> HttpResponse:
    """The text as a file; that it was taken along is noted in its history."""
    found = find(pk)
    if layout not in exports.LAYOUTS:
        raise NotFound
    services.content_exported(content=found)
    return attachment(exports.single(found, layout))


def attachment(export: Export) -> HttpResponse:
    """The file, under its name in any script (RFC 6266)."""
    response = HttpResponse(export.body, content_type=export.media_type)
    disposition = content_disposition_header(as_attachment=True, filename=export.name)
    response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def content_favourite(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Keep it at hand, or not any more: everybody's own, and nobody else's business."""
    found = find(pk)
    mine = found.favourites.filter(user=request.user)
    if not mine.delete()[0]:
        Favourite.objects.get_or_create(content=found, user=request.user)
    return go(request, "content", pk)
