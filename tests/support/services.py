"""A pytest plugin: starts the embedded Postgres and Valkey before Django reads its settings.

With DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL set, the tests use those servers instead.
"""

import os
from contextlib import ExitStack
from pathlib import Path

from saas.stack import services

_running = ExitStack()

# On import, since pytest-django reads the settings in its first hook. Processes of pytest-xdist
# find the variables set already.
if "DATABASE_URL" not in os.environ:
    data_dir = Path(__file__).parents[2] / ".data" / "test"
    os.environ.update(_running.enter_context(services(data_dir, durable=False)))


def pytest_unconfigure() -> None:
    _running.close()
