"""Write: choose a kind of copy, fill in its brief, see what it may cost."""

from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation import kinds
from generation.forms import BriefForm, first_values
from generation.kinds.kind import Kind
from generation.models import Brand, Brief
from generation.services import brief_request
from generation.services.orders import brief_price
from generation.serving.routing import default_choice
from generation.views.pages import PortalRequest, go, page
from saas.errors import Conflict, InsufficientCredits
from tenants.access import role_required
from tenants.billing.services import balance
from tenants.jobs.errors import QueueFull


def kind_or_404(name: str) -> Kind:
    try:
        return kinds.load(name)
    except kinds.UnknownKind as error:
        raise Http404 from error


@require_GET
@role_required("editor")
def write(request: PortalRequest, slug: str) -> HttpResponse:
    """The kinds of copy, and the briefs written last."""
    context = {
        "kinds": [kinds.load(name) for name in kinds.KINDS],
        "recent": Brief.objects.filter(batch=None).select_related("brand").newest()[:6],
        "has_brand": Brand.objects.exists(),
    }
    return page(request, "write", context)


@require_http_methods(["GET", "POST"])
@role_required("editor")
def brief_new(request: PortalRequest, slug: str, kind: str) -> HttpResponse:
    """The brief's form; sending it has the variants written."""
    wanted = kind_or_404(kind)
    if not Brand.objects.exists():
        return page(request, "brief_no_brand", {"kind": wanted})
    if request.method == "POST":
        return _ordered(request, wanted)
    example = "example" in request.GET
    start = first_values(wanted, _earlier(request, wanted), example=example)
    return _form(request, BriefForm(wanted, initial=start))


def _earlier(request: PortalRequest, kind: Kind) -> Brief | None:
    """The brief that the new one starts from, where the address names one."""
    try:
        found: Brief = Brief.objects.get(pk=request.GET.get("from", ""), kind=kind.name)
    except (Brief.DoesNotExist, ValueError, ValidationError):
        return None
    return found


def _ordered(request: PortalRequest, kind: Kind) -> HttpResponse:
    form = BriefForm(kind, request.POST)
    if not form.is_valid():
        return _form(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        brief = brief_request(**form.order())
    except InsufficientCredits as error:
        return _form(request, form, status=HTTPStatus.PAYMENT_REQUIRED, refused=error)
    except (Conflict, QueueFull) as error:  # what is live cannot be written with, or must wait
        form.add_error(None, str(error))
        return _form(request, form, status=error.status)
    return go(request, "brief", brief.pk)


def _form(
    request: PortalRequest,
    form: BriefForm,
    *,
    status: int = HTTPStatus.OK,
    refused: InsufficientCredits | None = None,
) -> HttpResponse:
    context = {"form": form, "kind": form.kind, "refused": refused, **_cost(form)}
    return page(request, "brief_form", context, status=status)


@require_POST
@role_required("editor")
def brief_estimate(request: PortalRequest, slug: str, kind: str) -> HttpResponse:
    """What the brief may cost at most, as far as it is filled in."""
    form = BriefForm(kind_or_404(kind), request.POST)
    return page(request, "_estimate", _cost(form))


def _cost(form: BriefForm) -> dict[str, int]:
    """The most that the writing can cost, and what there is, in micro-credits."""
    choice = default_choice()
    if not choice.charged:
        return {"cost": 0, "available": balance().available}
    given = form if form.is_bound else BriefForm(form.kind, _as_posted(form))
    given.is_valid()
    each = brief_price(choice.writer_for(form.kind).estimate_tokens(form.kind, given.sketch()))
    variants = given.cleaned_data.get("variants") or 1
    return {"cost": each * variants, "available": balance().available}


def _as_posted(form: BriefForm) -> dict[str, object]:
    values = {field.name: field.value() for field in form}
    return {name: getattr(value, "pk", value) for name, value in values.items()}
