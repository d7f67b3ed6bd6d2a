"""Looks for what would stop the start later and worse: one clear line with the cure instead."""

import shutil
import socket
import sys

from saas.stack.config import Config
from saas.stack.errors import StackError

NEEDED_PYTHON = (3, 11)
NEEDED_GB = 3
NEEDED_GB_AGAIN = 0.5


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    if version < NEEDED_PYTHON:
        found = ".".join(map(str, version))
        raise StackError(
            f"This is Python {found}; Kindling needs 3.11 or newer.",
            "Install it and run `make up PYTHON=python3.11`.",
        )


def check_disk(config: Config) -> None:
    """The first start converts the base model and makes the database; later ones need little."""
    first = not (config.data_dir / "models").exists()
    needed = NEEDED_GB if first else NEEDED_GB_AGAIN
    existing = next(
        folder for folder in (config.data_dir, *config.data_dir.parents) if folder.exists()
    )
    free = shutil.disk_usage(existing).free / 1e9
    if free < needed:
        raise StackError(
            f"Only {free:.1f} GB are free in {existing}.",
            f"Free {needed} GB, or set DATA_DIR to a folder on a larger disk.",
        )


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(
                f"Port {port} is not free: {error.strerror}.",
                f"Stop what uses it, or choose another: make up PORT={port + 1}",
            ) from error
