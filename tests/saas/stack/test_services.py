"""The embedded servers: started, used, killed and started again."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from saas.stack import services
from saas.stack.errors import StackError
from saas.stack.place import Account

HOLDER = """
    import os, sys, time
    from saas.stack import services
    with services(sys.argv[1]) as env:
        print(env["DATABASE_ADMIN_URL"], env["REDIS_URL"], flush=True)
        time.sleep(60)
"""


def test_a_restart_keeps_rows_and_keys(data_dir: Path) -> None:
    with services(data_dir) as env:
        with psycopg.connect(env["DATABASE_OWNER_URL"]) as owner:
            owner.execute("CREATE TABLE note AS SELECT 'kept' AS text")
        redis.from_url(env["REDIS_URL"]).set("note", "kept")
    with services(data_dir) as env:
        with psycopg.connect(env["DATABASE_OWNER_URL"]) as owner:
            assert owner.execute("SELECT text FROM note").fetchone() == ("kept",)
        assert redis.from_url(env["REDIS_URL"]).get("note") == b"kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root's servers run as somebody else.")
def test_roots_private_folder_and_its_umask_keep_the_servers_out_of_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody cannot reach the packages, the programs are copied to where he can."""
    monkeypatch.setattr(Account, "can_run", lambda self, program: False)
    before = os.umask(0o077)  # as `make up` has it
    try:
        for _ in range(2):  # also with the copies of the first time
            with services(data_dir) as env, psycopg.connect(env["DATABASE_URL"]) as app:
                assert app.execute("SELECT 1").fetchone() == (1,)
                assert redis.from_url(env["REDIS_URL"]).ping()
    finally:
        os.umask(before)


def test_nothing_runs_after_the_end(data_dir: Path) -> None:
    with services(data_dir):
        assert _running_in(data_dir)
    assert not _running_in(data_dir)


@pytest.mark.parametrize("victims", ["supervisor", "everything"])
def test_a_start_after_kill_9_keeps_the_data(data_dir: Path, victims: str) -> None:
    with _held_elsewhere(data_dir) as (holder, database, cache):
        with psycopg.connect(database) as admin:
            admin.execute("DROP TABLE IF EXISTS mark")
            admin.execute(f"CREATE TABLE mark AS SELECT '{victims}' AS text")
        redis.from_url(cache).set("mark", victims)
        time.sleep(1.1)  # appendfsync everysec
        doomed = [psutil.Process(holder.pid)]
        doomed += _running_in(data_dir) if victims == "everything" else []
        for process in doomed:
            process.kill()
    started = time.monotonic()
    with services(data_dir) as env:
        assert time.monotonic() - started < 10
        with psycopg.connect(env["DATABASE_ADMIN_URL"]) as admin:
            assert admin.execute("SELECT text FROM mark").fetchone() == (victims,)
        assert redis.from_url(env["REDIS_URL"]).get("mark") == victims.encode()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children on Linux only")
def test_the_servers_end_with_a_killed_supervisor(data_dir: Path) -> None:
    with _held_elsewhere(data_dir) as (holder, *_):
        holder.kill()
        deadline = time.monotonic() + 10
        while _running_in(data_dir) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _running_in(data_dir)


def test_only_this_user_and_the_servers_reach_the_files(data_dir: Path) -> None:
    with services(data_dir) as env:
        socket = Path(env["DATABASE_URL"].partition("host=")[2])
        for folder in (data_dir, data_dir / "logs", data_dir / "run", socket):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        users = {process.uids().effective for process in _running_in(data_dir)}
    assert 0 not in users
    assert users == {os.geteuid()} or os.geteuid() == 0


def test_a_second_start_on_the_same_folder_is_refused(data_dir: Path) -> None:
    with services(data_dir), pytest.raises(StackError, match=f"process {os.getpid()}"):
        services(data_dir).__enter__()


def test_a_long_path_puts_the_sockets_in_a_short_private_folder(data_dir: Path) -> None:
    deep = data_dir.parent / ("a-rather-long-folder-name" * 4)
    deep.mkdir(mode=0o755)
    with services(deep / "data") as env:
        socket = Path(env["DATABASE_URL"].partition("host=")[2])
        assert deep not in socket.parents
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert not list(socket.iterdir())
    socket.rmdir()


def test_a_stale_pid_file_does_not_harm_a_stranger(data_dir: Path) -> None:
    with services(data_dir):
        pass
    stranger = subprocess.Popen(["sleep", "30"])
    try:
        (data_dir / "run" / "valkey.pid").write_text(f"{stranger.pid} 1.0\n")
        (data_dir / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        with services(data_dir):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


class _held_elsewhere:
    """Servers held by another process, which the test may kill."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOLDER), str(data_dir)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> tuple[subprocess.Popen[str], str, str]:
        assert self.process.stdout
        database, cache = self.process.stdout.readline().split()
        return self.process, database, cache

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def _running_in(data_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "name"]):
        command = process.info["cmdline"] or []
        if process.info["cwd"] and str(data_dir) in process.info["cwd"] and command:
            found.append(process)
    return found
