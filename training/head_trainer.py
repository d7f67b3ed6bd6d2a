"""A run that teaches a head, on the worker: rows to texts and labels, fitting, measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from django.conf import settings

from training import head_files
from training.datasets.splitting import TRAIN
from training.encoders import encoder_folder
from training.errors import QualityGate, RowsTooLong
from training.files import run_folder
from training.head_evaluation import Champion, evaluate
from training.head_rows import (
    Split,
    classification_data,
    classification_test,
    tagging_data,
    tagging_test,
)
from training.heads.classifier import HeadResult, fit
from training.heads.encoder import Encoder
from training.heads.layout import EXTRACTION
from training.heads.recipe import HeadRecipe
from training.heads.tagger import TaggingResult, fit_tagger
from training.lora.errors import TrainingError
from training.lora.types import Callbacks
from training.models import DatasetRow, DatasetVersion
from training.services.versions import live_version
from training.trainer import TOO_MANY_CUT, Teacher, TrainingFailed, by_split


@dataclass(slots=True)
class TaughtHead:
    """What a run has come to: the head's folder, how long it took, the numbers on the test rows."""

    folder: Path
    encoder: Encoder
    seconds: float
    evaluation: dict[str, Any] = field(default_factory=dict)

    @property
    def won(self) -> bool:
        return bool(self.evaluation["won"])


class HeadTeacher(Teacher):
    """Drives one run that teaches a head."""

    def teach_head(self, version: DatasetVersion) -> TaughtHead:
        """Fit on the version's rows and measure on its test rows.

        Raises TrainingFailed, RowsTooLong, and QualityGate where nothing was learnt.
        """
        torch.set_num_threads(settings.TRAINING_THREADS)
        recipe = HeadRecipe.from_json(self.run.recipe)
        split = by_split(version)
        try:
            encoder = Encoder.load(encoder_folder(recipe.encoder), recipe.max_length)
            cut = refuse_cut(encoder, split[TRAIN])
            result = self._fitted(split, recipe, encoder)
            self._stop_if_asked()
            self.control.progress(95)
            test = tagging_test(split) if self._finds else classification_test(split)
            found = evaluate(result.folder, test, encoder, self._champion(encoder))
        except TrainingError as error:
            raise TrainingFailed(error) from error
        if not found["learnt"]:
            raise QualityGate(rows=found["rows"], reached=found["candidate"], usual=found["usual"])
        return TaughtHead(result.folder, encoder, result.seconds, {**found, "truncated_rows": cut})

    @property
    def _finds(self) -> bool:
        return self.run.dataset.task == EXTRACTION

    def _stop_if_asked(self) -> None:
        if self.interrupted is not None:
            raise self.interrupted

    def _fitted(
        self, split: Split, recipe: HeadRecipe, encoder: Encoder
    ) -> HeadResult | TaggingResult:
        callbacks = Callbacks(
            on_step=self._step, on_evaluation=self._evaluated, should_stop=self._should_stop
        )
        folder = run_folder(self.run.workspace_id, self.run.pk)
        if self._finds:
            data = tagging_data(split)
            return fit_tagger(data, recipe, folder, encoder=encoder, callbacks=callbacks)
        return fit(classification_data(split), recipe, folder, encoder=encoder, callbacks=callbacks)

    def _champion(self, encoder: Encoder) -> Champion | None:
        """The head that is live for this dataset."""
        live = live_version(self.run.dataset)
        if live is None or not live.active:
            return None
        if live.base_sha256 != encoder.sha256:
            name = live.card["recipe"]["encoder"]
            encoder = Encoder.load(encoder_folder(name))
        folder = head_files.fetch(live.workspace_id, live.sha256)
        return Champion(live.number, folder, encoder)


def refuse_cut(encoder: Encoder, rows: Sequence[DatasetRow]) -> int:
    """How many rows are longer than the encoder reads; raises where that are too many."""
    encodings = encoder.encode([row.text() for row in rows])
    cut = sum(bool(encoding.overflowing) for encoding in encodings)
    if cut > TOO_MANY_CUT * len(rows):
        raise RowsTooLong(truncated_rows=cut, rows=len(rows), max_length=encoder.max_length)
    return cut
