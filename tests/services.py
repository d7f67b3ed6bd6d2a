"""A pytest plugin: starts the embedded Postgres and Valkey before Django reads its settings.

With DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL set, the tests use those servers instead.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

_running = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    if "DATABASE_URL" in os.environ:
        return
    from saas.stack import services

    data_dir = Path(__file__).parent.parent / ".data" / "test"
    os.environ.update(_running.enter_context(services(data_dir)))


def pytest_unconfigure() -> None:
    _running.close()
