"""Teach, the runs: what is taught and what it costs, how far it is, and if it is better."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from jiter import from_json

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
from training.services.gate import gate_now
from training.services.runs import (
    run_cancel,
    run_estimate,
    run_pause,
    run_request,
    run_resume,
)
from training.views.datasets import page, status_of

DRAFT_WORDS = {
    "terms": gettext_lazy("Keeps to your terms, in percent"),
    "limits": gettext_lazy("Keeps to the limits, in percent"),
    "bleu": gettext_lazy("Like your text, word by word (BLEU)"),
    "chrf": gettext_lazy("Like your text, letter by letter (chrF)"),
    "rouge_l": gettext_lazy("In the same order (ROUGE-L), in percent"),
    "distinct_2": gettext_lazy("Different pairs of words, in percent"),
    "copied": gettext_lazy("Copied from your rows, in percent of the words"),
}


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
        "now": now_of(run),
        "proven": bool(run.model and gate_now().opens_for(run.model)),
        "answers": answers_of(run),
        "drafts": draft_rows(run),
        "drafts_said": drafts_said(run),
        "plot": lines(run.losses, run.validations),
        "verdict": verdict(run),
        "report": report(run),
        "owns": request.membership.may("owner"),
    }
    return page(request, "_run" if request.htmx else "run", context)


def now_of(run: TrainingRun) -> dict[str, Any]:
    """Where a run is that is going on: step, losses, learning rate, speed, minutes left."""
    last = run.events.filter(code="step").newest().first() if run.active else None
    if last is None:
        return {}
    return {**last.data, "minutes": max(1, round(last.data.get("eta", 0) / 60))}


def answers_of(run: TrainingRun) -> list[dict[str, Any]]:
    """What was written to each of the fixed orders: before it began, and now."""
    found: dict[str, list[dict[str, Any]]] = {}
    for sample in run.samples:
        read = {**sample, "text": as_text(sample["text"])}
        found.setdefault(sample["name"], []).append(read)
    return [{"first": each[0], "last": each[-1], "between": each[1:-1]} for each in found.values()]


def as_text(written: str) -> str:
    """A text as people read it; of copy the parts one below the other, where it breaks off too."""
    try:
        data = from_json(written.encode(), partial_mode="trailing-strings")
    except ValueError:
        return written
    return "\n".join(strings(data)) if isinstance(data, dict) else written


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def draft_rows(run: TrainingRun) -> list[dict[str, Any]]:
    """The measures of the drafts: before, and now."""
    found = run.evaluation.get("drafts") or {}
    if "candidate" not in found:
        return []
    sides = [found["base"], found["candidate"]]
    rows = []
    for name, label in DRAFT_WORDS.items():
        scale = 1 if name in ("bleu", "chrf") else 100
        before, after = (round(scale * side[name], 1) for side in sides)
        rows.append({"label": label, "before": before, "after": after})
    return rows


def drafts_said(run: TrainingRun) -> list[str]:
    """What changed in its drafts, in words."""
    found = run.evaluation.get("drafts") or {}
    if "candidate" not in found or run.dataset.task != Dataset.TaskName.COPY:
        return []
    before, after = found["base"], found["candidate"]
    words = {
        "terms": _("It now keeps to your terms in %(after)d %% of drafts, before %(before)d %%."),
        "limits": _("It now keeps to the limits in %(after)d %% of drafts, before %(before)d %%."),
    }
    return [
        sentence % {"after": round(100 * after[name]), "before": round(100 * before[name])}
        for name, sentence in words.items()
    ]


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


@require_POST
@role_required("admin")
def run_paused(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    run = get_object_or_404(TrainingRun, pk=pk)
    attempt(request, lambda: run_pause(run=run), _("It pauses after the step that it is at."))
    return go(request, "training-run", pk)


@require_POST
@role_required("admin")
def run_resumed(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    run = get_object_or_404(TrainingRun, pk=pk)
    attempt(request, lambda: run_resume(run=run), _("It goes on from where it was."))
    return go(request, "training-run", pk)
