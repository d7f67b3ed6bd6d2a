"""What the score worker does: fit a workspace's ranking model and let it serve."""

from functools import partial
from typing import Any

from recommendations.fitting.fit import Fitted, fit
from recommendations.services.fitting import model_serve
from tenants.jobs.models import Job, Lease
from tenants.jobs.worker import Control, Outcome


def fit_ranking_model(lease: Lease, control: Control) -> Outcome:
    """Its files are complete before its row names them: a killed worker leaves the last one."""
    fitted = fit(control.progress)
    result = {"items": fitted.items, "events": fitted.events}
    return Outcome(result, apply=partial(serve, fitted))


def serve(fitted: Fitted, job: Job) -> Any:
    return model_serve(pk=fitted.pk, values=fitted.values())
