"""Adapters that were loaded before: those in use in memory, and each one's layout beside its files.

The layout that a model computes with is made once on a machine and hashed at every load. What
verifies it is what verifies the base's 4-bit form (packed.py): `layout.json` says of which weights
and settings it was made and for which base, by their sha256, and the sha256 of the layout itself. A
load reads the layout into memory, hashes what it read and takes it only when all of that matches.
It is passed over when the weights beside it have another size or time than its making saw; then,
as where there is none, the weights are read, hashed, checked and laid out anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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

DATA, MANIFEST = "layout.bin", "layout.json"
FORMAT = 1
# Folder and hash.
Key = tuple[str, str]


class AdapterCache:
    """Adapters by hash; sequences keep alive what they use.

    The tenant with the most of them gives one up, its least recently used, so that nobody who asks
    for one after the other drives out those of others.
    """

    def __init__(self, load: Callable[[AdapterRef], Adapter], limit: int) -> None:
        self.load, self.limit = load, limit
        self.kept: OrderedDict[Key, Future[Adapter]] = OrderedDict()
        self.owners: dict[Key, str] = {}
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="adapters")
        self.swaps = 0

    def request(self, ref: AdapterRef, tenant: str) -> Future[Adapter]:
        """Reading takes tens of milliseconds, so it happens beside the batch."""
        key = (ref.path, ref.sha256)
        found = self.kept.get(key)
        if found is None or (found.done() and found.exception() is not None):
            self.kept[key] = self.pool.submit(self.load, ref)
            self.swaps += 1
        self.kept.move_to_end(key)
        self.owners[key] = tenant
        while len(self.kept) > self.limit:
            least = self.least_missed()
            del self.kept[least], self.owners[least]
        return self.kept[key]

    def least_missed(self) -> Key:
        held = Counter(self.owners.values())
        most = max(held.values())
        return next(key for key in self.kept if held[self.owners[key]] == most)

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


class AdapterLayout(Protocol):
    """An adapter as one block of half floats (numbers) and what lies where in it."""

    numbers: Tensor
    places: Places


@runtime_checkable
class Restorer(Protocol):
    """A model whose adapters have such a layout."""

    def bind(self, pairs: Pairs) -> AdapterLayout: ...

    def restore(self, numbers: Tensor, places: Places) -> AdapterLayout:
        """The layout as it was; ValueError where the numbers do not fit the places or the model."""


@dataclass(frozen=True, slots=True)
class CachedLayout:
    """What a folder holds beside its adapter, and what that must be the layout of."""

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

    def read(self, model: Restorer) -> AdapterLayout | None:
        """The layout, if there is one and every byte of it is as it was written."""
        try:
            manifest = json.loads((self.folder / MANIFEST).read_bytes())
            if {**manifest, **self.origin()} != manifest:
                return None
            numbers = read_halves(self.folder / DATA)
            if sha256_of(numbers) != manifest["sha256"]:
                log.warning("adapter_layout_damaged folder=%s", self.folder.name)
                return None
            return model.restore(numbers, [tuple(place) for place in manifest["places"]])
        except (OSError, ValueError, KeyError):
            return None

    def write(self, layout: AdapterLayout) -> None:
        """Keep it. Where that cannot be, on a full disk say, the next load lays out anew."""
        made = {"places": layout.places, "sha256": sha256_of(layout.numbers)}
        try:
            manifest = {**self.origin(), **made}
            with tempfile.TemporaryDirectory(prefix=".", dir=self.folder) as work:
                (Path(work) / DATA).write_bytes(layout.numbers.numpy().data)
                (Path(work) / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
                for name in (DATA, MANIFEST):
                    (Path(work) / name).replace(self.folder / name)
        except OSError as error:
            log.warning("adapter_layout_not_kept error=%s", type(error).__name__)


def load(ref: AdapterRef, config: ModelConfig, base_sha256: str, model: Any) -> Adapter:
    """The adapter, by its cached layout where the model has one; EngineError as load_adapter."""
    if not isinstance(model, Restorer):
        return load_adapter(ref, config, base_sha256, model.bind)
    cached = CachedLayout(Path(ref.path), ref.sha256, base_sha256)
    if layout := cached.read(model):
        return Adapter(ref.sha256, layout)
    adapter = load_adapter(ref, config, base_sha256, model.bind)
    cached.write(adapter.layout)
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
