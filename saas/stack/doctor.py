"""Looks for what would stop the start later and worse: one clear line with the cure instead."""

import shutil
import socket
import sys

import psycopg
import redis

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


def check_servers(config: Config) -> None:
    """Servers of one's own that the environment names: both logins and the queue must answer."""
    if config.database_url:
        if not config.owner_url:
            raise StackError(
                "DATABASE_URL is set and DATABASE_OWNER_URL is not.",
                "Set both; migrations run as the owner, the app does not.",
            )
        _check_database("DATABASE_URL", config.database_url)
        _check_database("DATABASE_OWNER_URL", config.owner_url)
    if config.redis_url:
        _check_redis(config.redis_url)


def _check_database(name: str, url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise StackError(
            f"{name} cannot be used: {reason}",
            "Start the server, or make the roles and the database: "
            "python -m saas.stack.bootstrap --admin-url postgres://…",
        ) from error


def _check_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise StackError(
            f"REDIS_URL cannot be used: {error}", "Start the server or mend the URL."
        ) from error
