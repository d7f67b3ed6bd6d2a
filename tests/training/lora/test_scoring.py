"""Row losses beside transformers', averages of adapters beside merged weights, estimates."""

import math

import pytest
import torch

from tests.generation.engine.toys import write_adapter
from tests.training.lora.conftest import some_rows
from tests.training.lora.test_decoder import losses_of
from training.lora import decoder as decoder_module
from training.lora.adapter import read_adapter
from training.lora.decoder import Decoder
from training.lora.errors import TrainingError
from training.lora.estimate import estimate, estimate_memory
from training.lora.recipe import Recipe
from training.lora.scoring import RowLoss, perplexity, row_losses
from training.lora.soup import average
from training.lora.throughput import measure_throughput


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    monkeypatch.setattr(decoder_module, "best_precision", lambda device: torch.float32)


@pytest.mark.parametrize("adapted", [False, True])
def test_row_losses_are_transformers(toy, tmp_path, adapted):
    folder, model = toy
    _, merged = write_adapter(tmp_path, model)
    rows = some_rows(5)
    found = row_losses(folder, rows, tmp_path if adapted else None)
    for row, loss in zip(rows, found, strict=True):
        wanted = losses_of(merged if adapted else model, row)
        assert loss.tokens == len(wanted)
        assert loss.nll == pytest.approx(float(wanted.detach().sum()), rel=1e-4)


def test_perplexity_is_of_all_tokens_together():
    assert perplexity([RowLoss(2.0, 1), RowLoss(1.0, 2)]) == pytest.approx(math.e)
    with pytest.raises(ValueError, match="no token"):
        perplexity([])


def updates(folder, config):
    pairs = read_adapter(folder, config)
    return {place: up @ down for place, (down, up) in pairs.items()}


def test_the_average_is_that_of_the_updates(toy, tmp_path):
    folder, model = toy
    config = Decoder(folder, 8).config
    write_adapter(tmp_path / "a", model, seed=1)
    write_adapter(tmp_path / "b", model, seed=2, r=8, target_modules=["q_proj", "up_proj"])
    both = [tmp_path / "a", tmp_path / "b"]
    average(folder, both, tmp_path / "soup", weights=[0.25, 0.75], rank=12)
    a, b, found = (updates(tmp_path / name, config) for name in ("a", "b", "soup"))
    assert found.keys() == a.keys() | b.keys()
    for place, update in found.items():
        wanted = 0.25 * a.get(place, 0) + 0.75 * b.get(place, 0)
        torch.testing.assert_close(update, wanted, rtol=1e-4, atol=1e-4)


def test_an_average_is_cut_to_the_best_of_its_rank(toy, tmp_path):
    folder, model = toy
    config = Decoder(folder, 8).config
    for seed in range(3):
        write_adapter(tmp_path / str(seed), model, seed=seed)
    average(folder, [tmp_path / str(seed) for seed in range(3)], tmp_path / "soup")
    given = [updates(tmp_path / str(seed), config) for seed in range(3)]
    for place, (down, up) in read_adapter(tmp_path / "soup", config).items():
        whole = sum(each[place] for each in given) / 3
        lost = torch.linalg.svdvals(whole)[4:].norm()
        assert len(down) == 4
        torch.testing.assert_close((whole - up @ down).norm(), lost, rtol=1e-3, atol=1e-3)


def test_nothing_has_no_average(toy, tmp_path):
    with pytest.raises(TrainingError, match="no adapter"):
        average(toy[0], [], tmp_path / "soup")


def test_an_estimate_counts_steps_tokens_and_what_extras_cost(toy):
    lengths = [50] * 40
    plain = estimate(lengths, Recipe(tokens_per_step=100, num_train_epochs=2), 100.0)
    assert (plain.steps, plain.tokens) == (40, 4000)
    assert plain.seconds == pytest.approx(50)
    hard = estimate(
        lengths, Recipe(tokens_per_step=100, num_train_epochs=2, adversarial="fgm"), 100.0
    )
    assert hard.seconds == pytest.approx(90)
    config = Decoder(toy[0], 8).config
    assert estimate_memory(config, Recipe()) < estimate_memory(config, Recipe(max_length=4096))


def test_throughput_is_measured(toy):
    assert measure_throughput(toy[0], Recipe(lora_r=4), seconds=0.05) > 100
