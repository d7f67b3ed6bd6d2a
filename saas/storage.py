"""Files on this machine's disk that are there as a whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.translation import gettext_lazy as _

from saas.errors import AppError

FULL = {errno.ENOSPC, errno.EDQUOT}


class InsufficientStorage(AppError):
    status, code, title = 507, "insufficient_storage", _("There is no room left to keep this.")
    advice = _("The disk is full. Ask the operator to make room.")


class DurableStorage(FileSystemStorage):
    """Writes beside the place, makes it durable, then moves it there: readers see no half file."""

    def _save(self, name: str, content: File[Any]) -> str:
        target = Path(self.path(name))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target, content, self.file_permissions_mode)
        except OSError as error:
            if error.errno in FULL:
                raise InsufficientStorage from error
            raise
        return str(name).replace("\\", "/")


def sha256_of(file: File[Any]) -> str:
    """The hash of a file's bytes; it is left at its beginning."""
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def write(target: Path, content: File[Any], mode: int | None) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in content.chunks():
                file.write(piece)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
