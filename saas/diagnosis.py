"""What `manage.py doctor` looks at: each app registers what it can judge, with the cure."""

import shutil
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.mail import get_connection
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from saas.outages import cause
from saas.redis_client import redis_client

Level = Literal["ok", "warning", "fault"]

LEAST_FREE_GB = 1.0
MOST_SKEW_S = 5.0
OLDEST_POSTGRES = 150000
UNSAFE_POSTGRES = {"fsync": "off", "full_page_writes": "off"}
WANTED_REDIS = {"maxmemory-policy": "noeviction", "appendonly": "yes"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was seen, and what to do about it where something is wrong."""

    level: Level
    what: str
    cure: str = ""


Check = Callable[[], Iterator[Finding]]
_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    """Have doctor ask this too; in your AppConfig.ready()."""
    _checks[name] = check


def diagnose() -> Iterator[tuple[str, Finding]]:
    """Every finding of every check, by the check's name."""
    for name, check in (OWN | _checks).items():
        try:
            for finding in check():
                yield name, finding
        except Error as error:
            connection.close()
            yield name, Finding("fault", f"Postgres said: {cause(error)}", START_POSTGRES)


START_POSTGRES = "Start Postgres, or mend DATABASE_URL."


def ok(what: str) -> Finding:
    return Finding("ok", what)


def fault(what: str, cure: str) -> Finding:
    return Finding("fault", what, cure)


def warning(what: str, cure: str) -> Finding:
    return Finding("warning", what, cure)


def the_settings() -> Iterator[Finding]:
    host = urlsplit(settings.PUBLIC_URL).hostname
    if settings.DEBUG:
        yield fault("DEBUG is on.", "Leave DEBUG unset: it shows settings and code to visitors.")
    if host not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        yield fault(f"ALLOWED_HOSTS lacks {host}.", f"Add {host} to ALLOWED_HOSTS.")
    if host not in {"localhost", "127.0.0.1", "::1"} and not settings.HTTPS:
        yield fault("PUBLIC_URL is not https.", "Put a proxy with TLS before it; set PUBLIC_URL.")
    if settings.DATABASE_OWNER_URL:
        yield warning(
            "DATABASE_OWNER_URL is set in this process.",
            "Give it to `migrate` and `flush` alone; the app must not have it.",
        )
    yield ok(f"people reach this at {settings.PUBLIC_URL}")


def database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, clock_timestamp()")
        version, now = cursor.fetchone()
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
            [[*UNSAFE_POSTGRES, "max_connections"]],
        )
        found = dict(cursor.fetchall())
    if version < OLDEST_POSTGRES:
        yield fault(f"Postgres {version // 10000} is too old.", "Use Postgres 15 or newer.")
    for name, unsafe in UNSAFE_POSTGRES.items():
        if found.get(name) == unsafe:
            yield warning(f"{name} is {unsafe}.", f"Turn {name} on: a power cut loses data.")
    skew = abs((timezone.now() - now).total_seconds())
    if skew > MOST_SKEW_S:
        yield warning(f"This clock is {skew:.0f} s from Postgres'.", "Run an NTP client on both.")
    yield ok(f"Postgres {version // 10000}, {found['max_connections']} connections at most")


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{migration.app_label} {migration.name}" for migration, _ in missing[:3])
        cure = "Run `DATABASE_OWNER_URL=… python manage.py migrate`."
        yield fault(f"{len(missing)} migrations are not applied: {names}.", cure)
    else:
        yield ok("all migrations are applied")


def valkey() -> Iterator[Finding]:
    try:
        with redis_client(socket_timeout=2) as client:
            version = client.info("server")["redis_version"]
            known = {name: client.config_get(name).get(name) for name in WANTED_REDIS}
    except redis.ResponseError:
        known = {}  # a managed server shows no settings
    except redis.RedisError as error:
        yield fault(f"Redis said: {error}", "Start Redis or Valkey, or mend REDIS_URL.")
        return
    for name, wanted in WANTED_REDIS.items():
        if known.get(name) not in (wanted, None):
            yield warning(
                f"{name} is {known[name]}.", f"CONFIG SET {name} {wanted}, and in its file."
            )
    yield ok(f"Redis or Valkey {version}")


def disks() -> Iterator[Finding]:
    for name in ("DATA_DIR", "MEDIA_ROOT"):
        folder = getattr(settings, name)
        if not folder.exists():
            yield warning(f"{name} {folder} is not there.", "Make it, writable for this user.")
            continue
        free = shutil.disk_usage(folder).free / 1e9
        if free < LEAST_FREE_GB:
            yield fault(
                f"{free:.1f} GB are free for {name}.", f"Make room, or set {name} to a larger disk."
            )
        else:
            yield ok(f"{free:.0f} GB are free for {name}")


def mail() -> Iterator[Finding]:
    if not settings.EMAIL_BACKEND.startswith("django.core.mail"):
        if settings.HTTPS:
            yield warning("Mails are files in DATA_DIR/mail.", "Set EMAIL_URL to send them.")
        else:
            yield ok("mails are files in DATA_DIR/mail")
        return
    try:
        get_connection(timeout=5).open()
        yield ok("the mail server answers")
    except (OSError, smtplib.SMTPException) as error:
        yield fault(f"The mail server said: {error}", "Mend EMAIL_URL.")


OWN: dict[str, Check] = {
    "settings": the_settings,
    "database": database,
    "migrations": migrations,
    "redis": valkey,
    "disk": disks,
    "mail": mail,
}
