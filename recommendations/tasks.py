"""What workers do for recommendations: fit a workspace's ranking model, read in large files."""

from functools import partial
from typing import Any
from uuid import UUID

from recommendations.fitting.fit import Fitted, fit
from recommendations.services.fitting import model_store
from recommendations.services.imports import rows_import
from tenants.jobs.models import Job, Lease
from tenants.jobs.worker import Control, Outcome
from training.datasets.problems import FileRefused
from training.datasets.reading import read
from training.services.imports import forget_file, import_path, refused


def fit_ranking_model(lease: Lease, control: Control) -> Outcome:
    """Its files are complete before its row names them: a killed worker leaves the last one."""
    fitted = fit(control.progress)
    result = {"items": fitted.items, "events": fitted.events}
    return Outcome(result, apply=partial(serve, fitted))


def serve(fitted: Fitted, job: Job) -> Any:
    return model_store(pk=fitted.pk, values=fitted.values(), wins=fitted.wins)


def import_rows(lease: Lease, control: Control) -> Outcome:
    """Read a kept file of items or events; a second try finds what the first one took."""
    asked = lease.payload
    file_id = UUID(asked["file"])
    try:
        path = import_path(file_id)
        total = sum(1 for _record in read(path, asked["kind"]))
        report = rows_import(
            what=asked["what"],
            records=read(path, asked["kind"]),
            mapping=asked["mapping"],
            check=lambda done: control.progress(min(99, 100 * done // total), f"{done} / {total}"),
        )
    except FileRefused as error:
        raise refused(error) from error
    return Outcome(report.stored(), apply=lambda job: forget_file(file_id))
