"""One variant: its card, edited in place, compared, rated, stopped, written anew, picked."""

from http import HTTPStatus
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation import services
from generation.forms.parts import edit_form
from generation.models import Brief, Variant
from generation.presentation import diff
from generation.views.briefs import BRIEFS, brief_context
from generation.views.cards import Card
from generation.views.pages import PortalRequest, attempt, go, page, posted
from tenants.access import role_required

RATINGS = {"up": 1, "none": 0, "down": -1}


def find(pk: UUID, number: int) -> Variant:
    variants = Variant.objects.select_related("job", *(f"brief__{name}" for name in BRIEFS))
    return get_object_or_404(variants, brief_id=pk, number=number)


def card(request: PortalRequest, variant: Variant, *, status: int = HTTPStatus.OK) -> HttpResponse:
    """The variant's card for htmx; the brief's whole page for everybody else."""
    if not request.htmx and request.method == "POST":
        return go(request, "brief", variant.brief_id)
    if not request.htmx:
        return page(request, "brief", brief_context(variant.brief))
    context = {"card": Card.of(variant), "brief": variant.brief}
    return page(request, "_variant", context, status=status)


def all_cards(request: PortalRequest, brief: Brief) -> HttpResponse:
    """All cards anew, so that the page listens to the new writing too."""
    if not request.htmx:
        return go(request, "brief", brief.pk)
    return page(request, "_variants", brief_context(brief))


@require_GET
def variant(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    return card(request, find(pk, number))


@require_http_methods(["GET", "POST"])
@role_required("editor")
def variant_edit(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    """The text as fields; sending them changes it in place."""
    found = find(pk, number)
    if not Card.of(found).usable:
        return card(request, found)
    form = edit_form(found.brief.kind_spec, found.data, posted(request))
    if request.method == "POST" and form.is_valid():
        changed = services.variant_edit(variant=found, text=form.text)
        return card(request, changed)
    refused = request.method == "POST"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    context = {"card": Card.of(found), "brief": found.brief, "form": form}
    name = "_variant_edit" if request.htmx else "variant_edit"
    return page(request, name, context, status=status)


@require_GET
def variant_diff(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    """The text beside the model's own, word by word."""
    found = find(pk, number)
    context = {
        "card": Card.of(found),
        "brief": found.brief,
        "pieces": diff.words(found.model_text, found.text),
    }
    return page(request, "_variant_diff" if request.htmx else "variant_diff", context)


@require_POST
@role_required("editor")
def variant_stop(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    found = find(pk, number)
    attempt(request, lambda: services.variant_stop(variant=found))
    # The page hears of the end from its stream, like of any other.
    return HttpResponse(status=204) if request.htmx else go(request, "brief", pk)


@require_POST
@role_required("editor")
def variant_retry(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    """Write it anew; what it said before is gone, unless it was picked."""
    found = find(pk, number)
    attempt(request, lambda: services.variant_retry(variant=found))
    return all_cards(request, found.brief)


@require_POST
@role_required("editor")
def variant_rate(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    found = find(pk, number)
    found.update_fields({"rating": RATINGS.get(request.POST.get("rating", ""), 0)})
    return card(request, found)


@require_POST
@role_required("editor")
def variant_pick(request: PortalRequest, slug: str, pk: UUID, number: int) -> HttpResponse:
    """Take the variant into the library and go on there."""
    found = find(pk, number)
    content = attempt(
        request,
        lambda: services.variant_pick(variant=found),
        _("It is in the library now, as a draft."),
    )
    return go(request, "content", content.pk) if content else go(request, "brief", pk)
