"""Bulk writing: a CSV file with a brief in each row."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation import kinds
from generation.forms import BatchForm
from generation.models import Batch, Brand
from generation.presentation.exports import Export, csv_bytes
from generation.services import batch_cancel as cancel
from generation.services import batch_request
from generation.views.contents import attachment
from generation.views.pages import PortalRequest, attempt, go, page, posted
from generation.views.write import kind_or_404
from saas.errors import Conflict, Invalid
from tenants.access import role_required
from tenants.portal import csv_response

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@role_required("editor")
def batch_new(request: PortalRequest, slug: str) -> HttpResponse:
    """The form for a file, and the lists written before."""
    first = Brand.objects.order_by("-is_default", "name").first()
    start = {"brand": first, "variants": 1, "language": "en", "kind": request.GET.get("kind")}
    form = BatchForm(posted(request), request.FILES or None, initial=start)
    if form.is_bound and form.is_valid() and (made := _requested(request, form)):
        return go(request, "batch", made.pk)
    context = {
        "form": form,
        "batches": Batch.objects.select_related("created_by").newest()[:20],
        "kinds": [kinds.load(name) for name in kinds.KINDS],
        "has_brand": first is not None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page(request, "batch_form", context, status=status)


def _requested(request: PortalRequest, form: BatchForm) -> Batch | None:
    given = form.cleaned_data
    file = given.pop("file")
    try:
        made = batch_request(name=file.name, content=file.read(), **given)
    except Invalid as error:
        form.add_error("file", str(error))
        return None
    except Conflict as error:  # what is live cannot be written with
        form.add_error(None, str(error))
        return None
    _tell(request, made)
    return made


def _tell(request: PortalRequest, batch: Batch) -> None:
    if not batch.errors:
        text = ngettext("{n} row is being written.", "{n} rows are being written.", batch.rows)
        messages.success(request, text.format(n=batch.rows))
        return
    messages.warning(request, _("Some rows need your attention; the others are being written."))


@require_GET
@role_required("editor")
def batch_template(request: PortalRequest, slug: str, kind: str) -> HttpResponse:
    """A file to start from: the kind's columns, and one example row."""
    wanted = kind_or_404(kind)
    row = {field.name: field.example for field in wanted.fields}
    body = csv_bytes([{name: value.replace("\n", "; ") for name, value in row.items()}])
    return attachment(Export(f"{kind}.csv", "text/csv; charset=utf-8", body))


@require_GET
def batch(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Batch.objects.select_related("created_by"), pk=pk)
    briefs = found.briefs.prefetch_related("variants").order_by("created_at", "pk")
    context = {
        "batch": found,
        "kind": kinds.load(found.kind),
        "progress": found.progress(),
        "page_obj": Paginator(briefs, PAGE_SIZE).get_page(request.GET.get("page")),
    }
    return page(request, "batch", context)


@require_GET
def batch_progress(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """How far it is; the page asks for it again as long as something waits."""
    found = get_object_or_404(Batch, pk=pk)
    return page(request, "_batch_progress", {"batch": found, "progress": found.progress()})


@require_POST
@role_required("editor")
def batch_cancel(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Stop all of it; what is written stays."""
    found = get_object_or_404(Batch, pk=pk)
    attempt(request, lambda: cancel(batch=found), _("The rest will not be written."))
    return go(request, "batch", pk)


@require_GET
def batch_errors(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """What was wrong with which row, as a file."""
    found = get_object_or_404(Batch, pk=pk)
    columns = ["row", "field", "message"]
    rows = ([str(error[name]) for name in columns] for error in found.errors)
    return csv_response("errors.csv", columns, rows)
