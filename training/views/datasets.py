"""Teach, the datasets: rows from files, what they look like, and what is wrong with some."""

import re
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from saas.errors import AppError
from tenants.access import role_required
from tenants.jobs.models import Job
from tenants.portal import PortalRequest, attempt, csv_response, go, posted, rendered
from training.errors import FileNotTaken
from training.forms import DatasetForm, ImportForm, MappingForm
from training.models import Dataset
from training.plots import bars
from training.services.datasets import dataset_create, dataset_delete
from training.services.imports import (
    KIND,
    Preview,
    file_preview,
    import_request,
    problem_rows,
)
from training.services.sources import offers, source_dataset, source_follow
from training.sources import sources
from training.views.files import ReadPreview, keep_uploaded, preview_again

PAGE_SIZE = 20
# Markdown's own characters say nothing in one line of a table.
MARKS = re.compile(r"\*\*|^#+ |^- ", re.MULTILINE)
SHOWN_ROWS = 10


@require_GET
def dataset_list(request: PortalRequest, slug: str) -> HttpResponse:
    found = Dataset.objects.annotate(counted_rows=Count("rows")).order_by("name")
    page_obj = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page_obj": page_obj, "own_rows": own_rows()}
    return page(request, "dataset_list", context)


def own_rows() -> list[dict[str, Any]]:
    """Sources that have rows, and how many."""
    found = [{"source": source, "count": source.count()} for source in sources()]
    return [each for each in found if each["count"]]


@require_POST
@role_required("editor")
def source_followed(request: PortalRequest, slug: str) -> HttpResponse:
    """A dataset of what the product itself has, which keeps up with it."""
    name = request.POST.get("source", "")
    made = attempt(request, lambda: source_dataset(name=name), _("The rows are here."))
    return go(request, "dataset", made.pk) if made else go(request, "datasets")


@require_POST
@role_required("editor")
def dataset_followed(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Dataset, pk=pk)
    name = request.POST.get("source", "")
    follow = partial(source_follow, dataset=found, name=name)
    attempt(request, follow, _("The rows are here; new ones come before each run."))
    return go(request, "dataset", pk)


@require_http_methods(["GET", "POST"])
@role_required("editor")
def dataset_new(request: PortalRequest, slug: str) -> HttpResponse:
    form = DatasetForm(posted(request))
    if form.is_bound and form.is_valid():
        try:
            made = dataset_create(**form.cleaned_data)
        except AppError as error:
            form.add_error("name", str(error))
        else:
            return go(request, "dataset-import", made.pk)
    return page(request, "dataset_form", {"form": form}, status=status_of(form))


@require_GET
def dataset(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """One dataset: its rows, what they look like, and what was read last."""
    found = get_object_or_404(Dataset, pk=pk)
    version = found.latest_version()
    statistics = version.statistics if version else {}
    imports = Job.objects.filter(kind=KIND, payload__dataset=str(pk)).newest()
    context = {
        "dataset": found,
        "total": found.rows.count(),
        "rows": [row_words(row) for row in found.rows.newest()[:SHOWN_ROWS]],
        "version": version,
        "labels": bars(statistics.get("labels", {})),
        "lengths": bars(statistics.get("lengths", {}), numeric=True),
        "imports": imports[:5],
        "offers": offers(found),
        "runs": found.runs.select_related("job", "model").newest()[:5],
    }
    return page(request, "dataset", context)


def row_words(row: Any) -> dict[str, Any]:
    """A row as the page shows it: its text, and its label where it has one."""
    labels = row.content.get("labels") or [kind_label(row.content.get("kind", ""))]
    text = MARKS.sub("", row.text())
    return {"text": text, "label": ", ".join(filter(None, labels)), "split": row.split}


def kind_label(name: str) -> str:
    """A kind of copy as people read it: `search_ad` is “Search ad”."""
    words = name.replace("_", " ").capitalize()
    return _(words) if words else ""


@require_http_methods(["GET", "POST"])
@role_required("editor")
def dataset_import(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """First the file, then its columns beside the first rows, then it is read in the background."""
    found = get_object_or_404(Dataset, pk=pk)
    if request.method == "POST" and "file_id" in request.POST:
        return mapped(request, found)
    form = ImportForm(posted(request), request.FILES or None)
    kept = keep_uploaded(form, first_rows(found)) if form.is_bound and form.is_valid() else None
    if kept is not None:
        first, preview = kept
        columns = MappingForm(found.spec, preview.headers, initial=first)
        columns.guess(preview.mapping)
        return mapping_page(request, found, columns, preview)
    return page(request, "dataset_import", {"form": form, "dataset": found}, status_of(form))


def mapped(request: PortalRequest, found: Dataset) -> HttpResponse:
    """The columns were said: have the file read."""
    headers = request.POST.getlist("header")
    form = MappingForm(found.spec, headers, request.POST)
    if form.is_valid():
        given = form.cleaned_data
        job = attempt(
            request,
            lambda: import_request(
                dataset=found,
                file_id=given["file_id"],
                name=given["name"],
                kind=given["kind"],
                mapping=form.mapping(),
            ),
        )
        if job is not None:
            messages.success(request, _("The file is being read. You see here what becomes of it."))
        return go(request, "dataset", found.pk)
    try:
        preview = preview_again(form, first_rows(found))
    except FileNotTaken as error:
        messages.error(request, str(error))
        return go(request, "dataset-import", found.pk)
    return mapping_page(request, found, form, preview)


def first_rows(found: Dataset) -> ReadPreview:
    return lambda file_id, kind: file_preview(dataset=found, file_id=file_id, kind=kind)


def mapping_page(
    request: PortalRequest, found: Dataset, form: MappingForm, preview: Preview
) -> HttpResponse:
    context = {"dataset": found, "form": form, "preview": preview}
    return page(request, "dataset_mapping", context, status_of(form))


@require_GET
def import_errors(request: PortalRequest, slug: str, pk: UUID, job: UUID) -> HttpResponse:
    """What was wrong with a file's rows, as a CSV."""
    found = get_object_or_404(Job, pk=job, kind=KIND, payload__dataset=str(pk))
    header = [_("Line"), _("Field"), _("Problem")]
    return csv_response("errors.csv", header, problem_rows(found.result.get("problems", [])))


@require_POST
@role_required("admin")
def dataset_deleted(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Dataset, pk=pk)
    done = _("“%s” is deleted.") % found.name
    deleted = attempt(request, lambda: dataset_delete(dataset=found), done)
    return go(request, "datasets") if deleted else go(request, "dataset", pk)


def status_of(form: Any) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK


def page(
    request: PortalRequest, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    rights = {
        "can_edit": request.membership.may("editor"),
        "can_teach": request.membership.may("admin"),
    }
    return rendered(request, f"training/{name}.html", rights | context, status=status)
