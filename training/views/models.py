"""Teach, the models: what a workspace writes with, since when, and who chose it."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation.engine.lora.base_model import BaseModel
from saas.errors import Conflict, Invalid, TooLarge, Unavailable, UnsupportedMedia
from saas.storage import InsufficientStorage
from tenants.access import role_required
from tenants.portal import PortalRequest, attempt, go, posted, rendered
from training import base_model, services
from training.forms import ModelImportForm
from training.models import ModelSwitch, ModelVersion

HISTORY = 20
REFUSALS = (Invalid, TooLarge, UnsupportedMedia, Conflict, Unavailable, InsufficientStorage)
LIGHT, MEDIUM = 8, 16


@dataclass(frozen=True, slots=True)
class Row:
    """A version as the list shows it."""

    version: ModelVersion
    live: bool
    base: BaseModel | None

    @property
    def fits(self) -> bool:
        return self.base is not None and self.base.sha256 == self.version.base_sha256

    @property
    def kept(self) -> bool:
        return self.version.state != ModelVersion.State.ERASED

    @property
    def depth(self) -> str:
        """The rank in words: how much the adapter can change."""
        if self.version.rank <= LIGHT:
            return _("Light touch")
        return _("Firm hand") if self.version.rank <= MEDIUM else _("Deep change")


@require_GET
def model_list(request: PortalRequest, slug: str) -> HttpResponse:
    return page(request, "model_list", overview())


def overview() -> dict[str, Any]:
    base = known_base()
    switch = services.live_switch()
    live = switch.version if switch else None
    versions = ModelVersion.objects.select_related("created_by", "api_key")
    shown = [*versions.kept(), *versions.erased()[:HISTORY]]
    switches = ModelSwitch.objects.latest_first().select_related("created_by", "api_key", "version")
    rows = [Row(version, version == live, base) for version in shown]
    return {
        "rows": rows,
        "live": next((row for row in rows if row.live), None),
        "base": base,
        "can_step_back": bool(switch and (switch.version or switch.back)),
        "switches": switches[:HISTORY],
    }


def known_base() -> BaseModel | None:
    try:
        return base_model.current()
    except Unavailable:
        return None


@require_http_methods(["GET", "POST"])
@role_required("admin")
def model_import(request: PortalRequest, slug: str) -> HttpResponse:
    """The form; a good adapter goes to the list, and live only when somebody says so."""
    form = ModelImportForm(posted(request), request.FILES or None)
    if form.is_bound and form.is_valid() and (made := imported(request, form)):
        text = _("“%(name)s” is here. Make it live when you want to write with it.")
        messages.success(request, text % {"name": made.name})
        return go(request, "model-list")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page(request, "model_import", {"form": form, "base": known_base()}, status=status)


def imported(request: PortalRequest, form: ModelImportForm) -> ModelVersion | None:
    try:
        return services.version_import(upload=form.upload())
    except REFUSALS as error:
        form.refuse(error)
        return None


@require_POST
@role_required("admin")
def model_promote(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk)
    done = _("“%(name)s” is live: what you order from now on is written with it.")
    return changed(
        request,
        lambda: services.version_promote(version=version),
        done % {"name": version.name},
    )


@require_POST
@role_required("admin")
def model_reset(request: PortalRequest, slug: str) -> HttpResponse:
    return changed(
        request,
        lambda: services.version_promote(version=None),
        _("The base model is live: what you order from now on is written with it alone."),
    )


@require_POST
@role_required("admin")
def model_rollback(request: PortalRequest, slug: str) -> HttpResponse:
    switch = attempt(request, services.version_rollback)
    if switch is not None:
        name = switch.version.name if switch.version else _("The base model")
        messages.success(request, _("%(name)s is live again.") % {"name": name})
    return go(request, "model-list")


@require_POST
@role_required("admin")
def model_quarantine(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk)
    return changed(
        request,
        lambda: services.version_quarantine(version=version),
        _("“%(name)s” is on hold: nothing is written with it.") % {"name": version.name},
    )


@require_POST
@role_required("admin")
def model_resume(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk)
    return changed(
        request,
        lambda: services.version_resume(version=version),
        _("“%(name)s” can be written with again.") % {"name": version.name},
    )


@require_POST
@role_required("admin")
def model_erase(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    version = get_object_or_404(ModelVersion, pk=pk)
    return changed(
        request,
        lambda: services.version_erase(version=version),
        _("“%(name)s” is deleted.") % {"name": version.name},
    )


def changed(request: PortalRequest, change: Callable[[], object], done: str) -> HttpResponse:
    attempt(request, change, done)
    return go(request, "model-list")


def page(
    request: PortalRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    rights = {"can_teach": request.membership.may("admin")}
    return rendered(request, f"training/{name}.html", rights | context, status=status)
