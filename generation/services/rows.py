"""What a workspace's own work teaches: approved copy, edits of the model's text, picks."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, cast

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from generation.engine.types import Message
from generation.models import Brief, Content, Variant
from generation.services.teaching import context_of
from generation.writers.prompts import render_brief, render_copy
from tenants.models_base import TenantQuerySet
from training.sources import RowSource, Values

Status = Content.Status
SHOWN_TO_OTHERS = (Status.IN_REVIEW, Status.APPROVED, Status.PUBLISHED)
OF_BRIEF = ("brief__brand", "brief__audience")
CHUNK = 500


def approved() -> TenantQuerySet[Content]:
    """Texts that somebody has approved, and that still are."""
    kept = Content.objects.live().filter(status__in=[Status.APPROVED, Status.PUBLISHED])
    return kept.exclude(brief=None)


def approved_rows() -> Iterator[Values]:
    for content in approved().select_related(*OF_BRIEF).iterator(CHUNK):
        brief = cast(Brief, content.brief)
        yield {
            "row_id": f"content:{content.pk}",
            "group_id": f"brief:{content.brief_id}",
            "kind": content.kind,
            "fields": brief.fields,
            "text": content.text,
            "context": context_of(brief),
        }


def edited() -> TenantQuerySet[Content]:
    """Texts that people have changed before they showed them to others."""
    shown = Content.objects.live().filter(status__in=SHOWN_TO_OTHERS).exclude(variant=None)
    return shown.exclude(brief=None).exclude(text=F("variant__model_text"))


def edited_rows() -> Iterator[Values]:
    """What people made of a text is preferred to what the model had written."""
    for content in edited().select_related("variant", *OF_BRIEF).iterator(CHUNK):
        brief, variant = cast(Brief, content.brief), cast(Variant, content.variant)
        kind = content.kind_spec
        yield {
            "row_id": f"edit:{content.pk}",
            "group_id": f"brief:{content.brief_id}",
            "messages": asked(brief),
            "chosen": render_copy(content.data).content,
            "rejected": render_copy(kind.parse(variant.model_text)).content,
        }


def judged() -> TenantQuerySet[Variant]:
    """Variants of briefs in which somebody has picked or rated one."""
    briefs = Variant.objects.ready().filter(~Q(rating=0) | ~Q(picked_at=None)).values("brief")
    return Variant.objects.ready().filter(brief__in=briefs)


def judgement(variant: Variant) -> int:
    """2 for a picked one, else its rating."""
    return 2 if variant.picked_at else int(variant.rating)


def judged_rows() -> Iterator[Values]:
    """Of each brief, the best-judged variant is preferred to each that was judged worse."""
    rows = judged().select_related(*OF_BRIEF).order_by("brief_id", "number")
    for _brief, group in groupby(rows.iterator(CHUNK), key=lambda each: each.brief_id):
        variants = sorted(group, key=judgement, reverse=True)
        best = variants[0]
        for worse in variants[1:]:
            if judgement(worse) < judgement(best) and worse.model_text != best.model_text:
                yield pair(best, worse)


def pair(better: Variant, worse: Variant) -> Values:
    kind = better.brief.kind_spec
    sides = {"chosen": better.model_text, "rejected": worse.model_text}
    return {
        "row_id": f"pick:{better.pk.hex}:{worse.pk.hex}",
        "group_id": f"brief:{better.brief_id}",
        "messages": asked(better.brief),
        **{name: render_copy(kind.parse(text)).content for name, text in sides.items()},
    }


def judged_pairs() -> int:
    return sum(1 for _row in judged_rows())


def asked(brief: Brief) -> list[dict[str, Any]]:
    """The order as it was put to the model."""
    messages: list[Message] = render_brief(brief.kind_spec, brief.data())
    return [{"role": each.role, "content": each.content} for each in messages]


SOURCES = (
    RowSource(
        name="approved",
        label=_("What we approved"),
        description=_("Texts that were approved or published, with the briefs they were for."),
        task="copy",
        count=lambda: approved().count(),
        rows=approved_rows,
    ),
    RowSource(
        name="edits",
        label=_("What we changed"),
        description=_("Your wording is preferred to what the model had written."),
        task="preference",
        count=lambda: edited().count(),
        rows=edited_rows,
    ),
    RowSource(
        name="picks",
        label=_("What we picked"),
        description=_("The variant that was picked or liked is preferred to the others."),
        task="preference",
        count=judged_pairs,
        rows=judged_rows,
    ),
)
