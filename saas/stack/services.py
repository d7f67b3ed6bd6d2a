"""The two embedded servers together: for `make up`, and for tests as a context manager."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from saas.stack.database import APP_ROLE, DATABASE, OWNER_ROLE, bootstrap
from saas.stack.errors import StackError
from saas.stack.place import Place, prepare
from saas.stack.postgres import SUPERUSER, Postgres
from saas.stack.processes import end_orphans
from saas.stack.valkey import Valkey


@contextlib.contextmanager
def services(
    data_dir: Path | str | None = None, *, durable: bool = True
) -> Iterator[dict[str, str]]:
    """Run Postgres and Valkey and give the environment that reaches them.

    Without a folder the data is temporary. Not durable means faster: a killed process loses
    nothing, but a crash of the whole machine may.
    """
    if data_dir is None:
        with _passing_folder() as folder, _running(folder, durable=False) as env:
            yield env
    else:
        with _running(Path(data_dir), durable=durable) as env:
            yield env


@contextlib.contextmanager
def _running(data_dir: Path, *, durable: bool) -> Iterator[dict[str, str]]:
    place = prepare(data_dir)
    with only_one(place), contextlib.ExitStack() as stack:
        postgres = Postgres(place, durable=durable)
        stack.callback(postgres.stop)
        postgres.start()
        bootstrap(postgres.url(SUPERUSER, "postgres"))
        valkey = Valkey(place, durable=durable)
        stack.callback(valkey.stop)
        valkey.start()
        yield database_env(postgres) | valkey_env(valkey)


def database_env(postgres: Postgres) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres.url(APP_ROLE, DATABASE),
        "DATABASE_OWNER_URL": postgres.url(OWNER_ROLE, DATABASE),
        "DATABASE_ADMIN_URL": postgres.url(SUPERUSER, "postgres"),
    }


def valkey_env(valkey: Valkey) -> dict[str, str]:
    return {"REDIS_URL": valkey.url}


@contextlib.contextmanager
def only_one(place: Place) -> Iterator[None]:
    """Hold the installation's lock, which the kernel releases however the holder ends;
    what a killed holder started is ended first."""
    with (place.data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StackError(
                f"Kindling already runs on {place.data} (process {lock.read().strip()}).",
                "Stop it there with Ctrl-C, or set DATA_DIR to another folder.",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        end_orphans(place)
        yield


@contextlib.contextmanager
def _passing_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kindling-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
