"""What `make up` is to do here: folders, port and servers, read from the environment once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from saas.stack.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 8000
LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Config:
    """`database_url` and `redis_url` name servers of one's own; empty means the embedded ones."""

    data_dir: Path
    port: int
    once: bool
    database_url: str
    owner_url: str
    redis_url: str

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> "Config":
        return cls(
            data_dir=Path(env.get("DATA_DIR") or ROOT / ".data").resolve(),
            port=_port(env.get("PORT") or str(DEFAULT_PORT)),
            once=env.get("ONCE", "") not in {"", "0"},
            database_url=env.get("DATABASE_URL", ""),
            owner_url=env.get("DATABASE_OWNER_URL", ""),
            redis_url=env.get("REDIS_URL", ""),
        )

    @property
    def url(self) -> str:
        """For people: by this name, unlike by the number, browsers allow passkeys without https."""
        return f"http://localhost:{self.port}"


def _port(value: str) -> int:
    if value.isdecimal() and 0 < int(value) <= LARGEST_PORT:
        return int(value)
    raise StackError(f"PORT={value} is no port.", "Set a number from 1 to 65535: make up PORT=8001")
