"""Teach, the runs: what is taught and what it costs, how far it is, and if it is better."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from saas.errors import AppError
from tenants.access import role_required
from tenants.billing.prices import in_credits
from tenants.portal import PortalRequest, attempt, go, posted
from training.forms import RunForm
from training.head_forms import HeadRunForm
from training.head_recipes import teaches_head
from training.head_report import head_verdict, report
from training.models import Dataset, TrainingRun
from training.plots import lines
from training.recipes import recipe_of
from training.services.runs import run_cancel, run_estimate, run_request
from training.views.datasets import page, status_of


@require_GET
def run_list(request: PortalRequest, slug: str) -> HttpResponse:
    runs = TrainingRun.objects.select_related("job", "dataset", "model").newest()[:50]
    return page(request, "run_list", {"runs": runs})


@require_http_methods(["GET", "POST"])
@role_required("admin")
def run_new(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """How thoroughly, what it will take, and start."""
    dataset = get_object_or_404(Dataset, pk=pk)
    form_class = HeadRunForm if teaches_head(dataset) else RunForm
    form = form_class(posted(request), initial={"name": dataset.name})
    if form.is_bound and form.is_valid():
        try:
            run = run_request(
                dataset=dataset,
                name=form.cleaned_data["name"],
                effort=form.cleaned_data["effort"],
                changes=form.changes(),
            )
        except AppError as error:
            form.refuse(error)
        else:
            return go(request, "training-run", run.pk)
    context = {"form": form, "dataset": dataset, "estimates": estimates(dataset)}
    return page(request, "run_form", context, status_of(form))


def estimates(dataset: Dataset) -> list[dict[str, Any]]:
    """What each effort takes, in minutes and credits."""
    found = []
    for effort in TrainingRun.Effort:
        estimate = run_estimate(dataset=dataset, recipe=recipe_of(dataset, effort, {}))
        minutes = max(1, round(estimate.seconds / 60))
        found.append({"label": effort.label, "minutes": minutes, "cost": in_credits(estimate.cost)})
    return found


@require_GET
def training_run(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    """A run as it goes on: the page asks again while it is active."""
    runs = TrainingRun.objects.select_related("job", "dataset", "version", "model")
    run = get_object_or_404(runs, pk=pk)
    context = {
        "run": run,
        "plot": lines(run.losses, run.validations),
        "verdict": verdict(run),
        "report": report(run),
        "owns": request.membership.may("owner"),
    }
    return page(request, "_run" if request.htmx else "run", context)


def verdict(run: TrainingRun) -> str:
    """Whether the model is better, in a sentence that says how sure that is."""
    found = run.evaluation
    if not found:
        return ""
    if teaches_head(run.dataset):
        return head_verdict(run)
    if found["won"]:
        return _(
            "It writes the texts that it never saw %(times).1f times as readily as the base model, "
            "on %(rows)d texts kept aside."
        ) % {"times": found["base"] / found["candidate"], "rows": found["rows"]}
    return _(
        "On %(rows)d texts kept aside it is not surely better than the base model. "
        "More rows help most."
    ) % {"rows": found["rows"]}


@require_POST
@role_required("admin")
def run_cancelled(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    run = get_object_or_404(TrainingRun, pk=pk)
    attempt(request, lambda: run_cancel(run=run), _("It stops after the step that it is at."))
    return go(request, "training-run", pk)
