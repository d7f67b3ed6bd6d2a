"""Where adapters lie, in shared storage and beside the engine; and what runs keep meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from generation.engine.lora.peft import CONFIG, WEIGHTS, Settings, is_that

CHUNK_BYTES = 2**20


class Damaged(OSError):
    """What lies in the storage is not what was put there."""


def key(tenant_id: UUID | str, sha256: str, name: str) -> str:
    return f"tenants/{tenant_id}/adapters/{sha256}/{name}"


def store(tenant_id: UUID, sha256: str, weights: File[Any], config: bytes) -> None:
    """Keep an adapter; the same bytes have the same place, so that twice is once."""
    for name, file in ((WEIGHTS, weights), (CONFIG, ContentFile(config))):
        place = key(tenant_id, sha256, name)
        if default_storage.exists(place):
            default_storage.delete(place)
        file.seek(0)
        default_storage.save(place, file)


def remove(tenant_id: UUID, sha256: str) -> None:
    """Delete an adapter here and where this machine's engine would find it."""
    for name in (WEIGHTS, CONFIG):
        default_storage.delete(key(tenant_id, sha256, name))
    shutil.rmtree(Path(settings.ADAPTER_CACHE) / str(tenant_id) / sha256, ignore_errors=True)


def local_folder(tenant_id: UUID, sha256: str, version: UUID | str) -> Path:
    """Where a version's files lie on the engine's machine once they were fetched.

    The same weights may come again with other settings, after the first were deleted elsewhere.
    """
    return Path(settings.ADAPTER_CACHE) / str(tenant_id) / sha256 / str(version)


def fetch(folder: Path) -> None:
    """Make sure that a local folder holds its adapter. Raises OSError where that is nowhere."""
    if folder.is_dir():
        os.utime(folder)
        return
    tenant_id, sha256, _version = folder.parts[-3:]
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        weights = copied(key(tenant_id, sha256, WEIGHTS), work / WEIGHTS)
        copied(key(tenant_id, sha256, CONFIG), work / CONFIG)
        if not is_that(sha256, weights, Settings.read((work / CONFIG).read_bytes())):
            raise Damaged(f"The adapter {sha256} is damaged.")
        put_in_place(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    prune(Path(settings.ADAPTER_CACHE), settings.ADAPTER_CACHE_SIZE)


def copied(place: str, target: Path) -> str:
    """Copy a stored file; the hash of what was read."""
    digest = hashlib.sha256()
    with default_storage.open(place) as source, target.open("wb") as file:
        while piece := source.read(CHUNK_BYTES):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def put_in_place(work: Path, folder: Path) -> None:
    work.chmod(0o755)  # a model server beside the worker may run as somebody else
    try:
        work.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another worker was faster, with the same bytes
            raise


def prune(cache: Path, limit: int) -> None:
    """Throw out the adapters used least recently, so that the machine's disk does not fill."""
    found = [path for path in cache.glob("*/*/*") if not path.name.startswith(".")]
    for path in sorted(found, key=last_used)[: max(0, len(found) - limit)]:
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # another version of the same weights is there
            path.parent.rmdir()


def last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another worker threw it out
        return 0.0


def run_folder(tenant_id: UUID, run_id: UUID) -> Path:
    """Where a run keeps what it goes on from."""
    return Path(settings.MEDIA_ROOT) / "tenants" / str(tenant_id) / "runs" / str(run_id)


def forget_run(tenant_id: UUID, run_id: UUID) -> None:
    """Delete what a run kept to go on from."""
    shutil.rmtree(run_folder(tenant_id, run_id), ignore_errors=True)
