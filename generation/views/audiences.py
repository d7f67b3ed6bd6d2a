"""Audiences: the people that texts are for."""

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation.forms import AudienceForm
from generation.models import Audience
from generation.views.pages import PortalRequest, go, page, posted, saved
from tenants.access import role_required
from tenants.undo import deleted, done


@require_GET
def audience_list(request: PortalRequest, slug: str) -> HttpResponse:
    audiences = Audience.objects.annotate(uses=Count("briefs"))
    return page(request, "audience_list", {"audiences": audiences})


@require_http_methods(["GET", "POST"])
@role_required("editor")
def audience_new(request: PortalRequest, slug: str) -> HttpResponse:
    return _edit(request, Audience())


@require_http_methods(["GET", "POST"])
@role_required("editor")
def audience_edit(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    return _edit(request, get_object_or_404(Audience, pk=pk))


def _edit(request: PortalRequest, audience: Audience) -> HttpResponse:
    form = AudienceForm(posted(request), instance=audience)
    if form.is_bound and form.is_valid() and saved(form):
        messages.success(request, _("“{name}” is saved.").format(name=audience.name))
        return go(request, "audience-list")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {
        "form": form,
        "audience": audience,
        "title": form.initial.get("name") or _("New audience"),
        "saved": not audience._state.adding,
    }
    return page(request, "audience_form", context, status=status)


@require_POST
@role_required("editor")
def audience_delete(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Delete it; briefs that were written for it stay, and are for everybody now."""
    audience = get_object_or_404(Audience, pk=pk)
    noted = deleted(audience)
    done(request, _("“{name}” is deleted.").format(name=audience.name), "restore", noted)
    return go(request, "audience-list")
