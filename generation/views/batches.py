"""Bulk writing: a table with a brief in each row."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation import kinds
from generation.forms import BatchForm, ColumnsForm
from generation.kinds.fields import Field
from generation.models import Audience, Batch, Brand
from generation.presentation.exports import Export, csv_bytes
from generation.services import batch_cancel as cancel
from generation.services import batch_estimate, batch_request
from generation.services.kept_files import KeptFile, keep, kept
from generation.services.tables import (
    MAX_BYTES,
    BadRow,
    Table,
    guess,
    read_table,
    unanswered,
)
from generation.views.contents import attachment
from generation.views.pages import PortalRequest, attempt, go, page, posted
from generation.views.write import kind_or_404
from saas.errors import Conflict, Invalid
from tenants.access import role_required
from tenants.billing.services import balance
from tenants.portal import csv_response

PAGE_SIZE, SHOWN_ROWS = 50, 5


@require_http_methods(["GET", "POST"])
@role_required("editor")
def batch_new(request: PortalRequest, slug: str) -> HttpResponse:
    """The form for a file, and the lists written before."""
    first = Brand.objects.order_by("-is_default", "name").first()
    start = {"brand": first, "variants": 1, "language": "en", "kind": request.GET.get("kind")}
    form = BatchForm(posted(request), request.FILES or None, initial=start)
    if form.is_bound and form.is_valid() and (token := _kept(form)):
        return go(request, "batch-columns", token)
    context = {
        "form": form,
        "batches": Batch.objects.select_related("created_by").newest()[:20],
        "kinds": [kinds.load(name) for name in kinds.KINDS],
        "has_brand": first is not None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page(request, "batch_form", context, status=status)


def _kept(form: BatchForm) -> str:
    """Keep the file until its columns are told; "" where it is none."""
    given = form.cleaned_data
    file, audience = given["file"], given["audience"]
    content = file.read(MAX_BYTES + 1)
    try:
        read_table(content)
    except Invalid as error:
        form.add_error("file", str(error))
        return ""
    return keep(
        KeptFile(
            name=file.name,
            content=content,
            kind=given["kind"],
            brand=str(given["brand"].pk),
            audience=str(audience.pk) if audience else "",
            language=given["language"],
            variants=given["variants"],
        )
    )


@require_http_methods(["GET", "POST"])
@role_required("editor")
def batch_columns(request: PortalRequest, slug: str, token: str) -> HttpResponse:
    """What the columns mean, the first rows and the cost; sending it has the rows written."""
    file = kept(token)
    if file is None:
        messages.warning(request, _("The file is no longer here. Please choose it again."))
        return go(request, "batch-new")
    kind, table = kind_or_404(file.kind), read_table(file.content)
    first = {name: str(place) for name, place in guess(table.header, kind).items()}
    form = ColumnsForm(kind, table.header, posted(request), initial=first)
    sent = form.is_bound and form.is_valid() and "estimate" not in request.GET
    if sent and (made := _requested(request, file, form)):
        return go(request, "batch", made.pk)
    context = {
        "form": form,
        "kind": kind,
        "token": token,
        "table": table,
        "first_rows": [row for _n, row in table.rows[:SHOWN_ROWS] if not isinstance(row, BadRow)],
        **_estimate(file, table, form),
    }
    if request.htmx:
        return page(request, "_batch_estimate", context)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page(request, "batch_columns", context, status=status)


def _options(file: KeptFile) -> dict[str, Any]:
    return {
        "brand": get_object_or_404(Brand, pk=file.brand),
        "audience": Audience.objects.filter(pk=file.audience).first() if file.audience else None,
        "language": file.language,
        "variants": file.variants,
    }


def _estimate(file: KeptFile, table: Table, form: ColumnsForm) -> dict[str, Any]:
    """How many rows are good so far, and the most that they can cost."""
    form.is_valid()
    mapping = form.mapping()
    missing = unanswered(kinds.load(file.kind), mapping)
    context: dict[str, Any] = {"missing": missing, "available": balance().available}
    if missing:
        return context
    try:
        found = batch_estimate(table=table, kind=file.kind, mapping=mapping, **_options(file))
    except Conflict:  # what is live cannot be written with; sending it says why
        return context
    return context | {
        "estimate": found,
        "errors": shown_errors(file.kind, found.errors),
        "bad": len({error["row"] for error in found.errors}),
    }


def _requested(request: PortalRequest, file: KeptFile, form: ColumnsForm) -> Batch | None:
    asked: dict[str, Any] = {"name": file.name, "content": file.content, "kind": file.kind}
    try:
        made = batch_request(**asked, mapping=form.mapping(), **_options(file))
    except (Invalid, Conflict) as error:  # what is live cannot be written with
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
    """A file to start from, in the reader's words: the questions, and one example row."""
    wanted = kind_or_404(kind)
    row = {_(field.label): _shown(field) for field in wanted.fields}
    body = csv_bytes([row])
    return attachment(Export(f"{kind}.csv", "text/csv; charset=utf-8", body))


def _shown(field: Field) -> str:
    """A field's example as one would type it into a cell."""
    words = {choice.value: _(choice.label) for choice in field.choices}
    example = str(field.example or field.default or "")
    return words.get(example, example.replace("\n", "; "))


@require_GET
def batch(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Batch.objects.select_related("created_by"), pk=pk)
    briefs = found.briefs.prefetch_related("variants").order_by("created_at", "pk")
    context = {
        "batch": found,
        "kind": kinds.load(found.kind),
        "progress": found.progress(),
        "errors": shown_errors(found.kind, found.errors),
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
    header = [_("Row"), _("Column"), _("What is wrong")]
    names = ("row", "field", "message")
    errors = shown_errors(found.kind, found.errors)
    return csv_response("errors.csv", header, ([str(e[name]) for name in names] for e in errors))


def shown_errors(kind: str, errors: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is wrong with the rows, by the words that stand on screen for each column."""
    spec = kinds.load(kind) if kind in kinds.KINDS else None
    labels = {field.name: _(field.label) for field in spec.fields} if spec else {}
    return [error | {"field": labels.get(error["field"], error["field"])} for error in errors]
