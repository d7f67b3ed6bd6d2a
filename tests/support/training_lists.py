"""What fills the lists of datasets and runs; see tests/support/lists.py."""

from secrets import token_hex
from typing import Any

from tenants.jobs.models import Job
from tests.routes.training import make_file, make_job
from training.datasets.reading import Record
from training.models import Dataset, DatasetVersion, TrainingRun
from training.services.datasets import Import, dataset_create, rows_import


def job(kind: str, **payload: str) -> Job:
    return Job.objects.create(kind=kind, input_sha256="0" * 64, payload=payload)


def dataset() -> Dataset:
    return dataset_create(name=token_hex(8), task="chat")


def datasets(count: int) -> dict[str, Any]:
    for _ in range(count):
        dataset()
    return {}


def runs(count: int) -> dict[str, Any]:
    for _ in range(count):
        TrainingRun.objects.create(name="Voice", dataset=dataset(), job=job("training.run"))
    return {}


def rows(count: int) -> dict[str, Any]:
    made = dataset()
    records = [Record(n, {"prompt": f"Question {n}", "answer": "Yes"}) for n in range(count)]
    rows_import(dataset=made, records=records, how=Import({"prompt": "prompt", "answer": "answer"}))
    return {"pk": made.pk}


def versions(count: int) -> dict[str, Any]:
    made = dataset()
    for number in range(1, count + 1):
        DatasetVersion.objects.create(dataset=made, number=number, sha256="0" * 64, rows=1)
    return {"pk": made.pk}


def refused_rows(count: int) -> dict[str, Any]:
    made = dataset()
    read = job("training.import", dataset=str(made.pk))
    problems = [{"line": n, "field": "text", "code": "field_empty"} for n in range(count)]
    Job.objects.filter(pk=read.pk).update(result={"problems": problems})
    return {"pk": made.pk, "job": read.pk}


def files(count: int) -> dict[str, Any]:
    for _ in range(count):
        make_file()
    return {}


def fine_tuning_jobs(count: int) -> dict[str, Any]:
    asked = make_job().fine_tuning
    for _ in range(count):
        run = TrainingRun(name="Voice", dataset=dataset(), job=job("training.run"))
        run.fine_tuning = asked
        run.save()
    return {}


def events(count: int) -> dict[str, Any]:
    run = make_job()
    for step in range(count):
        run.tell("step", step=step, steps=count, loss=1.0)
    return {"pk": run.pk}


LISTS = {
    "openai-files": files,
    "openai-jobs": fine_tuning_jobs,
    "openai-job-events": events,
    "api-training-run-events": events,
    "datasets": datasets,
    "dataset": rows,
    "training-runs": runs,
    "import-errors": refused_rows,
    "api-dataset-list": datasets,
    "api-dataset-rows": rows,
    "api-dataset-versions": versions,
    "api-training-run-list": runs,
}
