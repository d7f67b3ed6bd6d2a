"""What stops a start says so in one line with its cure."""

import re
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from saas.stack import doctor
from saas.stack.config import Config
from saas.stack.errors import StackError


def _config(data_dir: Path, **changes: str) -> Config:
    return Config.read({"DATA_DIR": str(data_dir), **changes})


def test_a_used_port_is_named_with_another_to_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {port} .* make up PORT={port + 1}"):
            doctor.check_port(port)


def test_a_free_port_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    doctor.check_port(port)


def test_a_full_disk_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_200_000_000))
    with pytest.raises(StackError, match="Only 1.2 GB are free .* Free 3 GB"):
        doctor.check_disk(_config(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_later_start_needs_less_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_200_000_000))
    (tmp_path / "models").mkdir()
    doctor.check_disk(_config(tmp_path))


def test_an_old_python_is_refused() -> None:
    with pytest.raises(StackError, match="Python 3.10; Kindling needs 3.11"):
        doctor.check_python((3, 10))


@pytest.mark.parametrize("value", ["0", "http", "65536", "-1"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(StackError, match="is no port"):
        _config(tmp_path, PORT=value)


def test_once_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert not _config(tmp_path).once
    assert not _config(tmp_path, ONCE="0").once
    assert _config(tmp_path, ONCE="1").once


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"DATABASE_URL": "postgres://app@/db"}, "DATABASE_OWNER_URL is not"),
        (
            {
                "DATABASE_URL": "postgres://app@127.0.0.1:1/db",
                "DATABASE_OWNER_URL": "postgres://owner@127.0.0.1:1/db",
            },
            "DATABASE_URL cannot be used: .*refused.*python -m saas.stack.bootstrap",
        ),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "REDIS_URL cannot be used: .*refused"),
        ({"REDIS_URL": "127.0.0.1"}, "REDIS_URL cannot be used"),
    ],
)
def test_a_server_that_does_not_answer_is_named(
    tmp_path: Path, env: dict[str, str], reason: str
) -> None:
    with pytest.raises(StackError) as caught:
        doctor.check_servers(_config(tmp_path, **env))
    assert re.search(reason, str(caught.value).replace("\n", " "))
