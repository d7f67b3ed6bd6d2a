"""An adapter's bound form, kept beside its files: made once on a machine, hashed at every load.

What verifies it is what verifies the base's 4-bit form (packed.py): `bound.json` says of which
weights and settings the form was made and for which base, by their sha256, and the sha256 of the
form itself. A load reads the form into memory, hashes what it read and takes it only when all of
that matches. A form is passed over when the weights beside it have another size or time than its
making saw; then, as where there is none, the weights are read, hashed, checked and bound anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from generation.engine.adapters import Adapter, Pairs, load_adapter
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import CONFIG, WEIGHTS
from generation.engine.native.library import Places
from generation.engine.types import AdapterRef

log = logging.getLogger(__name__)

DATA, MANIFEST = "bound.bin", "bound.json"
FORMAT = 1


class Form(Protocol):
    """An adapter as one block of half floats (numbers) and what lies where in it."""

    numbers: Tensor
    places: Places


@runtime_checkable
class Restorer(Protocol):
    """A model whose adapters have such a form."""

    def bind(self, pairs: Pairs) -> Form: ...

    def restore(self, numbers: Tensor, places: Places) -> Form:
        """The form as it was; ValueError where the numbers do not fit the places or the model."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a folder holds beside its adapter, and what that must be the form of."""

    folder: Path
    adapter_sha256: str
    base_sha256: str

    def origin(self) -> dict[str, Any]:
        told, stat = (self.folder / CONFIG).read_bytes(), (self.folder / WEIGHTS).stat()
        return {
            "format": FORMAT,
            "adapter_sha256": self.adapter_sha256,
            "base_sha256": self.base_sha256,
            "settings_sha256": hashlib.sha256(told).hexdigest(),
            "weights": [stat.st_size, stat.st_mtime_ns],
        }

    def restored(self, model: Restorer) -> Form | None:
        """The form, if there is one and every byte of it is as it was written."""
        try:
            manifest = json.loads((self.folder / MANIFEST).read_bytes())
            if {**manifest, **self.origin()} != manifest:
                return None
            numbers = read_halves(self.folder / DATA)
            if sha256_of(numbers) != manifest["sha256"]:
                log.warning("bound_adapter_damaged folder=%s", self.folder.name)
                return None
            return model.restore(numbers, [tuple(place) for place in manifest["places"]])
        except (OSError, ValueError, KeyError):
            return None

    def write(self, form: Form) -> None:
        """Keep the form. Where that cannot be, on a full disk say, the next load binds anew."""
        made = {"places": form.places, "sha256": sha256_of(form.numbers)}
        try:
            manifest = {**self.origin(), **made}
            with tempfile.TemporaryDirectory(prefix=".", dir=self.folder) as work:
                (Path(work) / DATA).write_bytes(form.numbers.numpy().data)
                (Path(work) / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
                for name in (DATA, MANIFEST):
                    (Path(work) / name).replace(self.folder / name)
        except OSError as error:
            log.warning("bound_adapter_not_kept error=%s", type(error).__name__)


def load(ref: AdapterRef, config: ModelConfig, base_sha256: str, model: Any) -> Adapter:
    """The adapter, by its kept form where the model has one; EngineError as load_adapter."""
    if not isinstance(model, Restorer):
        return load_adapter(ref, config, base_sha256, model.bind)
    kept = Kept(Path(ref.path), ref.sha256, base_sha256)
    if form := kept.restored(model):
        return Adapter(ref.sha256, form)
    adapter = load_adapter(ref, config, base_sha256, model.bind)
    kept.write(adapter.bound)
    return adapter


def read_halves(path: Path) -> Tensor:
    """The file's half floats, in memory of their own: what is hashed must be what is used."""
    numbers = torch.empty(path.stat().st_size // 2, dtype=torch.float16)
    with path.open("rb") as file:
        if file.readinto(numbers.numpy().data) != 2 * len(numbers):
            raise ValueError("The file became shorter.")
    return numbers


def sha256_of(numbers: Tensor) -> str:
    return hashlib.sha256(numbers.numpy().data).hexdigest()
