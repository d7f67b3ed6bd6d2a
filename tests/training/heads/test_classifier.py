"""Sorting texts, from rows to predictions, by each method."""

import pytest
import torch

from tests.training.heads.conftest import reviews
from training.heads.classifier import ClassificationData, fit
from training.heads.encoder import Encoder
from training.heads.prediction import Classifier, Ensemble
from training.heads.recipe import PRESETS, HeadRecipe
from training.lora.errors import TrainingError
from training.lora.types import Callbacks

QUICK = {"num_train_epochs": 6, "per_device_train_batch_size": 8, "lora_r": 4, "lora_alpha": 8}
RATES = {"linear": 1e-4, "lora": 5e-3, "full": 1e-3}


def recipe(method, **options):
    return HeadRecipe(**{"method": method, "learning_rate": RATES[method], **QUICK, **options})


def data():
    return ClassificationData(*reviews())


@pytest.mark.parametrize("method", ["linear", "lora", "full"])
def test_each_method_learns_and_comes_back_from_its_files(tmp_path, method):
    result = fit(data(), recipe(method), tmp_path)
    assert result.status == "finished"
    assert result.metrics.accuracy > 0.9
    found = Classifier.load(result.folder).predict(["the desk was lovely", "the coat was dull ."])
    assert [each.label for each in found] == ["good", "bad"]
    for each in found:
        assert sum(each.probabilities.values()) == pytest.approx(1, abs=1e-4)
        assert each.probability == max(each.probabilities.values())
        assert each.labels == [each.label]


@pytest.mark.parametrize("method", ["linear", "full"])
def test_the_same_seed_gives_the_same_files(tmp_path, method):
    first, again = (fit(data(), recipe(method), tmp_path / name) for name in ("a", "b"))
    assert first.files == again.files


def test_a_stopped_run_goes_on_to_the_same_bit(tmp_path):
    whole = fit(data(), recipe("lora", lora_dropout=0.1), tmp_path / "whole")
    steps = []
    stop = Callbacks(on_step=steps.append, should_stop=lambda: len(steps) >= 9)
    parted = [recipe("lora", lora_dropout=0.1), tmp_path / "parted"]
    assert fit(data(), *parted, callbacks=stop).status == "stopped"
    result = fit(data(), *parted)
    assert result.files == whole.files
    assert len(result.history) == len(whole.history)


def test_training_leaves_a_shared_encoder_as_it_was(tmp_path, toy_encoder):
    before = toy_encoder.features(["the desk was lovely"])
    fit(data(), recipe("full"), tmp_path, encoder=toy_encoder)
    assert (toy_encoder.features(["the desk was lovely"]) == before).all()


def test_word_embeddings_are_never_trained(tmp_path):
    result = fit(data(), recipe("full", num_train_epochs=1), tmp_path)
    tuned = Classifier.load(result.folder).encoder.model.embeddings.word_embeddings.weight
    assert torch.equal(tuned, Encoder.load().model.embeddings.word_embeddings.weight)


def test_texts_may_have_several_labels(tmp_path):
    texts, labels = reviews()
    pairs = zip(texts, labels, strict=True)
    several = [[label, "object"] if "desk" in text else [label] for text, label in pairs]
    result = fit(ClassificationData(texts, several), recipe("linear"), tmp_path)
    (found,) = Classifier.load(result.folder).predict(["the desk was superb"])
    assert set(found.labels) == {"good", "object"}
    assert result.metrics.micro_f1 > 0.9


def test_validation_rows_that_are_given_are_used(tmp_path):
    texts, labels = reviews()
    given = ClassificationData(texts[:48], labels[:48], texts[48:], labels[48:])
    result = fit(given, recipe("linear"), tmp_path)
    assert sum(score.support for score in result.metrics.per_class.values()) == len(texts) - 48


def test_who_wants_to_be_surer_abstains(tmp_path):
    texts, labels = reviews()
    mixed = [labels[place] if place % 4 else "bad" for place in range(len(labels))]
    result = fit(ClassificationData(texts, mixed), recipe("linear", target_accuracy=0.99), tmp_path)
    classifier = Classifier.load(result.folder)
    found = classifier.predict(texts)
    assert [each.abstained for each in found] == [
        each.probability < classifier.config.threshold for each in found
    ]


@pytest.mark.parametrize(
    ("texts", "labels", "code"),
    [
        ([], [], "dataset_too_small"),
        (["a", "b"], ["x", "x"], "dataset_degenerate"),
        (["a", "b"], ["x", "y"], "dataset_too_small"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path, texts, labels, code):
    with pytest.raises(TrainingError) as caught:
        fit(ClassificationData(texts, labels), recipe("linear"), tmp_path)
    assert caught.value.code == code


def test_an_ensemble_averages_the_odds_of_its_members(tmp_path):
    seeds = [recipe("full", seed=seed, num_train_epochs=1) for seed in range(2)]
    folders = [fit(data(), each, tmp_path / str(each.seed)).folder for each in seeds]
    members = [Classifier.load(folder) for folder in folders]
    (found,) = Ensemble(members).predict(["and"])
    each = [member.predict(["and"])[0].probabilities["good"] for member in members]
    assert found.probabilities["good"] == pytest.approx(sum(each) / 2)
    assert each[0] != each[1]


def test_members_of_an_ensemble_have_the_same_labels(tmp_path):
    one = Classifier.load(fit(data(), recipe("linear"), tmp_path / "a").folder)
    texts, labels = reviews()
    named = ClassificationData(texts, [f"very {label}" for label in labels])
    other = Classifier.load(fit(named, recipe("linear"), tmp_path / "b").folder)
    with pytest.raises(TrainingError, match="same labels"):
        Ensemble([one, other])


def test_a_damaged_head_is_not_loaded(tmp_path):
    result = fit(data(), recipe("linear"), tmp_path)
    path = result.folder / "head.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(TrainingError) as caught:
        Classifier.load(result.folder)
    assert caught.value.code == "head_invalid"


def test_no_texts_have_no_predictions(tmp_path):
    result = fit(data(), recipe("linear"), tmp_path)
    assert Classifier.load(result.folder).predict([]) == []


def test_recipes_go_to_json_and_back():
    for preset in PRESETS.values():
        assert HeadRecipe.from_json(preset.to_json()) == preset
    with pytest.raises(TrainingError, match="no setting"):
        HeadRecipe.from_json({"lr": 1})
    with pytest.raises(TrainingError, match="learning_rate"):
        HeadRecipe(learning_rate=1e9)
