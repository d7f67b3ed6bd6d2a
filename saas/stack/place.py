"""Where the embedded servers keep their files, and the unprivileged user they run as."""

import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from saas.stack.errors import StackError

# A unix socket's path holds 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


class Identity(TypedDict, total=False):
    """subprocess's arguments for running as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The user the servers run as when the supervisor is root: Postgres refuses to be root."""

    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.uid, self.gid)

    def can_run(self, program: Path) -> bool:
        return self._tries([str(program), "--version"])

    def can_enter(self, folder: Path) -> bool:
        return self._tries(["/bin/ls", "-d", f"{folder}/."])

    def _tries(self, argv: list[str]) -> bool:
        try:
            done = subprocess.run(
                argv,
                cwd="/",
                capture_output=True,
                check=False,
                **identity(self),
            )
        except PermissionError:
            return False
        return done.returncode == 0


def identity(account: Account | None) -> Identity:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def server_account() -> Account | None:
    """Nobody when we are root; None (our own user) otherwise."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one installation. `home` and `sockets` are 0700 and belong to the servers."""

    data: Path
    home: Path
    sockets: Path
    account: Account | None
    notes: tuple[str, ...] = field(default=())

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def pids(self) -> Path:
        return self.data / "run"

    def own(self, *paths: Path) -> None:
        if self.account:
            self.account.own(*paths)


def prepare(data_dir: Path) -> Place:
    """Make the folders with their permissions and say where something lies elsewhere."""
    data = data_dir.resolve()
    account = server_account()
    _private_folder(data, account)
    for name in ("logs", "run"):
        _private_folder(data / name, None)
    home, home_note = _home(data, account)
    sockets, sockets_note = _sockets(home, account)
    notes = tuple(note for note in (home_note, sockets_note) if note)
    return Place(data=data, home=home, sockets=sockets, account=account, notes=notes)


def _home(data: Path, account: Account | None) -> tuple[Path, str]:
    if account is None or account.can_enter(data):
        return data, ""
    os.chown(data, os.geteuid(), os.getegid())
    home = Path("/var/lib") / f"kindling-{_fingerprint(data)}"
    _private_folder(home, account)
    return home, f"user nobody cannot enter {data}: the servers' files are in {home}"


def _sockets(home: Path, account: Account | None) -> tuple[Path, str]:
    sockets = home / "sockets"
    if len(os.fsencode(sockets / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        _private_folder(sockets, account)
        return sockets, ""
    short = Path(tempfile.gettempdir()).resolve() / f"kindling-{_fingerprint(home)}"
    _private_folder(short, account)
    return short, f"the path of {home} is too long for sockets: they are in {short}"


def _private_folder(folder: Path, account: Account | None) -> None:
    """Make it 0700; a folder that somebody else put there is refused, not taken over."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    ours = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
        raise StackError(
            f"{folder} belongs to somebody else.", "Remove it or set DATA_DIR to another folder."
        )
    folder.chmod(0o700)
    if account:
        account.own(folder)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
