"""Ordering copy: a brief, its variants, and the jobs that write them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from generation import kinds
from generation.errors import TooManyVariants, VariantInProgress, VariantNotReady
from generation.kinds.kind import BriefError, Issue, Kind
from generation.models import (
    Audience,
    Batch,
    Brand,
    Brief,
    Content,
    Variant,
)
from generation.models.briefs import MAX_VARIANTS
from generation.services.orders import request_jobs, variants_order
from saas.errors import Invalid
from tenants.actors import current_actor
from tenants.billing.limits import limit
from tenants.events import record
from tenants.jobs.services import job_cancel


def brief_request(**asked: Any) -> Brief:
    """Store a brief and have its variants written; takes what brief_draft takes.

    Raises Invalid, QueueFull and InsufficientCredits.
    """
    draft = brief_draft(**asked)
    refuse_variants(len(draft.variants))
    variants_order(briefs=[draft.brief], variants=draft.variants)
    return draft.brief


@dataclass(frozen=True, slots=True)
class BriefDraft:
    """A brief and its variants that are not stored yet."""

    brief: Brief
    variants: list[Variant]


def brief_draft(  # noqa: PLR0913
    *,
    kind: str,
    fields: Mapping[str, Any],
    brand: Brand,
    audience: Audience | None = None,
    language: str = "en",
    length: int = 0,
    variants: int = 3,
    seed: int | None = None,
    campaign: str = "",
    batch: Batch | None = None,
) -> BriefDraft:
    """What is to be written, checked; raises Invalid with a pointer for each problem."""
    cleaned = clean_fields(kind, fields)
    brief = Brief(
        kind=kind,
        fields=cleaned,
        title=brief_title(kind, cleaned),
        brand=brand,
        audience=audience,
        language=language,
        length=length,
        campaign=campaign,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        batch=batch,
        **current_actor().authorship,
    )
    seeds = [(brief.seed + place) % 2**31 for place in range(variants)]
    return BriefDraft(
        brief, [Variant(brief=brief, number=n, seed=s) for n, s in enumerate(seeds, 1)]
    )


def most_variants() -> int:
    """How many variants a brief may have in the workspace in scope."""
    return min(limit("variants"), MAX_VARIANTS)


def refuse_variants(count: int) -> None:
    """Raise Invalid where a brief may not have so many."""
    most = most_variants()
    if not 1 <= count <= most:
        raise Invalid(errors=[_out_of_range("variants", 1, most)])


def _out_of_range(field: str, low: int, high: int) -> dict[str, Any]:
    detail = _("must be from {low} to {high}").format(low=low, high=high)
    return {"pointer": f"/{field}", "code": "out_of_range", "detail": detail}


def clean_fields(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The kind's fields in their stored form; raises Invalid with a pointer for each problem."""
    try:
        return kinds.load(kind).clean(fields)
    except kinds.UnknownKind as error:
        detail = _("Choose one of: {kinds}.").format(kinds=", ".join(kinds.KINDS))
        problem = {"pointer": "/kind", "code": "invalid_choice", "detail": detail}
        raise Invalid(errors=[problem]) from error
    except BriefError as error:
        raise Invalid(errors=[_problem(each) for each in error.problems]) from error


def _problem(problem: Any) -> dict[str, Any]:
    detail = _(problem.message).format(**dict(problem.params))
    return {"pointer": f"/fields/{problem.field}", "code": "invalid", "detail": detail}


def brief_title(kind: str, fields: Mapping[str, Any]) -> str:
    """The first words of the brief's first answer in words."""
    asked = (field.name for field in kinds.load(kind).fields if field.type in {"text", "textarea"})
    first = next((fields[name] for name in asked if fields.get(name)), "")
    return first.splitlines()[0][:120] if first else _("Untitled")


