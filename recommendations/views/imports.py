"""Files of items and of events: chosen, looked at, mapped, and what became of their rows."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from recommendations.forms import ImportColumnsForm, ImportFileForm
from recommendations.services.imports import KIND, file_preview, import_request
from tenants.access import role_required
from tenants.jobs.models import Job
from tenants.portal import PortalRequest, attempt, csv_response, go, posted, rendered
from training.errors import FileNotTaken
from training.services.imports import Preview
from training.views.files import ReadPreview, keep_uploaded, preview_again

SHOWN = 20


@require_GET
def imports(request: PortalRequest, slug: str) -> HttpResponse:
    """The files that were read, and what became of each."""
    context = {
        "imports": Job.objects.filter(kind=KIND).newest()[:SHOWN],
        "can_change": request.membership.may("editor"),
    }
    return rendered(request, "recommendations/imports.html", context)


@require_http_methods(["GET", "POST"])
@role_required("editor")
def import_file(request: PortalRequest, slug: str, what: str) -> HttpResponse:
    """First the file, then its columns beside the first rows, then it is read in the background."""
    if request.method == "POST" and "file_id" in request.POST:
        return mapped(request, what)
    form = ImportFileForm(posted(request), request.FILES or None)
    kept = keep_uploaded(form, first_rows(what)) if form.is_bound and form.is_valid() else None
    if kept is not None:
        first, preview = kept
        columns = ImportColumnsForm(what, preview.headers, initial=first)
        columns.guess(preview.mapping)
        return columns_page(request, what, columns, preview)
    return page(request, "import_file", {"form": form, "what": what})


def mapped(request: PortalRequest, what: str) -> HttpResponse:
    """The columns were said: have the file read."""
    form = ImportColumnsForm(what, request.POST.getlist("header"), request.POST)
    given = form.cleaned_data if form.is_valid() else {}
    if given:
        names = {name: given[name] for name in ("file_id", "name", "kind")}
        told = _("The file is being read. You see here what becomes of it.")
        attempt(request, lambda: import_request(what=what, mapping=form.mapping(), **names), told)
        return go(request, "recommend-imports")
    try:
        preview = preview_again(form, first_rows(what))
    except FileNotTaken as error:
        messages.error(request, str(error))
        return go(request, "recommend-import", what)
    return columns_page(request, what, form, preview)


def first_rows(what: str) -> ReadPreview:
    return lambda file_id, kind: file_preview(file_id=file_id, kind=kind, what=what)


def columns_page(
    request: PortalRequest, what: str, form: ImportColumnsForm, preview: Preview
) -> HttpResponse:
    return page(request, "import_columns", {"form": form, "preview": preview, "what": what})


def page(request: PortalRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    bound = context["form"].is_bound
    status = HTTPStatus.UNPROCESSABLE_ENTITY if bound else HTTPStatus.OK
    return rendered(request, f"recommendations/{name}.html", context, status=status)


@require_GET
def import_errors(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """What was wrong with a file's rows, as a CSV."""
    found = get_object_or_404(Job, pk=pk, kind=KIND)
    problems = found.result.get("problems", [])
    rows = [[str(each["line"]), each["field"], each["detail"]] for each in problems]
    return csv_response("errors.csv", [_("Line"), _("Field"), _("Problem")], rows)
