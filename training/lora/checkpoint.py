"""Where a run stands, so that it can go on after any kill as if nothing had been."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.lora.errors import TrainingError
from training.lora.files import MANIFEST, json_bytes, read_folder, tensor_bytes, write_folder

if TYPE_CHECKING:
    from torch import Tensor

FOLDER, PREFIX = "checkpoints", "step-"
WEIGHTS, STATE = "training.safetensors", "state.json"
KEPT = 2


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """`sha256` is of the manifest, which has the hashes of all files."""

    step: int
    folder: Path
    sha256: str


@dataclass(slots=True)
class RunState:
    """All of a run but its tensors. `identity` names what it was started with.

    `history` has a list [step, loss, learning rate, norm of the gradient] for each step.
    """

    identity: dict[str, str]
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_loss: float | None = None
    evaluations_without_gain: int = 0
    finished: bool = False
    history: list[list[float]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def save(folder: Path, state: RunState, tensors: dict[str, Tensor]) -> CheckpointInfo:
    """Write one durably and drop those before the last; TrainingError "insufficient_storage"."""
    target = folder / FOLDER / f"{PREFIX}{state.step:08d}"
    contents = {WEIGHTS: tensor_bytes(tensors), STATE: json_bytes(state.to_json())}
    write_folder(target, contents)
    prune(folder)
    return info_of(target)


def info_of(target: Path) -> CheckpointInfo:
    sha256 = hashlib.sha256((target / MANIFEST).read_bytes()).hexdigest()
    return CheckpointInfo(int(target.name.removeprefix(PREFIX)), target, sha256)


def folders(folder: Path) -> list[Path]:
    """Those of a run, the newest first."""
    return sorted((folder / FOLDER).glob(f"{PREFIX}*"), reverse=True)


def prune(folder: Path, kept: int = KEPT) -> None:
    """Drop older ones, and what a kill left half written."""
    for path in [*folders(folder)[kept:], *(folder / FOLDER).glob(".*")]:
        shutil.rmtree(path, ignore_errors=True)


def newest(folder: Path) -> CheckpointInfo | None:
    """The last one that is whole; a damaged one is passed over."""
    found = (path for path in folders(folder) if read_folder(path) is not None)
    path = next(found, None)
    return info_of(path) if path else None


def load(folder: Path, identity: dict[str, str]) -> tuple[RunState, dict[str, Tensor]] | None:
    """The newest one, or None; TrainingError "checkpoint_mismatch" if it is of another run."""
    from safetensors.torch import load as load_tensors  # torch takes seconds to import

    info = newest(folder)
    contents = read_folder(info.folder) if info else None
    if contents is None:
        return None
    state = RunState(**json.loads(contents[STATE]))
    for name, value in identity.items():
        if state.identity.get(name) != value:
            message = f"The saved state belongs to another {name}. Start a new run for a change."
            raise TrainingError("checkpoint_mismatch", message, field=name)
    return state, load_tensors(contents[WEIGHTS])
