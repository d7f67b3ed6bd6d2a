"""The pages of heads: what a run shows of one, its card, and who may make one live."""

from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.views.conftest import Url, editor, outsider, owner, url, viewer
from training import services
from training.models import Dataset, ModelVersion, TrainingRun

__all__ = ["editor", "outsider", "owner", "url", "viewer"]
pytestmark = pytest.mark.django_db

SCORE = {"precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 10}
METRICS = {
    "accuracy": 0.9,
    "macro_f1": 0.88,
    "micro_f1": 0.9,
    "labels": ["late", "lost"],
    "per_class": {"late": SCORE, "lost": SCORE},
    "confusion": [[8, 2], [0, 10]],
    "ece": 0.03,
    "reliability": [{"confidence": 0.9, "accuracy": 0.85, "count": 20}],
    "abstention": [{"coverage": 0.5, "accuracy": 1.0, "threshold": 0.97}],
}
EVALUATION = {
    "rows": 20,
    "measure": "accuracy",
    "against": "usual",
    "champion": None,
    "base": 0.5,
    "candidate": 0.9,
    "usual": 0.5,
    "gain": 0.4,
    "low": 0.2,
    "high": 0.6,
    "p_value": 0.01,
    "won": True,
    "learnt": True,
    "metrics": METRICS,
    "intervals": {"accuracy": [0.75, 1.0]},
}
CARD = {
    "dataset": "Support",
    "dataset_version": 1,
    "dataset_sha256": "0" * 64,
    "rows": 100,
    "recipe": {"method": "linear", "encoder": "english"},
    "seconds": 12.0,
}


@pytest.fixture
def run(acme: Tenant) -> TrainingRun:
    with tenant_scope(acme):
        dataset = Dataset.objects.create(name="Support", task="classification")
        model = ModelVersion.objects.create(
            name="Sorter*",
            number=1,
            task="classification",
            method="linear",
            sha256="1",
            base_sha256="2",
            size=1,
            dataset=dataset,
            card={**CARD, "evaluation": EVALUATION},
        )
        made: TrainingRun = TrainingRun.objects.create(
            name="Sorter",
            dataset=dataset,
            model=model,
            evaluation=EVALUATION,
            recipe=CARD["recipe"],
        )
        return made


def lose(run: TrainingRun, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        run.model.card = {**CARD, "evaluation": {**EVALUATION, "won": False}}
        run.model.save()


def test_a_run_tells_in_words_plots_and_tables(owner: Client, url: Url, run: TrainingRun) -> None:
    page = owner.get(url("training-run", run.pk)).content.decode()
    assert "It sorts 90.0 % of the 20 texts kept aside rightly" in page
    assert "75.0 % to 100.0 %" in page
    assert '<polyline class="plot-line plot-line-second" points="540.0,30.0"' in page
    assert page.count("As a table") == 3
    assert 'fill-opacity="0.80"' in page
    assert "Its most frequent mistakes" in page


def test_the_form_has_every_setting_by_its_name(owner: Client, url: Url, run: TrainingRun) -> None:
    page = owner.get(url("training-run-new", run.dataset_id)).content.decode()
    assert "Teach it to sort texts" in page
    for name in ("method", "encoder", "target_accuracy", "label_smoothing", "lora_alpha"):
        assert f'name="{name}"' in page
    answer = owner.post(
        url("training-run-new", run.dataset_id),
        {"name": "S", "effort": "quick", "learning_rate": "1000000000"},
    )
    assert answer.status_code == 422
    assert "learning_rate must be" in answer.content.decode()


def test_the_card_is_a_page_and_a_markdown_file(viewer: Client, url: Url, run: TrainingRun) -> None:
    page = viewer.get(url("model", run.model_id)).content.decode()
    assert "What it was taught with" in page
    answer = viewer.get(url("model-card", run.model_id))
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/markdown")
    assert text.startswith("# Sorter\\* (1)")
    assert "- accuracy: 0.9000 (0.7500 – 1.0000)" in text


def test_it_goes_live_and_back_for_its_dataset(
    owner: Client, url: Url, run: TrainingRun, acme: Tenant
) -> None:
    owner.post(url("model-promote", run.model_id))
    with tenant_scope(acme):
        assert services.live_version(run.dataset) == run.model
        assert services.live_version() is None
    assert "Live" in owner.get(url("model", run.model_id)).content.decode()
    owner.post(url("model-rollback"), {"dataset": str(run.dataset_id)})
    with tenant_scope(acme):
        assert services.live_version(run.dataset) is None


def test_one_that_lost_asks_an_owner_why(
    owner: Client, url: Url, run: TrainingRun, acme: Tenant
) -> None:
    lose(run, acme)
    assert 'name="reason"' in owner.get(url("model", run.model_id)).content.decode()
    owner.post(url("model-promote", run.model_id))
    with tenant_scope(acme):
        assert services.live_version(run.dataset) is None
    owner.post(url("model-promote", run.model_id), {"reason": "It knows the new label."})
    with tenant_scope(acme):
        assert services.live_version(run.dataset) == run.model


def finding(**changes: Any) -> dict[str, Any]:
    metrics = {"f1": 0.7, "precision": 0.8, "recall": 0.6, "per_label": {"place": SCORE}}
    return {**EVALUATION, "measure": "f1", "candidate": 0.7, "metrics": metrics, **changes}


def test_one_that_finds_things_is_told_of_as_well(
    owner: Client, url: Url, run: TrainingRun, acme: Tenant
) -> None:
    with tenant_scope(acme):
        run.dataset.task = "extraction"
        run.dataset.save()
        run.note(evaluation=finding(won=False))
    page = owner.get(url("training-run", run.pk)).content.decode()
    assert "it finds things with an F1 of 70.0 %. That may be chance" in page
    assert "Of what is there, found" in page