@transaction.atomic
def variants_add(*, brief: Brief, count: int) -> list[Variant]:
    """Have more variants of a brief written, as many as it may have."""
    brief = Brief.objects.select_for_update(of=("self",)).get(pk=brief.pk)
    numbers = set(brief.variants.values_list("number", flat=True))
    most = most_variants()
    free = [number for number in range(1, most + 1) if number not in numbers]
    if not 1 <= count <= len(free):
        detail = _("A brief has at most {limit} variants.").format(limit=most)
        raise TooManyVariants(detail)
    fresh = [
        Variant(brief=brief, number=number, seed=secrets.randbelow(2**31))
        for number in free[:count]
    ]
    variants_order(variants=fresh)
    return fresh


@transaction.atomic
def variant_stop(*, variant: Variant) -> Variant:
    """End the writing; what was written so far stays."""
    if variant.job is not None:
        # The job's row is locked before the variant's, as everywhere: else two could deadlock.
        job_cancel(job=variant.job)
        variant.refresh_from_db()
    return variant


@transaction.atomic
def variant_retry(*, variant: Variant) -> Variant:
    """Write the variant anew, with another seed."""
    variant = Variant.objects.select_for_update().get(pk=variant.pk)
    if not variant.finished:
        raise VariantInProgress(_("This variant is still being written."))
    fresh: dict[str, Any] = {
        "state": Variant.State.QUEUED,
        "error": "",
        "text": "",
        "model_text": "",
        "data": {},
        "issues": [],
        "base_sha256": "",
        "adapter_sha256": "",
        "own_lines": None,
        "lines": None,
        "rating": 0,
        "picked_at": None,
        "seed": secrets.randbelow(2**31),
    }
    request_jobs([variant])
    variant.update_fields(fresh | {"job": variant.job})
    return variant


@transaction.atomic
def variant_edit(*, variant: Variant, text: str) -> Variant:
    """Change a variant's text in place; the model's own text stays beside it."""
    variant = Variant.objects.select_for_update().get(pk=variant.pk)
    refuse_unfinished(variant)
    data, text = read_text(variant.brief.kind_spec, text)
    variant.update_fields({"text": text, "data": data, "issues": check(variant.brief, data)})
    return variant


def refuse_unfinished(variant: Variant) -> None:
    if variant.state != Variant.State.READY:
        raise VariantNotReady(_("This variant is not finished."))


def read_text(form: Kind, text: str) -> tuple[dict[str, Any], str]:
    """An edited text as data and in its kind's form; raises Invalid where nothing is left of it."""
    data = form.parse(text)
    kept = form.render(data)
    if not kept.strip():
        detail = _("The text has none of the parts of this kind of copy. Keep their headings.")
        if not text.strip():
            detail = _("The text is empty.")
        raise Invalid(errors=[{"pointer": "/text", "code": "blank", "detail": detail}])
    return data, kept


def check(brief: Brief, data: dict[str, Any]) -> list[dict[str, Any]]:
    """The issues of a text, in their stored form."""
    return [issue_to_json(issue) for issue in brief.kind_spec.check(data, brief.data())]


def issue_to_json(issue: Issue) -> dict[str, Any]:
    return {
        "code": issue.code,
        "message": issue.message,
        "params": dict(issue.params),
        "part": issue.part,
        "start": issue.start,
        "end": issue.end,
        "severity": issue.severity,
        "suggestion": issue.suggestion,
    }


@transaction.atomic
def variant_pick(*, variant: Variant) -> Content:
    """Take the variant into the library; picking it again gives the same content."""
    variant = Variant.objects.select_for_update().select_related("brief").get(pk=variant.pk)
    refuse_unfinished(variant)
    # Written anew after it was picked, it is another text and becomes another content.
    if variant.picked_at and (existing := variant.contents.newest().first()):
        return existing
    brief = variant.brief
    content = Content(
        kind=brief.kind,
        title=brief.title,
        language=brief.language,
        brief=brief,
        variant=variant,
        writer=variant.writer,
        created_by=current_actor().user,
    )
    content.add_version(text=variant.text, data=variant.data)
    record("content.created", content, version=content.version)
    variant.update_fields({"picked_at": timezone.now()})
    return content
