"""A run from rows to an adapter: what it learns, and what stops, kills and full disks do to it."""

import errno
import json
import math

import pytest
import torch
from safetensors.torch import load_file

from tests.training.lora.conftest import rhymes, some_rows
from training.lora import checkpoint, files, loop
from training.lora.errors import TrainingError
from training.lora.loop import Trainer, train
from training.lora.recipe import Recipe
from training.lora.rows import Pair, Row
from training.lora.types import Callbacks, SamplePrompt, TrainingInput

QUICK = {
    "learning_rate": 0.01,
    "lora_r": 8,
    "lora_alpha": 16,
    "tokens_per_step": 64,
    "max_length": 64,
    "num_train_epochs": 2,
}


@pytest.fixture
def job(toy, tmp_path):
    def make(folder="run", **changes):
        recipe = Recipe(**QUICK | changes.pop("recipe", {}))
        options = {"rows": rhymes(), "recipe": recipe, "base_name": "toy"} | changes
        return TrainingInput(base=toy[0], folder=tmp_path / folder, **options)

    return make


class Listener:
    """Keeps all that a run tells; stops it before step `stop_at`."""

    def __init__(self, stop_at=math.inf):
        self.steps, self.evaluations, self.samples, self.checkpoints = [], [], [], []
        self.stop_at = stop_at
        self.callbacks = Callbacks(
            on_step=self.steps.append,
            on_evaluation=self.evaluations.append,
            on_sample=self.samples.append,
            on_checkpoint=self.checkpoints.append,
            should_stop=lambda: len(self.steps) >= self.stop_at,
        )


def weights(result):
    return load_file(result.adapter / "adapter_model.safetensors")


def same(ours, theirs):
    return all(torch.equal(ours[name], theirs[name]) for name in ours | theirs)


def test_it_learns_and_tells_how_far_it_is(job):
    heard = Listener()
    result = train(job(recipe={"num_train_epochs": 10}), heard.callbacks)
    assert result.status == "finished"
    assert result.train_loss < 0.7 * heard.steps[0].loss
    last = heard.steps[-1]
    assert (last.step, last.steps, last.epoch) == (result.steps, result.steps, 10.0)
    assert last.tokens == result.tokens == 10 * sum(len(row) for row in rhymes())
    assert last.eta_s == pytest.approx(0, abs=1e-6)
    assert all(step.tokens_per_second > 0 for step in heard.steps)
    assert [step.step for step in heard.steps] == [*range(1, result.steps + 1)]


def test_the_same_seed_gives_the_same_adapter_and_another_one_does_not(job):
    first, again = weights(train(job("a"))), weights(train(job("b")))
    other = weights(train(job("c", recipe={"seed": 1})))
    assert same(first, again)
    assert not same(first, other)


EVERYTHING = {
    "lora_dropout": 0.1,
    "neftune_noise_alpha": 5.0,
    "label_smoothing": 0.1,
    "weight_decay": 0.01,
    "adversarial": "fgm",
    "save_steps": 2,
    "eval_steps": 2,
}


@pytest.mark.parametrize("stops", [(1,), (2, 1, 2)])
def test_a_stopped_run_goes_on_to_the_same_bit(job, stops):
    validation = rhymes(4)
    whole = train(job("whole", recipe=EVERYTHING, validation=validation))
    parted = job("parted", recipe=EVERYTHING, validation=validation)
    for stop in stops:
        assert train(parted, Listener(stop).callbacks).status == "stopped"
    result = train(parted)
    assert same(weights(result), weights(whole))
    assert [row[:2] for row in result.history] == [row[:2] for row in whole.history]
    assert (result.best_step, result.eval_loss) == (whole.best_step, whole.eval_loss)


