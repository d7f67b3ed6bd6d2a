"""Bulk writing: one CSV row, one brief; a bad row is named and the others go on."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from generation import kinds
from generation.models import Audience, Batch, Brand, Variant
from generation.services.briefs import BriefDraft, brief_draft, refuse_variants
from generation.services.orders import variants_order
from saas.errors import InsufficientCredits, Invalid
from tenants.actors import current_actor
from tenants.jobs.errors import QueueFull
from tenants.jobs.models import Job
from tenants.jobs.services import jobs_cancel

MAX_ROWS = 500
MAX_BYTES = 2 * 1024 * 1024
MAX_CELL_CHARS = 5000
Refusal = InsufficientCredits | QueueFull


@transaction.atomic
def batch_request(  # noqa: PLR0913
    *,
    name: str,
    content: bytes,
    kind: str,
    brand: Brand,
    audience: Audience | None = None,
    language: str = "en",
    variants: int = 1,
) -> Batch:
    """Have one brief written for each row. Raises Invalid when the file itself is no good."""
    rows = list(read_rows(content, kind))
    if not rows:
        raise malformed(_("There are no rows below the first one."), "file_empty")
    refuse_variants(variants)
    owner = current_actor().user
    batch = Batch.objects.create(name=name[:200], kind=kind, rows=len(rows), created_by=owner)
    errors: list[dict[str, Any]] = []
    drafts: dict[int, BriefDraft] = {}
    for number, values in rows:
        if isinstance(values, BadRow):
            errors.append(row_error(number, values.message))
            continue
        try:
            drafts[number] = brief_draft(
                kind=kind,
                fields=values,
                brand=brand,
                audience=audience,
                language=language,
                variants=variants,
                batch=batch,
            )
        except Invalid as error:
            errors.extend(_row_errors(number, error))
    ordered, refusal = order_fitting(list(drafts.values()))
    if refusal is not None:
        errors.append(row_error(list(drafts)[ordered], str(refusal)))
    batch.errors = sorted(errors, key=lambda error: error["row"])
    batch.save(update_fields=["errors", "updated_at"])
    return batch


def order_fitting(drafts: list[BriefDraft]) -> tuple[int, Refusal | None]:
    """Order as many of the first as credits and the queue's limit allow.

    Returns how many those are, and why the next one was refused.
    """
    if not drafts:
        return 0, None
    variants = [variant for draft in drafts for variant in draft.variants]
    try:
        variants_order(briefs=[d.brief for d in drafts], variants=variants)
    except (InsufficientCredits, QueueFull) as error:
        if len(drafts) == 1:
            return 0, error
        half = len(drafts) // 2
        first, refusal = order_fitting(drafts[:half])
        if refusal is not None:
            return first, refusal
        second, refusal = order_fitting(drafts[half:])
        return first + second, refusal
    return len(drafts), None


def batch_cancel(*, batch: Batch) -> int:
    """Stop everything of the batch that is not written yet; returns how many texts that is."""
    waiting = Variant.objects.filter(brief__batch=batch).unfinished()
    return len(jobs_cancel(jobs=Job.objects.filter(pk__in=waiting.values("job_id"))))


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read; the others can."""

    message: str


def row_error(row: int, message: str, field: str = "") -> dict[str, Any]:
    return {"row": row, "field": field, "message": message}


def _row_errors(number: int, error: Invalid) -> Iterator[dict[str, Any]]:
    for problem in error.extra.get("errors", []):
        field = problem["pointer"].rpartition("/")[2]
        yield row_error(number, str(problem["detail"]), field)


Row = dict[str, Any] | BadRow


def read_rows(content: bytes, kind: str) -> Iterator[tuple[int, Row]]:
    """(row number, fields or what is wrong) of each row. Row 1 is the header."""
    known = {field.name: field for field in kinds.load(kind).fields}
    rows = csv.reader(io.StringIO(decode(content), newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        raise malformed(str(error)) from error
    check_header(header, set(known))
    for number in count(2):
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, BadRow(str(error))
            continue
        if number > MAX_ROWS + 1:
            raise malformed(_("At most {limit} rows.").format(limit=MAX_ROWS), "too_many_rows")
        if any(cell.strip() for cell in cells):
            yield number, row_values(header, cells, known)


def decode(content: bytes) -> str:
    if not content.strip():
        raise malformed(_("The file is empty."), "file_empty")
    if len(content) > MAX_BYTES:
        raise malformed(_("The file is larger than 2 MB."), "payload_too_large")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        detail = _("The file is not UTF-8 (at byte {byte}). Save it as CSV UTF-8.")
        raise malformed(detail.format(byte=error.start), "encoding_invalid") from error
    if "\0" in text:
        raise malformed(_("The file is not a text file."), "encoding_invalid")
    return text


def check_header(header: list[str], known: set[str]) -> None:
    unknown = [name for name in header if name not in known]
    if not header or unknown or len(set(header)) != len(header):
        detail = _("The first row must name these columns, each once: {columns}.")
        raise malformed(detail.format(columns=", ".join(sorted(known))))


def row_values(header: list[str], cells: list[str], known: dict[str, Any]) -> Row:
    if len(cells) > len(header):
        return BadRow(_("The row has more cells than the first one has columns."))
    if any(len(cell) > MAX_CELL_CHARS for cell in cells):
        return BadRow(_("A cell has more than {limit} characters.").format(limit=MAX_CELL_CHARS))
    named = dict(zip(header, cells, strict=False))
    return {
        name: [part.strip() for part in value.split(";")] if known[name].type == "list" else value
        for name, value in named.items()
    }


def malformed(detail: str, code: str = "csv_malformed") -> Invalid:
    return Invalid(detail, code=code)
