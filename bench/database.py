"""Django on real servers with tables of a test database, made for one run and dropped after it.

DATABASE_URL and REDIS_URL name the servers; without them embedded ones are started.
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SERVERS = ExitStack()
FOLDER = Path(os.environ.get("DATA_DIR", ".data")) / "bench"


@cache
def scratch_database() -> str:
    """The URL of the fresh database, to which this process is connected as the app's role."""
    servers()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    from tenants.postgres.owner import as_owner

    with as_owner():
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
        name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name

    def drop() -> None:
        connection.close()
        with as_owner():
            teardown_databases(made, verbosity=0)

    SERVERS.callback(drop)
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


def servers() -> None:
    """Django on real servers: those of the environment, or embedded ones."""
    os.environ.setdefault("SECRET_KEY", "measured-only")
    os.environ.setdefault("DATABASE_POOL", "False")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")
    atexit.register(SERVERS.close)
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        from saas.stack import services

        os.environ.update(SERVERS.enter_context(services(FOLDER)))
    import django

    django.setup()
