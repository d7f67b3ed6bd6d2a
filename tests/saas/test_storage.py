"""Stored files are there as a whole or not at all, and a full disk has a name."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from saas.storage import DurableStorage, InsufficientStorage


class Breaking(ContentFile):  # type: ignore[type-arg]
    """Gives one piece and then an error, as a disk or a client may."""

    def __init__(self, error: OSError) -> None:
        super().__init__(b"x")
        self.error = error

    def chunks(self, chunk_size: Any = None) -> Iterator[bytes]:
        yield b"first"
        raise self.error


@pytest.fixture
def storage(tmp_path: Path) -> DurableStorage:
    return DurableStorage(location=tmp_path)


def test_what_is_saved_is_there(storage: DurableStorage, tmp_path: Path) -> None:
    assert storage.save("a/b.bin", ContentFile(b"whole")) == "a/b.bin"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.bin"]
    assert storage.open("a/b.bin").read() == b"whole"


def test_what_breaks_leaves_nothing(storage: DurableStorage, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cable"):
        storage.save("a/b.bin", Breaking(OSError("cable")))
    with pytest.raises(InsufficientStorage) as caught:
        storage.save("a/b.bin", Breaking(OSError(errno.ENOSPC, "full")))
    assert caught.value.status == 507
    assert list((tmp_path / "a").iterdir()) == []


def test_nothing_is_written_outside(storage: DurableStorage) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage.save("../../evil", ContentFile(b"x"))
