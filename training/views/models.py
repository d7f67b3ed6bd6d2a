"""Teach, the models: what a workspace writes with, since when, and who chose it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation.engine.lora.base_model import BaseModel
from saas.errors import Conflict, Invalid, TooLarge, Unavailable, UnsupportedMedia
from saas.storage import InsufficientStorage
from tenants.access import role_required
from tenants.portal import PortalRequest, attempt, go, posted, rendered
from training import base_model, services
from training.forms import ModelImportForm, PlaceForm, TryForm
from training.head_report import head_verdict, report, tried
from training.model_card import card_markdown, model_card
from training.models import ModelSwitch, ModelVersion
from training.models.aliases import CHALLENGER, CONFIDENCES
from training.services.aliases import alias_of, alias_remove, alias_set
from training.services.challenge import comparison_now
from training.services.gate import confidence_set, gate_now
from training.services.predictions import predict

HISTORY = 20
LONGEST_REASON = 300
REFUSALS = (Invalid, TooLarge, UnsupportedMedia, Conflict, Unavailable, InsufficientStorage)
LIGHT, MEDIUM = 8, 16
SHARES = (5, 10, 20, 30, 50)
MEASURE_WORDS = {
    "liked": gettext_lazy("Liked, of those rated"),
    "picked": gettext_lazy("Picked"),
    "approved": gettext_lazy("Approved"),
    "changed": gettext_lazy("Of the text changed by you"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A version as the list shows it."""

    version: ModelVersion
    live: bool
    base: BaseModel | None
    # Whether it goes live by a click, without anybody's word for it.
    proven: bool

    @property
    def fits(self) -> bool:
        if not self.version.writes:
            return True
        return self.base is not None and self.base.sha256 == self.version.base_sha256

    @property
    def kept(self) -> bool:
        return self.version.state != ModelVersion.State.ERASED

    @property
    def depth(self) -> str:
        """The rank in words: how much the adapter can change; or what a head does."""
        if not self.version.writes:
            return str(self.version.get_task_display())
        if self.version.rank <= LIGHT:
            return _("Light touch")
        return _("Firm hand") if self.version.rank <= MEDIUM else _("Deep change")


@require_GET
def model_list(request: PortalRequest, slug: str) -> HttpResponse:
    return page(request, "model_list", overview())


def overview() -> dict[str, Any]:
    base = base_model.known()
    lives = ModelSwitch.objects.live()
    switch = lives.get(None)
    live = {each.version_id for each in lives.values()}
    versions = ModelVersion.objects.select_related("created_by", "api_key")
    versions = versions.prefetch_related("aliases")
    shown = [*versions.kept(), *versions.erased()[:HISTORY]]
    switches = ModelSwitch.objects.latest_first().select_related("created_by", "api_key", "version")
    gate = gate_now()
    rows = [Row(each, each.pk in live, base, gate.opens_for(each)) for each in shown]
    return {
        "rows": rows,
        "live": next((row for row in rows if row.live and row.version.writes), None),
        "base": base,
        "can_step_back": bool(switch and (switch.version or switch.back)),
        "switches": switches[:HISTORY],
        "challenger": alias_of(CHALLENGER),
        "comparison": comparison_rows(),
        "confidence": gate.confidence,
        "confidences": CONFIDENCES,
        "shares": SHARES,
    }


