"""Runs as OpenAI's clients ask for them: a file of conversations or preferences, and a recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext as _

from training.datasets.problems import FileRefused, Problem
from training.datasets.reading import Record, read
from training.datasets.splitting import VALIDATION
from training.errors import TrainingFileInvalid, ValidationFileInvalid
from training.lora.recipe import FIELDS, Range, Recipe
from training.models import Dataset, ModelVersion, TrainingFile, TrainingRun
from training.recipes import CHARACTERS_PER_TOKEN, recipe_of
from training.services.datasets import LEAST_ROWS, Import, dataset_create, rows_import
from training.services.imports import import_path
from training.services.runs import estimate_of, run_begin
from training.words import problem_words

SUPERVISED, DPO = "supervised", "dpo"
TASKS = {SUPERVISED: Dataset.TaskName.CHAT, DPO: Dataset.TaskName.PREFERENCE}
EFFORT = TrainingRun.Effort.BALANCED
# Of what OpenAI's rows of preferences call their parts.
PREFERENCE_PARTS = {"chosen": "preferred_output", "rejected": "non_preferred_output"}
FIELDS_OF = {
    SUPERVISED: {"messages": "messages"},
    DPO: {name: name for name in ("messages", "chosen", "rejected")},
}
MOST_TOLD = 3

Check = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """As OpenAI's clients give them; None leaves the value to us."""

    n_epochs: float | None = None
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None
    beta: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `model` is the name that it was asked under."""

    model: str
    training_file: TrainingFile
    validation_file: TrainingFile | None = None
    method: str = SUPERVISED
    wanted: Hyperparameters = Hyperparameters()
    start_from: ModelVersion | None = None
    suffix: str = ""
    seed: int | None = None
    metadata: dict[str, str] | None = None


@transaction.atomic
def fine_tuning_request(*, order: Order) -> TrainingRun:
    """Have a model taught from a file, which the worker reads and checks first.

    Raises RecipeInvalid, TrainingInProgress, BaseMismatch, InsufficientCredits, LimitReached.
    """
    dataset = dataset_for(order)
    recipe = recipe_for(order, dataset)
    file = order.training_file
    estimate = estimate_of(file.size, recipe, rows=file.lines)
    run = TrainingRun(
        name=order.suffix or dataset.name,
        dataset=dataset,
        effort=EFFORT,
        recipe=recipe.to_json(),
        estimated_seconds=estimate.seconds,
        start_from=order.start_from,
        fine_tuning=asked(order, recipe),
    )
    return run_begin(run=run)


def dataset_for(order: Order) -> Dataset:
    """The dataset of these files: the same files make the same one."""
    hashes = [file.sha256 for file in (order.training_file, order.validation_file) if file]
    mark = hashlib.sha256(" ".join([order.method, *hashes]).encode()).hexdigest()[:8]
    name = f"{order.training_file.name[:60]} ({mark})"
    known: Dataset | None = Dataset.objects.filter(name=name).first()
    return known or dataset_create(name=name, task=TASKS[order.method], consent=True)


def recipe_for(order: Order, dataset: Dataset) -> Recipe:
    """The balanced recipe, with what was asked for."""
    wanted, usual = order.wanted, cast(Recipe, recipe_of(dataset, EFFORT, {}))
    changes = {
        "num_train_epochs": wanted.n_epochs,
        "learning_rate": wanted.learning_rate_multiplier
        and usual.learning_rate * wanted.learning_rate_multiplier,
        "tokens_per_step": wanted.batch_size and tokens_of(order.training_file, wanted.batch_size),
        "dpo_beta": wanted.beta if order.method == DPO else None,
        "seed": order.seed,
        "lora_r": order.start_from and max(usual.lora_r, order.start_from.rank),
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return cast(Recipe, recipe_of(dataset, EFFORT, given))


def tokens_of(file: TrainingFile, rows: int) -> int:
    """About how many tokens so many rows of the file have, as far as one step takes them."""
    allowed = FIELDS["tokens_per_step"]
    assert isinstance(allowed, Range)
    tokens = rows * row_tokens(file)
    return int(min(max(tokens, allowed.low), allowed.high))


def row_tokens(file: TrainingFile) -> float:
    return file.size / max(1, file.lines) / CHARACTERS_PER_TOKEN


def asked(order: Order, recipe: Recipe) -> dict[str, Any]:
    """The order as it is shown again, with the values that "auto" came to."""
    file, held, wanted = order.training_file, order.validation_file, order.wanted
    rows = max(1, round(recipe.tokens_per_step / max(1.0, row_tokens(file))))
    values: dict[str, Any] = {
        "n_epochs": recipe.num_train_epochs,
        "batch_size": wanted.batch_size or rows,
        "learning_rate_multiplier": wanted.learning_rate_multiplier or 1,
    }
    beta = {"beta": recipe.dpo_beta} if order.method == DPO else {}
    return {
        "model": order.model,
        "training_file": str(file.pk),
        "validation_file": str(held.pk) if held else None,
        "method": order.method,
        "hyperparameters": values | beta,
        "suffix": order.suffix or None,
        "seed": recipe.seed,
        "metadata": order.metadata,
        "result_files": [],
    }


def files_read(*, run: TrainingRun, check: Check) -> None:
    """Read the run's files into its dataset; a second time finds them there.

    Raises TrainingFileInvalid or ValidationFileInvalid, which name the first lines at fault.
    """
    files = run.fine_tuning
    if not files:
        return
    held = files["validation_file"]
    if held:
        _take(run, held, VALIDATION, ValidationFileInvalid, check)
    _take(run, files["training_file"], "", TrainingFileInvalid, check)
    rows = run.dataset.rows.exclude(split=VALIDATION).count()
    if rows < LEAST_ROWS:
        detail = _("The file has %(rows)d different rows, and at least %(least)d are needed.")
        raise TrainingFileInvalid(detail % {"rows": rows, "least": LEAST_ROWS})


def _take(
    run: TrainingRun,
    file_id: str,
    split: str,
    error: type[TrainingFileInvalid | ValidationFileInvalid],
    check: Check,
) -> None:
    file = TrainingFile.objects.filter(pk=file_id).first()
    if file is None:
        raise error(_("The file was deleted before it was read."))
    method = run.fine_tuning["method"]
    how = Import(FIELDS_OF[method], origin="file", split=split)
    try:
        records = rows_of(read(import_path(file.pk), "jsonl"), method)
        report = rows_import(dataset=run.dataset, records=records, how=how, check=check)
    except FileRefused as refused:
        raise error(told(refused.problems)) from refused
    if report.problems:
        raise error(told(report.problems))


def told(problems: Sequence[Problem]) -> str:
    """The first problems, each with its line."""
    line = _("Line %(line)d: %(problem)s")
    found = ({"line": each.line, "problem": problem_words(each)} for each in problems[:MOST_TOLD])
    return " ".join(line % each for each in found)


def rows_of(records: Iterator[Record], method: str) -> Iterator[Record]:
    """Rows as our datasets have them."""
    for record in records:
        yield record if method == SUPERVISED else Record(record.line, pair_values(record))


def pair_values(record: Record) -> dict[str, Any]:
    """A preference in OpenAI's form: the input's messages, and one answer on each side."""
    given = record.values.get("input")
    sides = {name: _answer(record.values.get(key)) for name, key in PREFERENCE_PARTS.items()}
    return {"messages": given.get("messages") if isinstance(given, dict) else None, **sides}


def _answer(turns: Any) -> str:
    last = turns[-1] if isinstance(turns, list) and turns else {}
    text = last.get("content") if isinstance(last, dict) else ""
    return text if isinstance(text, str) else ""
