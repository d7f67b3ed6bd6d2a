"""Through PgBouncer in transaction mode no connection carries a tenant from one to the next.

Needs the `pgbouncer` program; where it is missing the proof says so and is skipped.
"""

import getpass
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tenants.events import record
from tenants.forms import AuditFilterForm
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import workspace_create
from tests.support.tally import tally

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
pytestmark = [
    pytest.mark.prove,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
]
TENANTS, THREADS, REQUESTS = 50, 16, 5_000
BROKEN = 0.05
COUNT = tally("requests through PgBouncer, two server connections")
CSV = "/w/{}/settings/audit.csv"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def bouncer(tmp_path: Path) -> Iterator[int]:
    """PgBouncer in front of the tests' database; the app's connections go through it."""
    port = free_port()
    ini = tmp_path / "pgbouncer.ini"
    ini.write_text(configuration(port))
    command = [str(PROGRAM), str(ini)]
    if os.geteuid() == 0:  # it refuses to run as root
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kept = dict(connection.settings_dict)
    try:
        await_port(port, process)
        connection.close()
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
        yield port
    finally:
        connection.close()
        connection.settings_dict.update(kept)
        process.terminate()
        process.wait(10)


def configuration(port: int) -> str:
    login = connection.settings_dict
    server = {
        "host": login["HOST"],
        "port": login["PORT"] or 5432,
        "dbname": login["NAME"],
        "user": login["USER"] or getpass.getuser(),
        "password": login["PASSWORD"],
    }
    words = " ".join(f"{name}={value}" for name, value in server.items() if value)
    return f"""
[databases]
* = {words}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
"""


def await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + 10
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("PgBouncer did not start.")


def planted(number: int) -> tuple[User, Tenant]:
    owner = User.objects.create_user(f"owner{number}@bouncer.test")
    tenant = workspace_create(owner=owner, name="Bouncer")
    with tenant_scope(tenant):
        record("workspace.renamed", after=f"canary-{number}-")
    return owner, tenant


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of requests need no lines in the log, broken ones no tracebacks."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request fail after its rows were read, where its address says so."""

    class Form(AuditFilterForm):
        def rows(self) -> Any:
            found = list(super().rows())
            if "break" in self.data:
                raise RuntimeError("half-way")
            return found

    monkeypatch.setattr("tenants.views.audit.AuditFilterForm", Form)


def test_no_request_sees_another_workspaces_rows(
    bouncer: int, breaking: None, quiet: None, client_for: Callable[[User], Client]
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", str(time.time_ns() % 10**6)))
    print(f"seed={seed}")
    random, stage = Random(seed), [planted(number) for number in range(TENANTS)]
    cookies = [client_for(owner).cookies for owner, _ in stage]
    connection.close()
    plan = [(random.randrange(TENANTS), random.random() < BROKEN) for _ in range(REQUESTS)]
    local = threading.local()

    def ask(step: tuple[int, bool]) -> bool:
        number, breaks = step
        if not hasattr(local, "client"):
            local.client = Client(raise_request_exception=False)
        local.client.cookies = cookies[number]
        path = CSV.format(stage[number][1].slug) + ("?break=1" if breaks else "")
        try:
            return right(local.client.get(path), f"canary-{number}-", breaks=breaks)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = list(threads.map(ask, plan))
    COUNT.attempts += REQUESTS
    COUNT.failures += outcomes.count(False)
    COUNT.controls += sum(not breaks for _, breaks in plan)
    assert COUNT.failures == 0


def right(answer: Any, canary: str, *, breaks: bool) -> bool:
    """The answer holds the own canary and no other; a request that broke holds none."""
    text = answer.content.decode()
    if breaks:
        return answer.status_code == 500 and "canary-" not in text
    return answer.status_code == 200 and text.count("canary-") == text.count(canary) == 1


def test_a_session_setting_would_leak_here(bouncer: int) -> None:
    """The control: what is set without a transaction does reach the next one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant', 'leaked', false)")
    seen = set()
    for _ in range(20):
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.tenant', true)")
            seen.add(cursor.fetchone()[0])
    assert "leaked" in seen
    COUNT.controls += 1
