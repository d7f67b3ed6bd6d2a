"""Home: an inbox of what waits for its reader; the first steps, and what there is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from generation.models import Brand, Brief, Content, Variant
from generation.views.pages import PortalRequest, page
from tenants.billing.services import balance

SHOWN = 5
# What nobody has looked at for so long does not wait for anybody.
RECENT_DAYS = 14


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
    decides = request.membership.may("admin")
    context: dict[str, Any] = {
        "to_pick": to_pick()[:SHOWN],
        "failed": went_wrong(),
        "my_reviews": decides,
        "steps": steps,
        "next_step": next((step for step in steps if not step.done), None),
        "reviews": reviews[:SHOWN] if review_count else [],
        "review_count": review_count,
        "drafts": contents.filter(status=Content.Status.DRAFT).count(),
        "writing": written_now()[:SHOWN],
        "recent": recent,
        "balance": balance(),
    }
    return page(request, "home", context)


def lately() -> QuerySet[Brief]:
    """The briefs that somebody may still care about, newest first, with the brands they are for."""
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    found: QuerySet[Brief] = Brief.objects.filter(created_at__gte=since, batch=None)
    return found.select_related("brand").order_by("-created_at")


def to_pick() -> QuerySet[Brief]:
    """Written, and nobody has picked one yet."""
    own = Variant.objects.filter(brief=OuterRef("pk"))
    waiting = Exists(own.ready()) & ~Exists(own.exclude(picked_at=None)) & ~Exists(own.unfinished())
    return lately().filter(waiting)


def went_wrong() -> list[tuple[Brief, str]]:
    """Briefs of which nothing came, with the reason of the first that failed."""
    own = Variant.objects.filter(brief=OuterRef("pk"))
    failed = own.filter(state=Variant.State.FAILED).order_by("number")
    hopeless = Exists(failed) & ~Exists(own.ready()) & ~Exists(own.unfinished())
    briefs = lately().filter(hopeless).annotate(reason=failed.values("error")[:1])[:SHOWN]
    # Stored in the words of the source, some of which the catalogue knows.
    return [
        (each, _(each.reason) if each.reason else _("The writing went wrong.")) for each in briefs
    ]


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
