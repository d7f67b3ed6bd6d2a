"""A run teaches a head on the worker: from rows to a version that sorts or finds."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from tenants.actors import Actor, acting
from tenants.billing.models import UsageEvent
from tenants.errors import InsufficientRole
from tenants.jobs import worker
from tenants.jobs.models import Job
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests.training.heads.conftest import journeys, reviews, write_encoder
from training import head_files, head_trainer, services
from training.datasets.reading import Record
from training.errors import DatasetDegenerate, NotBetter, RecipeInvalid
from training.files import run_folder
from training.heads.encoder import Encoder
from training.heads.prediction import Classifier
from training.heads.tagger import Tagger
from training.models import Dataset, ModelVersion, TrainingRun
from training.services.datasets import Import, dataset_create, rows_import
from training.services.runs import run_estimate, run_request
from training.tasks import head_outcome

pytestmark = pytest.mark.django_db(transaction=True)
TUNED = {"learning_rate": 5e-3, "lora_r": 4, "num_train_epochs": 3.0}
Rows = Sequence[dict[str, Any]]


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    write_encoder(folder)
    return folder


@pytest.fixture(autouse=True)
def at_acme(
    acme: Tenant, toy: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    settings.MEDIA_ROOT, settings.HEAD_CACHE = tmp_path, tmp_path / "cache"
    monkeypatch.setattr("training.heads.encoder.packaged_encoder", lambda: toy)
    with tenant_scope(acme):
        yield


def dataset_of(task: str, rows: Rows) -> Dataset:
    made = dataset_create(name=f"Our {task}", task=task, consent=True)
    records = [Record(n, row) for n, row in enumerate(rows, start=1)]
    columns = {name: name for name in rows[0]}
    rows_import(dataset=made, records=records, how=Import(columns))
    return made


def sorted_texts() -> Rows:
    """Texts that differ by more than a sign, so that none is taken for a copy of another."""
    texts, labels = reviews()
    pairs = list(zip(texts, labels, strict=True))
    return [
        {"text": f"{text} {'and ' * place}the {other}", "label": label}
        for place, other in enumerate(("train", "book", "song"))
        for text, label in pairs
    ]


def marked_texts() -> Rows:
    return [
        {"tokens": [*tokens, *["and"] * place], "tags": [*tags, *["O"] * place]}
        for place in range(3)
        for tokens, tags in zip(*journeys(), strict=True)
    ]


def taught(dataset: Dataset, effort: str = "quick", **changes: Any) -> TrainingRun:
    run = run_request(dataset=dataset, name="Sorter", effort=effort, changes=changes)
    worker.run("train", "test")
    run.refresh_from_db()
    return run


def test_texts_with_labels_give_a_head_that_sorts(acme: Tenant) -> None:
    run = taught(dataset_of("classification", sorted_texts()))
    assert (run.job.state, run.job.error_detail) == ("succeeded", "")
    model = run.model
    assert (model.task, model.method, model.rank, model.number) == (
        "classification",
        "linear",
        0,
        1,
    )
    assert (model.dataset, model.dataset_version) == (run.dataset, run.version)
    found = run.evaluation
    assert found["won"]
    assert found["candidate"] > 0.9 > found["usual"]
    assert found["intervals"]["accuracy"][0] <= found["candidate"]
    assert found["metrics"]["per_class"]["good"]["f1"] > 0.9
    assert sum(map(sum, found["metrics"]["confusion"])) == found["rows"]
    assert {"ece", "reliability", "abstention", "macro_f1", "micro_f1"} <= found["metrics"].keys()
    assert model.card["recipe"]["encoder"] == "english"
    head = Classifier.load(head_files.fetch(acme.pk, model.sha256))
    assert [each.label for each in head.predict(["the desk was lovely"])] == ["good"]
    assert not run_folder(acme.pk, run.pk).exists()


def test_marked_places_give_a_head_that_finds(acme: Tenant) -> None:
    rows = dataset_of("extraction", marked_texts())
    run = taught(rows, "balanced", **TUNED, head_learning_rate=0.05)
    assert (run.job.state, run.job.error_detail) == ("succeeded", "")
    assert (run.model.task, run.model.method) == ("extraction", "lora")
    assert run.evaluation["measure"] == "f1"
    assert run.evaluation["candidate"] > 0.8
    assert run.losses
    assert run.validations
    head = Tagger.load(head_files.fetch(acme.pk, run.model.sha256))
    assert [each.label for each in head.predict(["the book went to oslo"])[0]] == ["place"]


def test_it_is_charged_by_the_second(acme: Tenant) -> None:
    run = taught(dataset_of("classification", sorted_texts()))
    assert UsageEvent.objects.get().usage == {"train_seconds": ceil(run.seconds)}


def test_the_next_head_is_measured_against_the_one_that_is_live(acme: Tenant) -> None:
    dataset = dataset_of("classification", sorted_texts())
    first = taught(dataset)
    assert first.evaluation["against"] == "usual"
    services.version_promote(version=first.model)
    second = taught(dataset, "balanced", **TUNED, seed=3)
    assert (second.evaluation["against"], second.evaluation["champion"]) == ("champion", 1)
    assert second.model.parent == first.model
    assert not second.evaluation["won"]


def test_a_head_that_did_not_win_needs_an_owner_and_a_reason(
    acme: Tenant, alice: User, ada: User
) -> None:
    dataset = dataset_of("classification", sorted_texts())
    first, second = taught(dataset), taught(dataset, seed=1, method="lora", **TUNED)
    services.version_promote(version=first.model)
    second.model.card["evaluation"]["won"] = False
    second.model.save()
    with acting(Actor(user=alice)), pytest.raises(NotBetter):
        services.version_promote(version=second.model)
    with acting(Actor(user=ada)), pytest.raises(InsufficientRole):
        services.version_promote(version=second.model, reason="It is smaller.")
    with acting(Actor(user=alice)):
        services.version_promote(version=second.model, reason="It is smaller.")
    assert services.live_version(dataset) == second.model
    event = AuditEvent.objects.filter(name="model.promoted").order_by("-pk").first()
    assert event.data["reason"] == "It is smaller."
    services.version_rollback(place=dataset)
    assert services.live_version(dataset) == first.model
    assert services.live_version() is None  # what copy is written with is another choice


def test_a_deleted_head_is_gone(acme: Tenant) -> None:
    run = taught(dataset_of("classification", sorted_texts()))
    folder = head_files.fetch(acme.pk, run.model.sha256)
    services.version_erase(version=run.model)
    assert not folder.exists()
    with pytest.raises(OSError, match="No such file"):
        head_files.fetch(acme.pk, run.model.sha256)


def test_what_was_stopped_goes_on(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = dataset_of("classification", sorted_texts())
    run = run_request(dataset=dataset, name="S", effort="balanced", changes=TUNED)
    steps: list[int] = []
    real = head_trainer.HeadTeacher._step

    def dies(self: head_trainer.HeadTeacher, now: Any) -> None:
        steps.append(now.step)
        if len(steps) == 8:
            raise RuntimeError("killed")
        real(self, now)

    monkeypatch.setattr(head_trainer.HeadTeacher, "_step", dies)
    worker.run("train", "test")
    Job.objects.filter(pk=run.job_id).update(due_at=run.created_at)
    worker.run("train", "test")
    run.refresh_from_db()
    assert run.job.state == "succeeded"
    assert steps.count(1) == 1


def test_seconds_charged_before_a_pause_are_not_charged_again(toy: Path) -> None:
    taught = head_trainer.TaughtHead(toy, Encoder.load(toy), 7.5, {"won": True})
    run = TrainingRun(seconds=3.0, charged_seconds=3)
    assert head_outcome(run, taught).usage == {"train_seconds": 5}


def test_one_label_is_nothing_to_sort_by(acme: Tenant) -> None:
    rows = [{"text": f"{text['text']}", "label": "good"} for text in sorted_texts()]
    with pytest.raises(DatasetDegenerate):
        taught(dataset_of("classification", rows))


def test_labels_without_sense_end_at_the_gate(acme: Tenant) -> None:
    """Promise 79: what was live before stays."""
    rows = sorted_texts()
    # By a digest and not by hash(), which differs from one run of Python to the next.
    wrong = [{**row, "label": "ab"[sha256(row["text"].encode()).digest()[0] % 2]} for row in rows]
    dataset = dataset_of("classification", wrong)
    run = taught(dataset)
    assert run.job.state == "failed" or not run.evaluation["won"]
    assert services.live_version(dataset) is None


def test_flipped_labels_end_at_the_gate(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    flipped = {"good": "bad", "bad": "good"}
    real = head_trainer.classification_test

    def turned(split: Any) -> Any:
        found = real(split)
        labels = [frozenset(flipped[label] for label in own) for own in found.labels]
        return type(found)(texts=found.texts, labels=labels, usual=found.usual)

    monkeypatch.setattr(head_trainer, "classification_test", turned)
    run = taught(dataset_of("classification", sorted_texts()))
    assert (run.job.state, run.job.error_code) == ("failed", "quality_gate")
    assert not ModelVersion.objects.exists()


def test_texts_that_are_cut_are_counted_and_refused(acme: Tenant) -> None:
    """Promise 77."""
    dataset = dataset_of("classification", sorted_texts())
    run = taught(dataset, max_length=8)
    assert (run.job.state, run.job.error_code) == ("failed", "rows_too_long")
    whole = taught(dataset)
    assert whole.evaluation["truncated_rows"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e9},
        {"lora_r": 10**6},
        {"num_train_epochs": 10**6},
        {"method": "svm"},
        {"encoder": "../../etc"},
        {"target_modules": ".*"},
    ],
)
def test_settings_out_of_range_are_refused(acme: Tenant, changes: dict[str, Any]) -> None:
    """Promise 80."""
    with pytest.raises(RecipeInvalid) as caught:
        taught(dataset_of("classification", sorted_texts()), **changes)
    assert caught.value.extra["errors"][0]["pointer"] == f"/recipe/{next(iter(changes))}"


def test_thoroughness_is_estimated(acme: Tenant) -> None:
    from training.recipes import recipe_of

    dataset = dataset_of("classification", sorted_texts())
    seconds = [
        run_estimate(dataset=dataset, recipe=recipe_of(dataset, effort, {})).seconds
        for effort in ("quick", "balanced", "thorough")
    ]
    assert seconds == sorted(seconds)
