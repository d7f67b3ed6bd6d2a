"""A run teaches a model on the worker: from rows to a version that can go live."""

import errno
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from generation.engine.tokenizer import Tokenizer
from tenants.billing.models import UsageEvent
from tenants.billing.services import balance
from tenants.jobs import worker
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.engine.toys import write_toy
from tests.training.lora.conftest import WIDE
from training import trainer
from training.datasets.reading import Record
from training.errors import TrainingInProgress
from training.files import run_folder
from training.lora import checkpoint, files, loop
from training.lora.types import SampleText
from training.models import Dataset, ModelVersion, TrainingRun
from training.services.datasets import Import, dataset_create, rows_import
from training.services.runs import run_pause, run_request, run_resume

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = {"num_train_epochs": 4.0, "max_length": 512, "lora_r": 4, "learning_rate": 0.01}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_toy(folder, **WIDE)
    return folder


@pytest.fixture
def dataset(acme: Tenant, base: Path, tmp_path: Path, settings: Any) -> Iterator[Dataset]:
    settings.BASE_MODEL, settings.MEDIA_ROOT = base, tmp_path
    with tenant_scope(acme):
        made = dataset_create(name="Answers", task="chat", consent=True)
        rows = [{"prompt": f"What about {n}?", "answer": f"Yes, {n} is good."} for n in range(60)]
        records = [Record(n, row) for n, row in enumerate(rows, start=1)]
        columns = {"prompt": "prompt", "answer": "answer"}
        rows_import(dataset=made, records=records, how=Import(columns))
        yield made


def order(dataset: Dataset, **changes: Any) -> TrainingRun:
    return run_request(dataset=dataset, name="Voice", effort="quick", changes={**SHORT, **changes})


def work(acme: Tenant) -> None:
    worker.run("train", "test")


def test_a_run_ends_with_a_better_model(acme: Tenant, dataset: Dataset) -> None:
    run = order(dataset)
    work(acme)
    run.refresh_from_db()
    assert (run.job.state, run.job.error_detail) == ("succeeded", "")
    assert run.evaluation["candidate"] < run.evaluation["base"]
    assert run.evaluation["won"]
    drafts = run.evaluation["drafts"]
    assert drafts["candidate"]["chrf"] > drafts["base"]["chrf"]
    assert run.losses[0][1] > run.losses[-1][1]
    model = run.model
    assert (model.name, model.number, model.rank) == ("Voice", 1, 4)
    assert model.card["dataset"] == "Answers"
    assert not run_folder(acme.pk, run.pk).exists()


def test_a_sample_may_hold_what_postgres_cannot(dataset: Dataset, base: Path) -> None:
    run = order(dataset)
    tokens = Tokenizer(base).fast.encode("a\0b").ids
    teacher = trainer.Teacher(run, control=None)  # type: ignore[arg-type]
    teacher._sampled(SampleText(1, "row", tokens), base)
    run.refresh_from_db()
    assert [sample["text"] for sample in run.samples] == ["a\ufffdb"]


def test_it_is_charged_by_the_second(acme: Tenant, dataset: Dataset) -> None:
    run = order(dataset)
    work(acme)
    event = UsageEvent.objects.get()
    assert event.usage == {"train_seconds": ceil(TrainingRun.objects.get(pk=run.pk).seconds)}


def test_the_same_recipe_gives_the_same_model(acme: Tenant, dataset: Dataset) -> None:
    first = order(dataset)
    work(acme)
    second = order(dataset)
    work(acme)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.model == second.model
    assert ModelVersion.objects.count() == 1


def test_one_run_of_a_dataset_at_a_time(acme: Tenant, dataset: Dataset) -> None:
    order(dataset)
    with pytest.raises(TrainingInProgress):
        order(dataset)


