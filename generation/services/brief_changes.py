"""What becomes of briefs after they were ordered, and ordering many of them at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from generation.errors import VariantInProgress
from generation.models import Brief
from generation.services.briefs import (
    brief_draft,
    brief_title,
    check,
    clean_fields,
    refuse_variants,
)
from generation.services.orders import variants_order
from saas.errors import Invalid
from tenants.events import record


def _locked(brief: Brief) -> Brief:
    """The brief, which nothing is being written for."""
    found = Brief.objects.select_for_update(of=("self",)).get(pk=brief.pk)
    if found.variants.unfinished().exists():
        raise VariantInProgress(_("A variant of this brief is still being written."))
    return found


@transaction.atomic
def brief_change(*, brief: Brief, **changes: Any) -> Brief:
    """Ask for something else. The texts that are there stay, with what is now to be said of them.

    Raises Invalid and VariantInProgress.
    """
    brief = _locked(brief)
    if "fields" in changes:
        changes["fields"] = clean_fields(brief.kind, changes["fields"])
        changes["title"] = brief_title(brief.kind, changes["fields"])
    for name, value in changes.items():
        setattr(brief, name, value)
    brief.save(update_fields=[*changes, "updated_at"])
    for variant in brief.variants.ready():
        variant.update_fields({"issues": check(brief, variant.data)})
    return brief


@transaction.atomic
def brief_delete(*, brief: Brief) -> None:
    """Delete it with its variants; what was picked from them stays in the library."""
    brief = _locked(brief)
    record("brief.deleted", brief)
    brief.delete()


@transaction.atomic
def briefs_request(*, orders: Sequence[Mapping[str, Any]]) -> list[Brief]:
    """Order many briefs in one go: all of them, or none.

    Raises Invalid with each fault at its order's place, QueueFull and InsufficientCredits.
    """
    drafts, errors = [], []
    for place, order in enumerate(orders):
        try:
            drafts.append(brief_draft(**order))
            refuse_variants(len(drafts[-1].variants))
        except Invalid as error:
            errors += [
                each | {"pointer": f"/briefs/{place}{each['pointer']}"}
                for each in error.extra["errors"]
            ]
    if errors:
        raise Invalid(errors=errors)
    briefs = [draft.brief for draft in drafts]
    variants_order(briefs=briefs, variants=[each for draft in drafts for each in draft.variants])
    return briefs
