"""Developers: from a key to published copy, with calls to paste that name one's own brand."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from generation.models import Brand
from generation.presentation.calls import LANGUAGES, Calls
from generation.presentation.changelog import releases
from generation.views.pages import PortalRequest, page
from saas.api.problems import problems
from saas.shell import Shell
from tenants.billing.limits import default_of, known_limits, limits


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the guide; `keep` is what a shell needs of its answer for the next ones."""

    name: str
    title: Any
    about: Any
    keep: tuple[tuple[str, str], ...] = ()


GUIDE = (
    Step(
        "order",
        _("Order a piece of copy"),
        _(
            "The brief says what; the brand says how. GET /api/v1/kinds/ lists the kinds and their "
            "fields. The Idempotency-Key makes it safe to send the order again."
        ),
        (("JOB", "variants[0].job"), ("VARIANT", "variants[0].id")),
    ),
    Step(
        "wait",
        _("Wait until it is written"),
        _(
            "The answer comes when the job is over, or after 30 seconds: then ask again. The job "
            "says what it cost, in millionths of a credit."
        ),
    ),
    Step(
        "read",
        _("Read the text and its findings"),
        _(
            "Each finding says what is wrong, how badly, and where: part, start and end. No "
            "finding of severity error means that it may go out."
        ),
    ),
    Step(
        "pick",
        _("Take it into the library"),
        _("From here on it is a content, with versions, a review and an approval."),
        (("CONTENT", "id"), ("SHA256", "sha256")),
    ),
    Step(
        "edit",
        _("Change it"),
        _(
            "If-Match says which text you have read, by its ETag; where somebody else was faster, "
            "the answer is 412. A star takes whatever is there."
        ),
    ),
    Step(
        "approve",
        _("Approve exactly this text"),
        _("An approval is for one text, by its sha256. The key needs the scope approve."),
    ),
    Step("publish", _("Publish it"), _("Only an approved text can be.")),
    Step(
        "export",
        _("Take it along"),
        _("As Markdown, HTML, JSON, or CSV as the ad platform imports it."),
    ),
)
EVENTS = (
    ("progress", _("How far it is: percent and note.")),
    ("section", _("A new part of the text begins.")),
    ("token", _("More text of the part.")),
    ("reset", _("It is written anew: forget what was shown.")),
    ("usage", _("The tokens that were read and written.")),
    ("error", _("It went wrong: code and detail.")),
    ("done", _("The last event, with the job’s state.")),
)


@require_GET
def developers(request: PortalRequest, slug: str) -> HttpResponse:
    brand = Brand.objects.order_by("-is_default", "name").first()
    values = limits()
    rows = [(each.label, values[each.name]) for each in known_limits()]
    return page(request, "developers", described(request, brand) | {"limits": rows})


@require_GET
def public(request: HttpRequest) -> HttpResponse:
    """For visitors; members read it in their workspace, with its brand."""
    slug = Shell(request).slug if request.user.is_authenticated else ""
    if slug:
        return redirect("developers", slug)
    rows = [(each.label, default_of(each.name)) for each in known_limits()]
    context = described(request, None) | {"limits": rows}
    return render(request, "generation/developers_public.html", context)


def described(request: HttpRequest, brand: Brand | None) -> dict[str, Any]:
    asked = request.GET.get("code", "")
    language = asked if asked in LANGUAGES else next(iter(LANGUAGES))
    calls = Calls(language, settings.PUBLIC_URL, brand)
    return {
        "languages": LANGUAGES,
        "language": language,
        "server": settings.PUBLIC_URL,
        "brand": brand,
        "key_call": calls["key"],
        "first_call": calls["first"],
        "guide": [(step, calls[step.name]) for step in GUIDE],
        "events_call": calls["events"],
        "events": EVENTS,
        "problems": list(problems().values()),
        "releases": releases(),
    }
