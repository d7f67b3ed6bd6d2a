"""Bulk writing: one row of a table, one brief; a bad row is named and the others go on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from generation import kinds
from generation.models import Audience, Batch, Brand, Variant
from generation.services.briefs import BriefDraft, brief_draft, refuse_variants
from generation.services.orders import most_costs, variants_order
from generation.services.tables import (
    BadRow,
    Table,
    answers,
    guess,
    malformed,
    read_table,
    unanswered,
)
from saas.errors import InsufficientCredits, Invalid
from tenants.actors import current_actor
from tenants.jobs.errors import QueueFull
from tenants.jobs.models import Job
from tenants.jobs.services import jobs_cancel

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
    mapping: Mapping[str, int] | None = None,
) -> Batch:
    """Have one brief written for each row. Raises Invalid when the file itself is no good.

    `mapping` says which column answers which question; without it the columns' names do.
    """
    table = read_table(content)
    refuse_variants(variants)
    owner = current_actor().user
    batch = Batch(name=name[:200], kind=kind, rows=len(table.rows), created_by=owner)
    options = {"brand": brand, "audience": audience, "language": language, "variants": variants}
    drafts, errors = drafted(table, kind, columns(table, kind, mapping), batch=batch, **options)
    batch.save()
    ordered, refusal = order_fitting(list(drafts.values()))
    if refusal is not None:
        errors.append(row_error(list(drafts)[ordered], str(refusal)))
    batch.errors = sorted(errors, key=lambda error: error["row"])
    batch.save(update_fields=["errors", "updated_at"])
    return batch


def columns(table: Table, kind: str, mapping: Mapping[str, int] | None = None) -> dict[str, int]:
    """Where each question's answers stand. Raises Invalid where one that is needed has none."""
    spec = kinds.load(kind)
    found = guess(table.header, spec) if mapping is None else dict(mapping)
    if missing := unanswered(spec, found):
        names = ", ".join(_(field.label) for field in missing)
        raise malformed(_("These questions need a column: {names}.").format(names=names))
    return found


def drafted(
    table: Table, kind: str, mapping: dict[str, int], **options: Any
) -> tuple[dict[int, BriefDraft], list[dict[str, Any]]]:
    """The briefs of the rows by their numbers, and what is wrong with the other rows."""
    spec = kinds.load(kind)
    drafts: dict[int, BriefDraft] = {}
    errors: list[dict[str, Any]] = []
    for number, cells in table.rows:
        if isinstance(cells, BadRow):
            errors.append(row_error(number, cells.message))
            continue
        try:
            fields = answers(spec, cells, mapping)
            drafts[number] = brief_draft(kind=kind, fields=fields, **options)
        except Invalid as error:
            errors.extend(_row_errors(number, error))
    return drafts, errors


@dataclass(frozen=True, slots=True)
class BatchEstimate:
    """What a table would order: how many rows are good, and the most that they can cost."""

    good: int
    errors: list[dict[str, Any]]
    cost: int


def batch_estimate(
    *, table: Table, kind: str, mapping: dict[str, int], **options: Any
) -> BatchEstimate:
    drafts, errors = drafted(table, kind, mapping, **options)
    each = most_costs([draft.brief for draft in drafts.values()])
    return BatchEstimate(len(drafts), errors, sum(each) * int(options["variants"]))


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


def row_error(row: int, message: str, field: str = "") -> dict[str, Any]:
    return {"row": row, "field": field, "message": message}


def _row_errors(number: int, error: Invalid) -> Iterator[dict[str, Any]]:
    for problem in error.extra.get("errors", []):
        field = problem["pointer"].rpartition("/")[2]
        yield row_error(number, str(problem["detail"]), field)
