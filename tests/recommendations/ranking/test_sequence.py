"""The sequence model: its twins agree, its training resumes exactly, and it learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recommendations.ranking.sequence.batches import batches, windows
from recommendations.ranking.sequence.config import ConfigError, ModelConfig, TrainingConfig
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sequence.loss import cross_entropy, plain_cross_entropy
from recommendations.ranking.sequence.model import SequenceModel
from recommendations.ranking.sequence.training import (
    Holdout,
    Negatives,
    Progress,
    Setup,
    TrainingResult,
    scores,
    train,
)
from recommendations.ranking.sequence.weights import Weights, WeightsError, load, save, shapes

MODEL = ModelConfig(dim=16, blocks=2, heads=2, hidden=24, length=12)
TRAINING = TrainingConfig(
    epochs=3, batch_tokens=128, evaluated_persons=40, learning_rate=3e-3, seed=5
)
N = 24


def cycles(count: int = 60) -> list[np.ndarray]:
    """Everybody walks through the items in steps of one or of two."""
    random = np.random.default_rng(0)
    lengths, steps = random.integers(4, 30, count), random.integers(1, 3, count)
    starts = random.integers(0, N, count)
    return [
        (start + step * np.arange(length)) % N
        for start, step, length in zip(starts, steps, lengths, strict=True)
    ]


def setup(training: TrainingConfig = TRAINING, **options: object) -> Setup:
    whole = cycles()
    holdout = Holdout([part[:-1] for part in whole], np.array([part[-1] for part in whole]))
    return Setup(holdout.histories, holdout, N, MODEL, training, **options)  # type: ignore[arg-type]


def same(one: TrainingResult, other: TrainingResult) -> bool:
    equal = all((one.weights[name] == other.weights[name]).all() for name in one.weights)
    return equal and one.evaluations == other.evaluations


def random_model() -> SequenceModel:
    torch.manual_seed(0)
    model = SequenceModel(N, MODEL).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model


def weights_of(model: SequenceModel) -> Weights:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("length", [1, 2, 11, 12, 30])
def test_numpy_and_torch_give_the_same_scores(length: int) -> None:
    model = random_model()
    history = np.random.default_rng(length).integers(0, N, length)
    person = Encoder(weights_of(model), MODEL).encode(history)
    assert person is not None
    expected = scores(model, [history])[0]
    np.testing.assert_allclose(model.items.detach().numpy() @ person, expected, atol=1e-4)


def test_a_persons_vector_does_not_depend_on_the_others_in_the_batch() -> None:
    model, histories = random_model(), [np.array([1]), np.arange(9), np.empty(0, int)]
    together = scores(model, histories)
    np.testing.assert_allclose(together[0], scores(model, histories[:1])[0], atol=1e-5)
    assert (together[2] == 0).all()


def test_unknown_items_are_passed_over() -> None:
    encoder = Encoder(weights_of(random_model()), MODEL)
    one, other = encoder.encode(np.array([3, N + 5, 4])), encoder.encode(np.array([3, 4]))
    np.testing.assert_array_equal(one, other)  # type: ignore[arg-type]
    assert encoder.encode(np.array([N, -1])) is None


@pytest.mark.parametrize("corrected", [False, True])
def test_the_fused_loss_is_the_plain_one(corrected: bool) -> None:
    torch.manual_seed(1)
    hidden, items = torch.randn(1100, 8), torch.randn(30, 8)
    targets, shift = torch.randint(30, (1100,)), torch.rand(30).log()
    grads = []
    for function in (cross_entropy, plain_cross_entropy):
        h, i = hidden.clone().requires_grad_(), items.clone().requires_grad_()
        loss = function(h, i, targets, shift if corrected else torch.zeros(30))
        (loss * 3).backward()
        grads.append((loss.detach(), h.grad, i.grad))
    for fused, plain in zip(*grads, strict=True):
        torch.testing.assert_close(fused, plain, atol=1e-5, rtol=1e-4)


def test_corrected_samples_expect_the_full_loss() -> None:
    """The sum over sampled items of exp(logit) / probability is right on average."""
    random = np.random.default_rng(0)
    negatives = Negatives(setup(replace(TRAINING, negatives=6)), torch.device("cpu"))
    frequency = negatives.frequency.numpy()
    logits = torch.from_numpy(random.standard_normal(N))
    sums = []
    for _ in range(3000):
        batch = torch.from_numpy(random.choice(N, 4, p=frequency))
        columns, targets, shift = negatives.beside(batch, random)
        assert columns is not None
        assert (columns[targets] == batch).all()
        sums.append(float((logits[columns] - shift).exp().sum()))
    assert np.mean(sums) == pytest.approx(float(logits.exp().sum()), rel=0.03)


def test_every_item_but_the_first_is_predicted_once() -> None:
    sequence = np.arange(100)
    parts = windows([sequence], 12, np.random.default_rng(3))
    assert np.concatenate([part[1:] for part in parts]).tolist() == list(range(1, 100))
    assert max(map(len, parts)) == 13


def test_batches_keep_to_their_size() -> None:
    found = list(batches(cycles(), 12, 128, np.random.default_rng(0)))
    assert max(batch.items.size for batch in found) <= 128
    assert sum(int(batch.lengths.sum()) for batch in found) == sum(len(c) - 1 for c in cycles())


@pytest.mark.parametrize("negatives", [0, 8])
def test_it_learns_what_comes_next(negatives: int) -> None:
    result = train(setup(replace(TRAINING, epochs=12, negatives=negatives)))
    assert result.ndcg > 0.7
    assert result.ndcg == max(result.evaluations)


def test_the_same_seed_gives_the_same_weights() -> None:
    one = train(setup())
    assert same(one, train(setup()))
    assert not same(one, train(setup(replace(TRAINING, seed=6))))


def test_training_leaves_torchs_own_chance_alone() -> None:
    torch.manual_seed(3)
    expected = torch.get_rng_state()
    train(setup(replace(TRAINING, epochs=1)))
    assert torch.equal(expected, torch.get_rng_state())


@pytest.mark.parametrize("steps", [1, 9, 20])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(tmp_path: Path, steps: int) -> None:
    path, told = tmp_path / "state.safetensors", []

    def interrupt(progress: Progress) -> None:
        told.append(progress)
        if len(told) == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(setup(), checkpoint=path, progress=interrupt)
    assert same(train(setup(), checkpoint=path), train(setup()))


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    train(setup(replace(TRAINING, epochs=1)), checkpoint=path)
    with pytest.raises(ValueError, match="other settings or data"):
        train(setup(replace(TRAINING, dropout=0.5)), checkpoint=path)


def test_training_stops_when_nothing_is_gained() -> None:
    told: list[Progress] = []
    idle = replace(TRAINING, epochs=50, patience=2, learning_rate=1e-12)
    result = train(setup(idle), progress=told.append)
    assert told[-1].epoch == 2
    assert result.best_epoch == 1


def test_a_warm_start_begins_where_the_last_model_ended() -> None:
    first = train(setup(replace(TRAINING, epochs=12)))
    again = setup(replace(TRAINING, epochs=1, learning_rate=1e-5), warm_start=first.weights)
    assert train(again).ndcg > 0.9 * first.ndcg
    grown = replace(again, n_items=N + 3)
    assert train(grown).weights["items"].shape == (N + 3, MODEL.dim)


def test_text_gives_items_their_first_vectors() -> None:
    text = np.random.default_rng(0).standard_normal((N, 40)).astype(np.float32)
    text[1] = text[0]
    result = train(setup(replace(TRAINING, epochs=1, learning_rate=1e-12), text=text))
    np.testing.assert_allclose(result.weights["items"][0], result.weights["items"][1], atol=1e-6)


def test_weights_survive_their_file(tmp_path: Path) -> None:
    path, weights = tmp_path / "model.safetensors", weights_of(random_model())
    save(path, weights, MODEL)
    found, config = load(path)
    assert config == MODEL
    assert all((found[name] == weights[name]).all() for name in weights)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    path, weights = tmp_path / "model.safetensors", weights_of(random_model())
    for data in (b"", b"\xff" * 40):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=r"model\.safetensors"):
            load(path)
    save(path, {**weights, "norm.bias": np.full(MODEL.dim, np.nan)}, MODEL)
    with pytest.raises(WeightsError, match="finite"):
        load(path)
    save(path, {**weights, "norm.bias": np.zeros(3)}, MODEL)
    with pytest.raises(WeightsError, match="sizes"):
        load(path)


def test_the_model_has_the_arrays_that_its_file_must_have() -> None:
    expected = {name: tuple(t.shape) for name, t in random_model().state_dict().items()}
    assert shapes(N, MODEL) == expected


@pytest.mark.parametrize("options", [{"dim": 6}, {"blocks": 0}])
def test_sizes_are_checked(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        ModelConfig(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"dropout": 1.0}, {"learning_rate": 0.0}, {"precision": "int8"}]
)
def test_settings_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        TrainingConfig(**options)  # type: ignore[arg-type]
