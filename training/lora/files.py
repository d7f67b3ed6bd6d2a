"""Folders that are whole or absent: written aside, made durable, then put in place in one move."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.lora.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

MANIFEST = "manifest.json"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class FileInfo:
    sha256: str
    bytes: int


@contextmanager
def room_needed() -> Iterator[None]:
    """TrainingError "insufficient_storage" where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        message = "The disk is full. Free some space and continue: nothing that was saved is lost."
        raise TrainingError("insufficient_storage", message) from error


def write_folder(target: Path, contents: Mapping[str, bytes]) -> dict[str, FileInfo]:
    """Write the files and a manifest of their hashes; the folder appears whole under its name.

    A folder that was there before is replaced. TrainingError "insufficient_storage".
    """
    with room_needed():
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            files = {name: write_file(work / name, data) for name, data in contents.items()}
            write_file(work / MANIFEST, manifest_of(files))
            sync(work)
            replace_folder(work, target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        sync(target.parent)
    return files


def write_file(path: Path, data: bytes) -> FileInfo:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return FileInfo(hashlib.sha256(data).hexdigest(), len(data))


def manifest_of(files: Mapping[str, FileInfo]) -> bytes:
    told = {name: {"sha256": info.sha256, "bytes": info.bytes} for name, info in files.items()}
    return json.dumps({"files": told}, indent=2, sort_keys=True).encode()


def replace_folder(work: Path, target: Path) -> None:
    """A folder cannot be moved onto a full one, so an older one steps aside first."""
    work.chmod(0o755)
    if target.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".old-{target.name}-", dir=target.parent))
        target.rename(aside / target.name)
        work.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        work.rename(target)


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_folder(folder: Path) -> dict[str, bytes] | None:
    """All files by their names, held against the manifest; None unless they are what it says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        contents = {name: (folder / name).read_bytes() for name in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    told = {name: entry.get("sha256") for name, entry in manifest["files"].items()}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    return contents if told == found else None


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """A safetensors file."""
    from safetensors.torch import save  # torch takes seconds to import

    return save(dict(tensors), metadata={"format": "pt"})


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
