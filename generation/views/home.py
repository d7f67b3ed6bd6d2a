"""Home: the first steps, what waits for somebody, what runs, what there is."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from generation.models import Brand, Brief, Content, Variant
from generation.views.pages import PortalRequest, page
from tenants.billing.services import balance


@dataclass(frozen=True, slots=True)
class FirstStep:
    """A step of the way to the first ad; it is done when its rows are there."""

    title: str
    why: str
    action: str
    url: str
    done: bool


@require_GET
def home(request: PortalRequest, slug: str) -> HttpResponse:
    contents = Content.objects.live().select_related("created_by")
    recent = list(contents.order_by("-updated_at")[:6])
    steps = first_steps(slug, picked=bool(recent) or Content.objects.exists())
    reviews = contents.filter(status=Content.Status.IN_REVIEW).order_by("updated_at")
    review_count = reviews.count()
    context: dict[str, Any] = {
        "steps": steps,
        "next_step": next((step for step in steps if not step.done), None),
        "reviews": reviews[:5] if review_count else [],
        "review_count": review_count,
        "drafts": contents.filter(status=Content.Status.DRAFT).count(),
        "writing": written_now()[:5],
        "recent": recent,
        "balance": balance(),
    }
    return page(request, "home", context)


def written_now() -> QuerySet[Brief]:
    waiting = Variant.objects.unfinished().values("brief_id")
    briefs: QuerySet[Brief] = Brief.objects.filter(pk__in=waiting).select_related("brand")
    return briefs.order_by("-created_at")


def first_steps(slug: str, *, picked: bool) -> list[FirstStep]:
    """From nothing to the first ad in the library, ticked off from what the workspace has.

    Once something was picked, an ad was written before it.
    """
    brief = None if picked else Brief.objects.newest().first()
    return [
        FirstStep(
            _("Tell us about your brand"),
            _("Its voice, its words, and the facts that copy may state."),
            _("Add your brand"),
            reverse("brand-new", args=[slug]),
            Brand.objects.exists(),
        ),
        FirstStep(
            _("Write your first ad"),
            _("Answer three questions; three variants are written side by side."),
            _("Write an ad"),
            reverse("brief-new", args=[slug, "search_ad"]),
            picked or brief is not None,
        ),
        FirstStep(
            _("Pick the one you like"),
            _("It goes to the library, where you edit, approve and export it."),
            _("See the variants"),
            brief.get_absolute_url() if brief else reverse("write", args=[slug]),
            picked,
        ),
    ]