def test_a_killed_run_goes_on_from_its_last_checkpoint(job, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(progress):
        if progress.step == 3:
            raise Killed

    recipe = {"save_steps": 2}
    whole = train(job("whole", recipe=recipe))
    with pytest.raises(Killed):
        train(job("killed", recipe=recipe), Callbacks(on_step=killed))
    heard = Listener()
    result = train(job("killed", recipe=recipe), heard.callbacks)
    assert heard.steps[0].step == 3
    assert same(weights(result), weights(whole))


def test_two_threads_learn_what_one_does(wide, tmp_path):
    recipe = Recipe(**QUICK)
    jobs = [
        TrainingInput(wide[0], tmp_path / str(count), recipe, rhymes(), threads=count)
        for count in (1, 2)
    ]
    one, two = (train(job).history for job in jobs)
    assert [row[1] for row in two] == pytest.approx([row[1] for row in one], rel=0.02)


def test_a_finished_run_is_not_trained_again(job):
    first, heard = train(job()), Listener()
    again = train(job(), heard.callbacks)
    assert heard.steps == []
    assert same(weights(first), weights(again))
    assert again.steps == first.steps


@pytest.mark.parametrize(
    ("field", "change"),
    [("recipe", {"recipe": {"seed": 5}}), ("data", {"rows": rhymes(9)})],
)
def test_another_recipe_or_data_needs_another_run(job, field, change):
    train(job(), Listener(1).callbacks)
    with pytest.raises(TrainingError) as caught:
        train(job(**change))
    assert (caught.value.code, caught.value.field) == ("checkpoint_mismatch", field)


def test_a_damaged_checkpoint_is_passed_over(job):
    heard = Listener(5)
    train(job(recipe={"save_steps": 2}), heard.callbacks)
    newest = heard.checkpoints[-1].folder
    data = bytearray((newest / checkpoint.WEIGHTS).read_bytes())
    data[-1] ^= 1
    (newest / checkpoint.WEIGHTS).write_bytes(data)
    assert checkpoint.newest(job().folder) == heard.checkpoints[-2]
    again = Listener()
    train(job(recipe={"save_steps": 2}), again.callbacks)
    assert again.steps[0].step == heard.checkpoints[-2].step + 1


def test_only_the_last_checkpoints_are_kept(job):
    train(job(recipe={"save_steps": 1}))
    assert len(checkpoint.folders(job().folder)) == checkpoint.KEPT
    assert list(job().folder.rglob(".*")) == []


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_checkpoint(job, monkeypatch):
    real, calls = Trainer.backward, []

    def broken(self, step):
        calls.append(step)
        return math.nan if len(calls) > 3 else real(self, step)

    monkeypatch.setattr(Trainer, "backward", broken)
    with pytest.raises(TrainingError) as caught:
        train(job(recipe={"save_steps": 2}))
    assert caught.value.code == "model_numerical_error"
    assert checkpoint.newest(job().folder).step == 2
    monkeypatch.setattr(Trainer, "backward", real)
    assert train(job(recipe={"save_steps": 2})).status == "finished"


def test_a_full_disk_ends_the_run_and_keeps_the_last_checkpoint(job, monkeypatch):
    real = files.write_file

    def full(path, data):
        if "step-00000004" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(files, "write_file", full)
    with pytest.raises(TrainingError) as caught:
        train(job(recipe={"save_steps": 2}))
    assert caught.value.code == "insufficient_storage"
    assert checkpoint.newest(job().folder).step == 2
    assert [path.name for path in (job().folder / checkpoint.FOLDER).iterdir()] == ["step-00000002"]
    monkeypatch.setattr(files, "write_file", real)
    assert train(job(recipe={"save_steps": 2})).status == "finished"


def test_weights_that_no_engine_can_use_are_never_saved(job, monkeypatch):
    monkeypatch.setattr(loop.LoraParameters, "usable", lambda self: False)
    with pytest.raises(TrainingError) as caught:
        train(job())
    assert caught.value.code == "model_numerical_error"
    assert checkpoint.newest(job().folder) is None


def test_it_stops_early_and_keeps_the_best(job):
    heard = Listener()
    recipe = {"num_train_epochs": 30, "eval_steps": 1, "early_stopping_patience": 2}
    result = train(job(recipe=recipe, validation=some_rows(4)), heard.callbacks)
    assert result.status == "early_stopped"
    losses = [point.loss for point in heard.evaluations]
    assert result.eval_loss == min(losses)
    assert heard.evaluations[0].step == 0
    assert result.best_step == heard.evaluations[losses.index(min(losses))].step


def test_samples_are_what_the_adapter_says(job):
    heard = Listener()
    prompts = [SamplePrompt("one", [10, 11, 10], 4), SamplePrompt("two", [30, 31, 30, 31], 3)]
    rows = [Row.of([10, 11, 10], [11, 10, 11, 2]), Row.of([30, 31, 30, 31], [30, 31, 30, 31])]
    recipe = {"sample_steps": 20, "num_train_epochs": 60}
    train(job(recipe=recipe, rows=rows, samples=prompts), heard.callbacks)
    told = [(one.step, one.name) for one in heard.samples[:4]]
    assert told == [(0, "one"), (0, "two"), (20, "one"), (20, "two")]
    assert [sample.tokens for sample in heard.samples[-2:]] == [[11, 10, 11], [30, 31, 30]]


def test_an_adapter_is_continued_where_it_left_off(job):
    first = train(job("first"))
    heard = Listener()
    recipe = {"lora_r": 12, "lora_alpha": 3, "learning_rate": 1e-6}
    train(job("second", recipe=recipe, start_from=first.adapter), heard.callbacks)
    assert heard.steps[-1].loss < 1.3 * first.train_loss


@pytest.mark.parametrize(("field", "value"), [("lora_r", 2), ("target_modules", ("q_proj",))])
def test_an_adapter_that_does_not_fit_is_not_continued(job, field, value):
    first = train(job("first"))
    with pytest.raises(TrainingError) as caught:
        train(job("second", recipe={field: value}, start_from=first.adapter))
    assert (caught.value.code, caught.value.field) == ("recipe_invalid", field)


@pytest.mark.parametrize("rows", [[], [Row.of([5, 6, 7], [])]])
def test_nothing_to_learn_is_an_error(job, rows):
    with pytest.raises(TrainingError, match="anything to learn") as caught:
        train(job(rows=rows))
    assert caught.value.code == "dataset_too_small"


def pairs(count=16):
    return [
        Pair(Row.of([t, t + 1, t], [t + 1, 2]), Row.of([t, t + 1, t], [t + 2, 2]))
        for t in range(10, 10 + 2 * count, 2)
    ]


def test_preferences_are_learnt(job):
    heard = Listener()
    recipe = {"objective": "dpo", "num_train_epochs": 10, "eval_steps": 100, "learning_rate": 0.01}
    train(job(rows=pairs(), validation=pairs(), recipe=recipe), heard.callbacks)
    assert heard.evaluations[0].loss == pytest.approx(math.log(2))
    assert heard.evaluations[-1].accuracy > 0.9


@pytest.mark.parametrize(
    "options",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"adversarial": "pgd"},
        {"neftune_noise_alpha": 5.0},
        {"lora_dropout": 0.2},
        {"lr_scheduler_type": "linear"},
        {"max_steps": 3},
    ],
    ids=str,
)
def test_every_option_trains(job, options):
    heard = Listener()
    result = train(job(recipe=options), heard.callbacks)
    assert result.steps == options.get("max_steps", len(heard.steps))
    assert math.isfinite(result.train_loss)
    assert result.history[-1][3] > 0
    assert result.servable != options.get("use_dora", False)


def test_its_files_are_told_as_they_are(job):
    result = train(job())
    for name, info in result.files.items():
        data = (result.adapter / name).read_bytes()
        assert len(data) == info.bytes
        assert loop.file_sha256(result.adapter / name) == info.sha256
    told = json.loads((result.adapter / "adapter_config.json").read_text())
    assert told["base_model_name_or_path"] == "toy"
    assert told["r"] == 8