@require_GET
def model(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """One model: what it is, how good it was, and what was done with it."""
    versions = ModelVersion.objects.select_related("created_by", "api_key", "dataset", "parent")
    version = get_object_or_404(versions, pk=pk)
    switch = services.live_switch(version.place)
    run = version.runs.select_related("dataset").newest().first()
    context = {
        "row": Row(
            version,
            bool(switch and switch.version_id == version.pk),
            base_model.known(),
            gate_now().opens_for(version),
        ),
        "version": version,
        "run": run,
        "report": report(run) if run else None,
        "verdict": head_verdict(run) if run and not version.writes else "",
        "can_step_back": bool(switch and (switch.version or switch.back)),
        "card": model_card(version),
        "owns": request.membership.may("owner"),
        "form": None if version.writes else TryForm(),
    }
    return page(request, "model", context)


@require_POST
@role_required("viewer")
def model_try(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """What a head says of one text, with what each word does for it; this is free."""
    version = get_object_or_404(ModelVersion, pk=pk)
    form = TryForm(request.POST)
    context: dict[str, Any] = {"form": form, "version": version}
    if form.is_valid():
        text = form.cleaned_data["text"]
        explain = version.task == ModelVersion.Task.CLASSIFICATION
        ask = partial(predict, version=version, texts=[text], explain=explain, metered=False)
        try:
            context["tried"] = tried(text, ask()[0])
        except (Conflict, Unavailable) as error:
            form.add_error(None, str(error))
    status = HTTPStatus.OK if form.is_valid() else HTTPStatus.UNPROCESSABLE_ENTITY
    name = "_try" if request.htmx else "try"
    return page(request, name, context, status=status)


@require_GET
def model_card_file(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """The model card as Markdown, to keep beside the model."""
    version = get_object_or_404(ModelVersion.objects.select_related("dataset", "parent"), pk=pk)
    response = HttpResponse(card_markdown(version), content_type="text/markdown; charset=utf-8")
    name = f"model-{version.number}.md"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def comparison_rows() -> list[dict[str, Any]]:
    """Each measure of champion and challenger in percent, and whether they can be told apart."""
    found = comparison_now()
    if found is None:
        return []
    return [
        {
            "label": label,
            "champion": in_percent(found.champion[name]),
            "challenger": in_percent(found.challenger[name]),
            "apart": name in found.told_apart,
        }
        for name, label in MEASURE_WORDS.items()
    ]


def in_percent(measure: dict[str, Any]) -> dict[str, int]:
    percent = {name: round(100 * measure[name]) for name in ("value", "low", "high")}
    return {**percent, "cases": measure["cases"]}


@require_http_methods(["GET", "POST"])
@role_required("admin")
def model_import(request: PortalRequest, slug: str) -> HttpResponse:
    """The form; a good adapter goes to the list, and live only when somebody says so."""
    form = ModelImportForm(posted(request), request.FILES or None)
    if form.is_bound and form.is_valid() and (made := imported(request, form)):
        text = _("“%(name)s” is here. Make it live when you want to write with it.")
        messages.success(request, text % {"name": made.name})
        for doubt in base_model.doubts(made.base_name, base_model.known()):
            messages.warning(request, doubt)
        return go(request, "model-list")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page(request, "model_import", {"form": form, "base": base_model.known()}, status=status)


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
    if not version.writes:
        done = _("“%(name)s” is live: it answers for its dataset from now on.")
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    return changed(
        request,
        lambda: services.version_promote(version=version, reason=reason),
        done % {"name": version.name},
    )


@require_POST
@role_required("admin")
def model_challenge(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """Try a version beside what is live, on a share of what is ordered."""
    version = get_object_or_404(ModelVersion, pk=pk)
    share = request.POST.get("share", "")
    given = int(share) if share.isascii() and share.isdigit() and len(share) < 4 else 0
    done = _("“%(name)s” writes %(share)d percent of what you order from now on.")
    return changed(
        request,
        partial(alias_set, name=CHALLENGER, version=version, share=given),
        done % {"name": version.name, "share": given},
    )


@require_POST
@role_required("admin")
def challenger_removed(request: PortalRequest, slug: str) -> HttpResponse:
    return changed(
        request,
        partial(alias_remove, name=CHALLENGER),
        _("Nothing is tried beside what is live any more."),
    )


@require_POST
@role_required("owner")
def model_confidence(request: PortalRequest, slug: str) -> HttpResponse:
    """How sure a model has to be better before it goes live."""
    chosen = {str(value): value for value, _label in CONFIDENCES}.get(
        request.POST.get("confidence", "")
    )
    if chosen is None:
        return go(request, "model-list")
    return changed(request, partial(confidence_set, percent=chosen), _("Saved."))


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
    """Back to what was live before: in writing, or among the models of a dataset."""
    form = PlaceForm(request.POST)
    place = form.cleaned_data["dataset"] if form.is_valid() else None
    switch = attempt(request, lambda: services.version_rollback(place=place))
    if switch is not None and switch.version is None and place is not None:
        messages.success(request, _("No model answers for “%(name)s” now.") % {"name": place})
    elif switch is not None:
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
    may = request.membership.may
    rights = {"can_teach": may("admin"), "can_override": may("owner")}
    return rendered(request, f"training/{name}.html", rights | context, status=status)
