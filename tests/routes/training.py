"""Routes of the room in which a workspace teaches its models."""

from django.core.files.base import ContentFile

from generation.engine.echo import BASE_SHA256
from tenants.jobs.models import Job
from tests.routes.generation import in_scope
from tests.routes.table import Route, delete, get, patch, post, post_form
from training.models import Dataset, ModelVersion, TrainingFile, TrainingRun
from training.services.datasets import dataset_create
from training.services.files import file_upload


def make_model(number: int = 1, **values: object) -> ModelVersion:
    """A version without files."""
    fields = {
        "name": "Autumn voice",
        "sha256": f"{number:064x}",
        "base_sha256": BASE_SHA256,
        "rank": 8,
        "size": 1_000_000,
    }
    return ModelVersion.objects.create(number=number, **fields | values)


model = in_scope(lambda: {"pk": make_model().pk})


def make_dataset() -> Dataset:
    return dataset_create(name="Newsletters", task="chat")


def make_run() -> TrainingRun:
    return TrainingRun.objects.create(name="Voice", dataset=make_dataset())


def make_import() -> dict[str, object]:
    dataset = make_dataset()
    job = Job.objects.create(
        kind="training.import", input_sha256="0" * 64, payload={"dataset": str(dataset.pk)}
    )
    return {"pk": dataset.pk, "job": job.pk}


def make_file() -> TrainingFile:
    return file_upload(file=ContentFile(b'{"messages": []}', name="rows.jsonl"))


def make_job() -> TrainingRun:
    file = make_file()
    asked = {
        "model": "echo",
        "training_file": str(file.pk),
        "validation_file": None,
        "method": "supervised",
        "hyperparameters": {"n_epochs": 1},
        "suffix": None,
        "seed": 0,
        "metadata": None,
        "result_files": [],
    }
    return TrainingRun.objects.create(name="Voice", dataset=make_dataset(), fine_tuning=asked)


training_file = in_scope(lambda: {"pk": make_file().pk})
fine_tuning_job = in_scope(lambda: {"pk": make_job().pk})
dataset = in_scope(lambda: {"pk": make_dataset().pk})
training_run = in_scope(lambda: {"pk": make_run().pk})
file_read = in_scope(make_import)

ROUTES = {
    "datasets": Route(get("viewer")),
    "dataset-new": Route(
        get("editor") | post("editor", 302, name="Posts", task="chat", privacy="mask")
    ),
    "dataset": Route(get("viewer"), row=dataset),
    "dataset-import": Route(get("editor") | post("editor", 422), row=dataset),
    "import-errors": Route(get("viewer"), row=file_read),
    "dataset-follow": Route(post("editor", 422), row=dataset),
    "dataset-of-source": Route(post("editor", 422)),
    "api-dataset-sources": Route(get("read") | post("write", 422, source="nothing"), row=dataset),
    "dataset-delete": Route(post("admin"), row=dataset),
    "training-run-new": Route(get("admin") | post("admin", 422), row=dataset),
    "training-runs": Route(get("viewer")),
    "training-run": Route(get("viewer"), row=training_run),
    "training-run-cancel": Route(post("admin"), row=training_run),
    "training-run-pause": Route(post("admin"), row=training_run),
    "training-run-resume": Route(post("admin"), row=training_run),
    "api-dataset-list": Route(get("read") | post("write", 201, name="Posts", task="chat")),
    "api-dataset-detail": Route(
        get("read") | patch("write", 200, note="Ours") | delete("write"), row=dataset
    ),
    "api-dataset-rows": Route(get("read") | post("write", 422), row=dataset),
    "api-dataset-imports": Route(post_form("write", 422), row=dataset),
    "api-dataset-versions": Route(get("read") | post("write", 422), row=dataset),
    "api-training-run-list": Route(get("read") | post("write", 422)),
    "api-training-run-detail": Route(get("read"), row=training_run),
    "api-training-run-cancel": Route(post("write", 200), row=training_run),
    "api-training-run-pause": Route(post("write", 409), row=training_run),
    "api-training-run-resume": Route(post("write", 409), row=training_run),
    "api-training-run-events": Route(get("read"), row=training_run),
    "openai-files": Route(get("read") | post_form("write", 400)),
    "openai-file": Route(get("read") | delete("write", 200), row=training_file),
    "openai-file-content": Route(get("read"), row=training_file),
    "openai-jobs": Route(get("read") | post("write", 400)),
    "openai-job": Route(get("read"), row=fine_tuning_job),
    "openai-job-cancel": Route(post("write", 200), row=fine_tuning_job),
    "openai-job-pause": Route(post("write", 409), row=fine_tuning_job),
    "openai-job-resume": Route(post("write", 409), row=fine_tuning_job),
    "openai-job-events": Route(get("read"), row=fine_tuning_job),
    "openai-job-checkpoints": Route(get("read"), row=fine_tuning_job),
    "api-training-run-estimate": Route(post("write", 422)),
    "api-model-predict": Route(post("read", 409, text="Where is my card?"), row=model),
    "model-list": Route(get("viewer")),
    "model": Route(get("viewer"), row=model),
    "model-try": Route(post("viewer", 422), row=model),
    "model-card": Route(get("viewer"), row=model),
    "model-import": Route(get("admin") | post("admin", 422)),
    "model-rollback": Route(post("admin")),
    "model-reset": Route(post("admin")),
    "model-promote": Route(post("admin"), row=model),
    "model-challenge": Route(post("admin"), row=model),
    "model-challenger-remove": Route(post("admin")),
    "model-confidence": Route(post("owner")),
    "model-quarantine": Route(post("admin"), row=model),
    "model-resume": Route(post("admin"), row=model),
    "model-erase": Route(post("admin"), row=model),
}
