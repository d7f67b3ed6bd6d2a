"""The workspace's own model server: its address, its key, whether it answers."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from generation.forms import EndpointForm
from generation.models import Endpoint
from generation.services import (
    endpoint_delete,
    endpoint_save,
    endpoint_switch,
    endpoint_tried,
    endpoint_try,
)
from generation.serving import customer_endpoint
from generation.views.pages import PortalRequest, go, page, posted
from saas.api.limiter import Charge, Policy
from saas.api.throttling import charge
from saas.errors import Invalid, NotFound
from tenants.access import require_role, role_required
from tenants.jobs.streams import release_connection

# Each try sends a request into the world in the workspace's name: so many an hour.
TRIES = Charge(Policy("endpoint_tries", quota=60, window=3600))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def model_server(request: PortalRequest, slug: str) -> HttpResponse:
    """Admins see what is set up; only an owner may set it up."""
    if request.method == "POST":
        require_role(request, "owner")
    stored = Endpoint.objects.first()
    form = EndpointForm(posted(request), instance=Endpoint.objects.first() or Endpoint())
    if form.is_bound and form.is_valid() and _saved(form):
        messages.success(request, _("Saved. Test the connection next."))
        return go(request, "model-server")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context: dict[str, Any] = {
        "form": form,
        "endpoint": stored,
        "trouble": customer_endpoint.WORDS.get(stored.check_result, "") if stored else "",
        "owns": request.membership.may("owner"),
    }
    return page(request, "model_server", context, status=status)


def _saved(form: EndpointForm) -> bool:
    try:
        endpoint_save(**form.given())
    except Invalid as error:  # said beside the field that it is about
        pointer = error.extra.get("errors", [{}])[0].get("pointer", "")
        form.add_error(pointer.removeprefix("/") or None, error.detail)
        return False
    return True


@require_POST
@transaction.non_atomic_requests
@role_required("owner")
def model_server_test(request: PortalRequest, slug: str) -> HttpResponse:
    """Try the server; no transaction waits for it."""
    stored = Endpoint.objects.first()
    if stored is None:
        raise NotFound
    charge(request, [TRIES])
    target = customer_endpoint.Target.of(stored)
    release_connection()
    answer = endpoint_try(target)
    endpoint_tried(target=target, answer=answer)
    if answer.code == Endpoint.WORKS:
        seconds = number_format(answer.seconds, decimal_pos=1)
        messages.success(request, _("Your model server answered in %s seconds.") % seconds)
    else:
        words = customer_endpoint.WORDS.get(answer.code, _("Your model server could not answer."))
        messages.error(request, str(words))
    return go(request, "model-server")


@require_POST
@role_required("owner")
def model_server_switch(request: PortalRequest, slug: str) -> HttpResponse:
    enabled = request.POST.get("enabled") == "on"
    endpoint_switch(enabled=enabled)
    done = _("New texts are written by your model server.") if enabled else _("Switched off.")
    messages.success(request, done)
    return go(request, "model-server")


@require_POST
@role_required("owner")
def model_server_delete(request: PortalRequest, slug: str) -> HttpResponse:
    endpoint_delete()
    messages.success(request, _("Your model server and its key are removed."))
    return go(request, "model-server")
