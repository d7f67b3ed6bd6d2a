"""The web server stops in time, also while a request hangs on a Postgres that hangs."""

import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.support.faulty import faulty_postgres
from tests.support.live import await_health, free_port
from tests.support.live import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)
GRACE_S = 2
MOMENT_S = 8


def test_it_stops_while_a_request_hangs() -> None:
    port = free_port()
    with faulty_postgres(database_url()) as (postgres, url):
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": url,
            "DATABASE_POOL": "True",
        }
        argv = [sys.executable, "-m", "saas.serve", "--port", str(port), "--grace", str(GRACE_S)]
        server = subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            await_health(f"http://127.0.0.1:{port}/readyz", server)
            hung = threading.Thread(target=ask, args=(port,), daemon=True)
            postgres.hang()
            hung.start()
            time.sleep(1)
            began = time.monotonic()
            server.send_signal(signal.SIGTERM)
            said = server.communicate(timeout=GRACE_S + MOMENT_S)[1]
            took = time.monotonic() - began
        finally:
            server.kill()
    assert took < GRACE_S + MOMENT_S
    lines = [line for line in said.splitlines() if line.startswith("{")]
    assert any('"logger": "uvicorn.error"' in line for line in lines), "one shape for all lines"


def ask(port: int) -> None:
    key = {"Authorization": "Bearer sk_00000000_unknown"}
    try:
        httpx.get(f"http://127.0.0.1:{port}/api/v1/me/", headers=key, timeout=60)
    except httpx.TransportError:
        return
