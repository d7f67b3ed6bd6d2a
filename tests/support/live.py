"""A real web server and a batch worker, for tests that need sockets: streams, disconnects."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.db import connection

from generation.engine.echo import EchoEngine
from generation.engine.types import Engine, Event
from generation.serving.batch_worker import BatchWorker
from generation.serving.job_kinds import QUEUE

# Two cores that do much else take half of it.
START_S = 180
STOP = ("--timeout-graceful-shutdown", "2")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_database_url() -> str:
    """The server's URL with the name of the tests' own database."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@contextmanager
def served(app: str = "saas.asgi:application", **variables: str) -> Iterator[str]:
    """The app under uvicorn on a free port, with the tests' database; yields its address."""
    with launched(app, **variables) as (address, _process):
        yield address


@contextmanager
def launched(
    app: str = "saas.asgi:application", awaited: str = "/readyz", **variables: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """As `served`, with the process; `awaited` is the address that has to answer first."""
    port = free_port()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": test_database_url(),
        "DATABASE_POOL": "True",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CORS_ALLOWED_ORIGINS": "https://listed.example",
        "LIMIT_GENERATIONS": "100000",
        "LIMIT_REQUESTS": "100000",
        "LIMIT_TOKENS": "100000000",
        **variables,
    }
    command = [sys.executable, "-m", "uvicorn", app]
    server = subprocess.Popen(
        [*command, *("--port", str(port), "--log-level", "warning"), *STOP], env=environment
    )
    try:
        await_health(f"http://127.0.0.1:{port}{awaited}", server)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.wait(10)


def await_health(address: str, server: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and server.poll() is None:
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("The server did not start.")


class SlowEcho(EchoEngine):
    """Takes a moment over each token, so that something can happen in between."""

    def __init__(self, pause_s: float) -> None:
        super().__init__()
        self.pause_s = pause_s

    def step(self) -> list[Event]:
        time.sleep(self.pause_s)
        return super().step()


@contextmanager
def working(pause_s: float = 0.0, rows: int = 8) -> Iterator[EchoEngine]:
    """A generate worker in a thread, until the block ends."""
    engine = SlowEcho(pause_s)
    engine.rows_total = rows
    with worked_through(engine):
        yield engine


@contextmanager
def worked_through(engine: Engine) -> Iterator[None]:
    """A generate worker over this engine in a thread, until the block ends."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            BatchWorker(engine, QUEUE).run()
            over.wait(0.02)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
