"""Experiments: two ways of answering beside each other, and what may be said of them so far."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from recommendations.forms import ExperimentForm
from recommendations.models import Experiment, Scenario
from recommendations.services.experiments import (
    experiment_report,
    experiment_start,
    experiment_stop,
)
from saas.errors import AppError
from tenants.access import role_required
from tenants.portal import PortalRequest, go, posted, rendered

LEAST_PERSONS = 100


@require_GET
def experiment_list(request: PortalRequest, slug: str) -> HttpResponse:
    context = {
        "experiments": Experiment.objects.select_related("scenario").order_by("-created_at"),
        "scenarios": Scenario.objects.exists(),
        "can_change": request.membership.may("editor"),
    }
    return rendered(request, "recommendations/experiment_list.html", context)


@require_http_methods(["GET", "POST"])
@role_required("editor")
def experiment_new(request: PortalRequest, slug: str) -> HttpResponse:
    form = ExperimentForm(posted(request))
    if form.is_bound and form.is_valid():
        try:
            made = experiment_start(
                scenario=form.cleaned_data["scenario"],
                name=form.cleaned_data["name"],
                arms=form.arms(),
            )
        except AppError as error:
            form.refuse(error)
        else:
            messages.success(request, _("“%s” is running.") % made)
            return go(request, "recommend-experiment", made.pk)
    status = 422 if form.is_bound else 200
    return rendered(request, "recommendations/experiment_form.html", {"form": form}, status=status)


@require_GET
def experiment_page(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    experiment = get_object_or_404(Experiment.objects.select_related("scenario"), pk=pk)
    report = experiment_report(experiment=experiment)
    context: dict[str, Any] = {
        "experiment": experiment,
        "report": report,
        "few": min(arm.persons for arm in report.arms) < LEAST_PERSONS,
        "least": LEAST_PERSONS,
        "can_change": request.membership.may("editor"),
    }
    return rendered(request, "recommendations/experiment.html", context)


@require_POST
@role_required("editor")
def experiment_stopped(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """End it; an arm that is named becomes what holds for everybody."""
    experiment = get_object_or_404(Experiment.objects.select_related("scenario"), pk=pk)
    experiment_stop(experiment=experiment, keep=request.POST.get("keep", "")[:40])
    messages.success(request, _("“%s” has ended.") % experiment)
    return go(request, "recommend-experiment", experiment.pk)
