"""A pytest plugin: starts the embedded Postgres and Valkey before Django reads its settings.

With DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL set, the tests use those servers instead. Each
process of pytest-xdist has a database of Valkey's of its own; pytest-django gives it one of
Postgres's.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from saas.stack import services

_running = ExitStack()

# On import, since pytest-django reads the settings in its first hook. Processes of pytest-xdist
# find the variables set already.
if "DATABASE_URL" not in os.environ:
    data_dir = Path(__file__).parents[2] / ".data" / "test"
    os.environ.update(_running.enter_context(services(data_dir, durable=False)))


def _isolate(worker: str) -> None:
    """A Valkey database of this process's own, and one thread where each would take all."""
    number = 1 + int(worker.removeprefix("gw"))
    url = os.environ["REDIS_URL"]
    # Written by hand for a socket: urllib leaves out the slashes of an empty host.
    socket = f"{url.partition('?')[0]}?db={number}"
    own = socket if url.startswith("unix:") else urlsplit(url)._replace(path=f"/{number}").geturl()
    os.environ.update(REDIS_URL=own, OMP_NUM_THREADS="1")


if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    _isolate(worker)


def pytest_unconfigure() -> None:
    _running.close()
