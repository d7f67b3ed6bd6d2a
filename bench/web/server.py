"""The web server and a generate worker on the scratch database, as `make up` runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from bench.database import FOLDER

PORT = int(os.environ.get("PORT", "8099"))
# No call is refused for being one of many.
NAMES = ("REQUESTS", "GENERATIONS", "TOKENS", "AUDIENCES")
LIMITS = {f"LIMIT_{name}": "1000000000" for name in NAMES}


@dataclass(frozen=True, slots=True)
class Processes:
    """The web server and Postgres, whose processor time is read."""

    web: psutil.Process
    postgres: psutil.Process

    def cpu(self) -> tuple[float, float]:
        """Seconds of the web server, and of all of Postgres's sessions."""
        return seconds(self.web), sum(map(seconds, self.postgres.children()))


def seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def served(database: str) -> Iterator[Processes]:
    from saas.stack import programs
    from saas.stack.config import Config
    from saas.stack.place import prepare

    config = Config.read({"PORT": str(PORT), "DATA_DIR": str(FOLDER)})
    env = environment(database, config.url)
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, check=True, env={**os.environ, **env})
    place = prepare(FOLDER)
    web = programs.web(config, env, place)
    with ExitStack() as running:
        for program in (web, programs.worker("generate", env, place)):
            program.start()
            running.callback(program.stop)
        yield Processes(psutil.Process(web.child.pid), postmaster())


def environment(database: str, url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database,
        "DATABASE_POOL": "True",
        "DATA_DIR": str(FOLDER),
        "PUBLIC_URL": url,
        **LIMITS,
    }


def postmaster() -> psutil.Process:
    """The parent of this connection's session; the server must run on this machine."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        session = psutil.Process(cursor.fetchone()[0])
    parent = session.parent()
    assert parent is not None
    return parent
