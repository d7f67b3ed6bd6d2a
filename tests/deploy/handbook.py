"""Runs the handbook's `sh` blocks on servers of their own: python -m tests.deploy.handbook DIR"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from saas.stack.database import APP_ROLE, OWNER_ROLE, bootstrap
from saas.stack.place import prepare
from saas.stack.postgres import SUPERUSER, Postgres
from saas.stack.services import only_one, valkey_env
from saas.stack.valkey import Valkey
from tests.deploy.test_running import BLOCKS, EXPECTED
from tests.support.source import ROOT

RESTORED = "restored"


def main(folder: Path) -> int:
    place = prepare(folder / "data")
    postgres, valkey = Postgres(place, durable=False), Valkey(place)
    with only_one(place):
        try:
            postgres.start()
            valkey.start()
            return _run_all(_environment(folder, postgres, valkey), postgres)
        finally:
            valkey.stop()
            postgres.stop()


def _environment(folder: Path, postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    for name in ("backup", "media"):
        (folder / name).mkdir()
    programs = Path(str(postgres.child.command.argv[0])).parent
    return {
        **os.environ,
        **valkey_env(valkey),
        "PATH": f"{Path(sys.executable).parent}:{programs}:{os.environ['PATH']}",
        "DATABASE_URL": postgres.url(APP_ROLE, "kindling"),
        "DATABASE_OWNER_URL": postgres.url(OWNER_ROLE, "kindling"),
        "DATABASE_ADMIN_URL": postgres.url(SUPERUSER, "postgres"),
        "DATABASE_ADMIN_URL_OF_KINDLING": postgres.url(SUPERUSER, "kindling"),
        "RESTORED_ADMIN_URL": postgres.url(SUPERUSER, RESTORED),
        "BACKUP": str(folder / "backup"),
        "MEDIA_ROOT": str(folder / "media"),
        "DATA_DIR": str(folder / "files"),
        "SECRET_KEY": "handbook-" * 8,
        "DATABASE_POOL": "False",
    }


def _run_all(env: dict[str, str], postgres: Postgres) -> int:
    doctor, *blocks = BLOCKS
    failures = 0
    for block in [*blocks, doctor]:
        if "pg_restore" in block:  # as the page says: roles and an empty database first
            bootstrap(postgres.url(SUPERUSER, "postgres"), database=RESTORED)
            env["DATABASE_URL"] = postgres.url(APP_ROLE, RESTORED)
        for line in block.strip().splitlines():
            failures += _run(line, env)
    print(f"attempts={sum(len(block.splitlines()) for block in BLOCKS)} failures={failures}")
    return 1 if failures else 0


def _run(line: str, env: Mapping[str, str]) -> bool:
    """Whether it failed that should not have."""
    done = subprocess.run(["bash", "-ec", line], cwd=ROOT, env=env, check=False)
    allowed = any(expected in line for expected in EXPECTED)
    print(f"exit {done.returncode}: {line}", flush=True)
    return done.returncode != 0 and not allowed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
