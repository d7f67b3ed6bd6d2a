"""Where heads lie: in shared storage by tenant and hash, and copied beside what works with them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from training.files import Damaged, copied, last_used, put_in_place
from training.heads.layout import FILES, MANIFEST


def key(tenant_id: UUID | str, sha256: str, name: str) -> str:
    return f"tenants/{tenant_id}/heads/{sha256}/{name}"


def sha256_of_head(folder: Path) -> str:
    """Of its manifest, which has the hashes of all files."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def size_of_head(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in FILES)


def store(tenant_id: UUID, folder: Path) -> str:
    """Keep a head; its hash. The manifest comes last, so that there is never half a head."""
    sha256 = sha256_of_head(folder)
    for name in FILES:
        if not default_storage.exists(key(tenant_id, sha256, name)):
            with (folder / name).open("rb") as file:
                default_storage.save(key(tenant_id, sha256, name), File(file))
    return sha256


def remove(tenant_id: UUID, sha256: str) -> None:
    """Delete a head for good."""
    for name in FILES:
        default_storage.delete(key(tenant_id, sha256, name))
    shutil.rmtree(cached(tenant_id, sha256), ignore_errors=True)


def cached(tenant_id: UUID | str, sha256: str) -> Path:
    return Path(settings.HEAD_CACHE) / str(tenant_id) / sha256


def fetch(tenant_id: UUID | str, sha256: str) -> Path:
    """A folder with the head's files. Raises OSError where they are gone or damaged."""
    folder = cached(tenant_id, sha256)
    if folder.is_dir():
        folder.touch()
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        found = {name: copied(key(tenant_id, sha256, name), work / name) for name in FILES}
        if found[MANIFEST] != sha256:
            raise Damaged(f"The head {sha256} is damaged.")
        put_in_place(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    prune(Path(settings.HEAD_CACHE), settings.HEAD_CACHE_SIZE)
    return folder


def prune(cache: Path, limit: int) -> None:
    """Throw out the heads used least recently."""
    found = [path for path in cache.glob("*/*") if not path.name.startswith(".")]
    for path in sorted(found, key=last_used)[: max(0, len(found) - limit)]:
        shutil.rmtree(path, ignore_errors=True)
