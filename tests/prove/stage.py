"""The stage of a proof: embedded servers of its own, and a fleet of real Celery workers."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil
import redis

from saas.stack.database import DATABASE, bootstrap
from saas.stack.place import Place, prepare
from saas.stack.postgres import SUPERUSER, Postgres
from saas.stack.services import database_env, only_one, valkey_env
from saas.stack.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests.prove.settings"


def clean_environment() -> dict[str, str]:
    """The environment without the servers of whoever starts a proof: it brings its own."""
    servers = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if name not in servers}


@dataclass
class Worker:
    """One Celery worker: the parent, and the prefork child that does the work."""

    number: int
    queues: str
    log: Path
    process: subprocess.Popen[bytes] | None = None
    seen: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        argv = [sys.executable, "-m", "celery", "-A", "saas", "worker", "-P", "prefork", "-c", "1"]
        argv += ["-Q", self.queues, "-n", f"prove{self.number}@%h", "--loglevel", "INFO"]
        argv += ["--without-mingle", "--without-gossip"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                start_new_session=True,
            )
        self.seen.append(psutil.Process(self.process.pid))

    def children(self) -> list[psutil.Process]:
        if self.process is None or self.process.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            found = [
                child
                for child in psutil.Process(self.process.pid).children()
                if child.status() != psutil.STATUS_ZOMBIE
            ]
            self.seen += [child for child in found if child not in self.seen]
            return found
        return []

    def child(self) -> psutil.Process:
        """The live child; the parent makes a new one for each that died."""
        deadline = time.monotonic() + 30
        while not (found := self.children()):
            self.keep_alive()
            assert time.monotonic() < deadline, f"The worker has no child:\n{self.last_words()}"
            time.sleep(0.02)
        return found[0]

    def keep_alive(self) -> None:
        """What a supervisor does: Celery gives up when a child dies while it starts."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def kill(self, what: str) -> None:
        """kill -9 of the child, the parent, or both."""
        child = self.child()
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        victims = {"child": [child], "parent": [parent], "both": [parent, child]}[what]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        if what != "child":
            self.process.wait()
            self.start()

    def restart(self) -> None:
        """A deploy: ask the worker to stop, wait until it has, start it anew."""
        self.child()
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.start()

    def stop(self) -> None:
        """Ask for a graceful stop, then end whatever was ever a part of this worker."""
        self.children()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        for process in self.seen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process is not None:
            self.process.wait()

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def words(self, text: str) -> int:
        """How often the log says this."""
        return self.log.read_text(errors="replace").count(text) if self.log.exists() else 0


@dataclass
class Stage:
    """The servers, which may be killed, and the workers."""

    place: Place
    postgres: Postgres
    valkey: Valkey
    workers: list[Worker] = field(default_factory=list)

    def hire(self, count: int, queues: str = "default,generate") -> None:
        for _ in range(count):
            number = len(self.workers)
            log = self.place.data / f"worker{number}.log"
            self.workers.append(Worker(number, queues, log))
            self.workers[-1].start()
        deadline = time.monotonic() + 600
        while not all(worker.words(" ready.") for worker in self.workers):
            assert time.monotonic() < deadline, self.workers[0].last_words()
            time.sleep(0.2)

    def kill_broker(self, random: Random) -> None:
        self._kill(self.valkey, random)

    def kill_database(self, random: Random) -> None:
        self._kill(self.postgres, random)

    def _kill(self, server: Postgres | Valkey, random: Random) -> None:
        """kill -9 of a server, which is away for a moment."""
        assert server.child.pid is not None
        os.kill(server.child.pid, signal.SIGKILL)
        time.sleep(random.uniform(0, 1.5))
        server.start()

    @property
    def admin_url(self) -> str:
        """The database as its superuser sees it."""
        return self.postgres.url(SUPERUSER, DATABASE)

    def tell_valkey(self, *words: str) -> None:
        with redis.Redis(unix_socket_path=str(self.valkey.socket)) as client:
            client.execute_command(*words)

    def keep_alive(self) -> None:
        for worker in self.workers:
            worker.keep_alive()

    def said(self, text: str) -> int:
        return sum(worker.words(text) for worker in self.workers)


@contextlib.contextmanager
def stage(data_dir: Path, *, durable: bool = False) -> Iterator[Stage]:
    """Servers on a folder of their own, migrated, with Django set up to use them.

    Durable where Postgres itself is killed: else the last commits may be gone.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the workers go too
    place = prepare(data_dir)
    with only_one(place), contextlib.ExitStack() as stack:
        postgres, valkey = Postgres(place, durable=durable), Valkey(place)
        for server in (postgres, valkey):
            stack.callback(server.stop)
            server.start()
        bootstrap(postgres.url(SUPERUSER, "postgres"))
        os.environ.update(database_env(postgres) | valkey_env(valkey))
        os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
        _migrate()
        made = Stage(place, postgres, valkey)
        stack.callback(lambda: [worker.stop() for worker in made.workers])
        yield made


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
