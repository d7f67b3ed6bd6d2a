"""A training run on the worker: rows to tokens, the loop, the numbers that say if it is better."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from generation.engine.config import read_config
from generation.engine.text import storable
from generation.engine.tokenizer import Tokenizer
from saas.errors import AppError
from tenants.jobs.leases import StaleLease
from tenants.jobs.worker import Control, Interrupted
from training import files, rendering
from training.datasets.splitting import TEST, TRAIN, VALIDATION
from training.drafts import MOST_ROWS as MOST_DRAFTS
from training.drafts import MOST_TOKENS, Order, drafts_measured
from training.errors import AdapterNotAvailable, DatasetTooSmall, RowsTooLong
from training.evaluation import Compared, compare
from training.lora.errors import TrainingError
from training.lora.loop import train
from training.lora.recipe import Recipe
from training.lora.rows import Pair, Row, chat_row, pair_of, truncated
from training.lora.types import (
    Callbacks,
    EvaluationPoint,
    Progress,
    SamplePrompt,
    SampleText,
    TrainingInput,
    TrainingResult,
)
from training.models import DatasetRow, DatasetVersion, ModelVersion, TrainingRun
from training.services.versions import can_work, live_version

# The page's plot needs no more points than this, and the row no more writes than one in so long.
MOST_POINTS = 400
NOTE_EVERY_S = 2.0
SAMPLES = 3
SAMPLE_TOKENS = 60
MOST_SAMPLES = 30
TOO_MANY_CUT = 0.2

Rows = list[Row] | list[Pair]


class TrainingFailed(AppError):
    """The loop gave up; its code and words say why."""

    status = 422

    def __init__(self, error: TrainingError) -> None:
        super().__init__(error.message, code=error.code)


@dataclass(slots=True)
class Taught:
    """What a run has come to: the loop's result, and the numbers on the test rows."""

    result: TrainingResult
    compared: Compared
    cut: int = 0
    champion_sha256: str = ""
    drafts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Teacher:
    """Drives one run: tells how far it is, and stops where the job is to stop."""

    run: TrainingRun
    control: Control
    losses: list[list[float]] = field(default_factory=list)
    validations: list[list[float]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    interrupted: Interrupted | StaleLease | None = None
    noted: float = 0.0

    def teach(self, version: DatasetVersion) -> Taught:
        """Train on the version's rows and measure on its test rows. Raises TrainingFailed."""
        base = Path(settings.BASE_MODEL)
        recipe = Recipe.from_json(self.run.recipe)
        tokens = Tokens(Tokenizer(base), read_config(base).stop_ids[0])
        split = {name: tokens.rows(rows) for name, rows in by_split(version).items()}
        learnt, cut = fitted(split[TRAIN], recipe.max_length)
        job = TrainingInput(
            base=base,
            folder=files.run_folder(self.run.workspace_id, self.run.pk),
            recipe=recipe,
            rows=learnt,
            validation=truncated(split[VALIDATION], recipe.max_length)[0],
            samples=self._prompts(version, tokens),
            start_from=adapter_folder(self.run.start_from),
            threads=settings.TRAINING_THREADS,
        )
        result = self._trained(job)
        test = truncated(split[TEST] or split[VALIDATION], recipe.max_length)[0]
        self.control.progress(95)
        champion = champion_now()
        live = adapter_folder(champion)
        compared = compare(base, test, result.adapter, live)
        self.control.progress(97)
        sides = {"base": None, **({"champion": live} if live else {}), "candidate": result.adapter}
        drafts = self._drafts(version, tokens, base, sides)
        return Taught(result, compared, cut, champion.sha256 if champion else "", drafts)

    def _trained(self, job: TrainingInput) -> TrainingResult:
        callbacks = Callbacks(
            on_step=self._step,
            on_evaluation=self._evaluated,
            on_sample=lambda sample: self._sampled(sample, job.base),
            should_stop=self._should_stop,
        )
        try:
            result = train(job, callbacks)
        except TrainingError as error:
            raise TrainingFailed(error) from error
        if isinstance(self.interrupted, StaleLease):
            raise self.interrupted
        self.losses = [[step, round(loss, 5), rate] for step, loss, rate, _ in result.history]
        self.run.note(losses=thinned(self.losses), seconds=result.seconds)
        if self.interrupted is not None:
            raise self.interrupted
        return result

    def _should_stop(self) -> bool:
        try:
            self.control.check()
        except (Interrupted, StaleLease) as error:
            self.interrupted = error
        return self.interrupted is not None

    def _go_on(self, step: int) -> None:
        """Take up what an earlier attempt had noted of the steps before this one."""
        run = self.run
        self.losses = [point for point in run.losses if point[0] < step]
        self.validations += [point for point in run.validations if 0 < point[0] < step]
        self.samples = [sample for sample in run.samples if sample["step"] < step]

    def _step(self, now: Progress) -> None:
        if not self.losses:
            self._go_on(now.step)
        self.losses.append([now.step, round(now.loss, 5), now.learning_rate])
        told = {"step": now.step, "steps": now.steps, "loss": now.loss, "eta": now.eta_s}
        self.control.publish("step", tokens_per_second=now.tokens_per_second, **told)
        if time.monotonic() - self.noted < NOTE_EVERY_S and now.step < now.steps:
            return
        self.noted = time.monotonic()
        told |= {"learning_rate": now.learning_rate, "tokens_per_second": now.tokens_per_second}
        self.run.tell("step", tokens=now.tokens, **told)
        self.run.note(
            losses=thinned(self.losses), seconds=now.tokens / max(1e-9, now.tokens_per_second)
        )
        try:
            self.control.progress(5 + 88 * now.step // max(1, now.steps))
        except (Interrupted, StaleLease) as error:
            self.interrupted = error

    def _evaluated(self, point: EvaluationPoint) -> None:
        self.validations.append([point.step, round(point.loss, 5)])
        self.run.note(validations=self.validations)
        self.run.tell("evaluated", step=point.step, loss=point.loss)
        self.control.publish("evaluation", step=point.step, loss=point.loss)

    def _sampled(self, sample: SampleText, base: Path) -> None:
        text = storable(Tokenizer(base).fast.decode(sample.tokens))
        self.samples.append({"step": sample.step, "name": sample.name, "text": text})
        self.run.note(samples=kept_samples(self.samples))

    def _drafts(
        self, version: DatasetVersion, tokens: Tokens, base: Path, sides: dict[str, Path | None]
    ) -> dict[str, Any]:
        """What each side writes for the first test rows, against what stands there."""
        split = by_split(version)
        if version.dataset.task == "preference":
            return {}
        orders = [Order(row, tokens.prompt(row, MOST_TOKENS)) for row in split[TEST][:MOST_DRAFTS]]
        taught = [row.text() for row in split[TRAIN]]
        return drafts_measured(base, orders, sides, tokens.tokenizer.fast.decode, taught)

    def _prompts(self, version: DatasetVersion, tokens: Tokens) -> list[SamplePrompt]:
        """A few orders of the validation rows, to watch how the answers change."""
        rows = by_split(version)[VALIDATION][:SAMPLES]
        return [tokens.prompt(row) for row in rows if row.dataset.task != "preference"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Rows of a dataset as the model reads them."""

    tokenizer: Tokenizer
    stop_id: int

    def rows(self, rows: Sequence[DatasetRow]) -> Any:
        return [self.row(row) for row in rows]

    def row(self, row: DatasetRow) -> Row | Pair:
        if row.dataset.task == "preference":
            messages, chosen, rejected = rendering.pair_of(row.content)
            return pair_of(self.tokenizer, messages, chosen, rejected, stop_id=self.stop_id)
        messages = rendering.messages_of(row.dataset.task, row.content)
        return chat_row(self.tokenizer, messages, self.stop_id)

    def prompt(self, row: DatasetRow, most: int = SAMPLE_TOKENS) -> SamplePrompt:
        messages = rendering.messages_of(row.dataset.task, row.content)[:-1]
        return SamplePrompt(row.row_id, self.tokenizer.encode_chat(tuple(messages)), most)


def by_split(version: DatasetVersion) -> dict[str, list[DatasetRow]]:
    """The version's rows, which are those that have a split, in the order of their ids."""
    found: dict[str, list[DatasetRow]] = {TRAIN: [], VALIDATION: [], TEST: []}
    for row in version.dataset.rows.of_version(version).select_related("dataset"):
        found[row.split].append(row)
    if not found[TRAIN]:
        raise DatasetTooSmall
    return found


def kept_samples(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was written before anything was learnt, and the newest."""
    first = [sample for sample in samples if not sample["step"]]
    later = [sample for sample in samples if sample["step"]]
    return [*first, *later[-MOST_SAMPLES:]]


def champion_now() -> ModelVersion | None:
    """What is live, where that can write."""
    live = live_version()
    return live if live is not None and can_work(live) else None


def adapter_folder(version: ModelVersion | None) -> Path | None:
    """The files of a version, brought to this machine."""
    if version is None:
        return None
    if not version.active:
        raise AdapterNotAvailable(version)
    folder = files.local_folder(version.workspace_id, version.sha256, version.pk)
    files.fetch(folder)
    return folder


def fitted(rows: Any, length: int) -> tuple[Any, int]:
    """Rows cut to a length, and how many were; raises RowsTooLong where that are too many."""
    kept, cut = truncated(rows, length)
    if cut > TOO_MANY_CUT * len(rows):
        raise RowsTooLong(truncated_rows=cut, rows=len(rows), max_length=length)
    return kept, cut


def thinned(points: Sequence[list[float]]) -> list[list[float]]:
    """At most so many points, evenly over all, with the newest one."""
    stride = len(points) // MOST_POINTS + 1
    return [*points[:-1:stride], *points[-1:]]