def test_a_cancelled_run_leaves_nothing(
    acme: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = order(dataset, num_train_epochs=100.0)
    seen: list[int] = []

    def step(self: trainer.Teacher, now: Any) -> None:
        seen.append(now.step)
        if now.step == 3:
            with tenant_scope(acme):
                job_cancel(job=run.job)
            self.control._beat()

    monkeypatch.setattr(trainer.Teacher, "_step", step)
    work(acme)
    assert seen[-1] < 10
    assert Job.objects.get(pk=run.job_id).state == "cancelled"
    assert not ModelVersion.objects.exists()
    assert not run_folder(acme.pk, run.pk).exists()


def test_a_paused_run_goes_on_and_each_second_is_charged_once(
    acme: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = order(dataset, num_train_epochs=8.0)
    steps: list[int] = []
    real = trainer.Teacher._step

    def step(self: trainer.Teacher, now: Any) -> None:
        steps.append(now.step)
        real(self, now)
        if now.step == 3 and steps.count(3) == 1:
            with tenant_scope(acme):
                run_pause(run=run)
            self.control._beat()

    monkeypatch.setattr(trainer.Teacher, "_step", step)
    work(acme)
    run = TrainingRun.objects.get(pk=run.pk)
    assert run.state == "paused"
    assert run.charged_seconds == UsageEvent.objects.get().usage.get("train_seconds", 0)
    first, paused_at = run.job_id, steps[-1]
    run_resume(run=run)
    work(acme)
    run = TrainingRun.objects.get(pk=run.pk)
    assert run.state == "succeeded"
    assert run.job_id != first
    assert steps == list(range(1, steps[-1] + 1)), f"paused at {paused_at}"
    assert [point[0] for point in run.losses] == steps
    charged = sum(event.usage.get("train_seconds", 0) for event in UsageEvent.objects.all())
    assert charged == ceil(run.seconds)
    told = list(run.events.order_by("created_at").values_list("code", flat=True))
    assert [code for code in told if code in ("paused", "resumed", "succeeded")] == [
        *("paused", "resumed", "succeeded")
    ]


def test_a_run_that_was_cut_off_goes_on(
    acme: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = order(dataset, save_steps=2)
    steps: list[int] = []
    real = trainer.Teacher._step

    def dies(self: trainer.Teacher, now: Any) -> None:
        steps.append(now.step)
        if now.step == 5 and steps.count(5) == 1:
            raise RuntimeError("killed")
        real(self, now)

    monkeypatch.setattr(trainer.Teacher, "_step", dies)
    work(acme)
    Job.objects.filter(pk=run.job_id).update(due_at=run.created_at)
    work(acme)
    run.refresh_from_db()
    assert run.job.state == "succeeded"
    assert 1 not in steps[steps.index(5) + 1 :]


def test_a_full_disk_ends_the_run_and_keeps_the_last_good_checkpoint(
    acme: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, folders = files.write_file, []

    def write(path: Path, data: bytes) -> files.FileInfo:
        if path.name == "training.safetensors":
            folders.append(path)
        if len(folders) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(files, "write_file", write)
    run = order(dataset, save_steps=2)
    work(acme)
    check_failed(run, "insufficient_storage", step=4)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(
    acme: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.Trainer.backward

    def backward(self: loop.Trainer, step: Any) -> float:
        return float("nan") if self.state.step == 5 else real(self, step)

    monkeypatch.setattr(loop.Trainer, "backward", backward)
    run = order(dataset, save_steps=2)
    work(acme)
    check_failed(run, "model_numerical_error", step=4)


def check_failed(run: TrainingRun, code: str, *, step: int) -> None:
    """It failed for this reason, uncharged and without a model, and could go on from the step."""
    run.refresh_from_db()
    assert (run.job.state, run.job.error_code) == ("failed", code)
    assert not ModelVersion.objects.exists()
    assert not UsageEvent.objects.exists()
    assert balance().reserved == 0
    found = checkpoint.newest(run_folder(run.workspace_id, run.pk))
    assert found is not None
    assert found.step == step


def test_numbers_out_of_bounds_end_the_run_with_a_reason(
    acme: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.lora.errors import TrainingError

    def broken(*args: Any) -> None:
        raise TrainingError("model_numerical_error", "The loss is not a number.")

    monkeypatch.setattr(trainer, "train", broken)
    run = order(dataset)
    work(acme)
    run.refresh_from_db()
    assert (run.job.state, run.job.error_code) == ("failed", "model_numerical_error")
    assert not ModelVersion.objects.exists()
