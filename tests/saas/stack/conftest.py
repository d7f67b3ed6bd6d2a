"""A folder for embedded servers, shared by a module's tests: making a cluster takes seconds."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Not pytest's tmp_path: that lies in a folder which the servers' user may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="kindling-test-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)
