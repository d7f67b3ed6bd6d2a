"""Reads settings from the environment; a value that cannot be used stops the start."""

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
CONNECT_TIMEOUT_S = 5


def secret(name: str, *, default: str | None = None, optional: bool = False) -> str:
    """The value of NAME, or the content of the file that NAME_FILE points to."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        return Path(path).read_text().strip()
    value = os.environ.get(name, default)
    if not value and not optional:
        raise ImproperlyConfigured(
            f"{name} is missing. Set {name} or {name}_FILE; `make up` makes one by itself."
        )
    return value or ""


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    """The value of NAME, which must be one of the options."""
    value = os.environ.get(name, default)
    if value not in options:
        raise ImproperlyConfigured(f"{name}={value!r}: must be one of {', '.join(options)}.")
    return value


def limits() -> dict[str, int]:
    """Every LIMIT_… in the environment by the rest of its name: a whole number, zero or more."""
    found = {}
    for name, value in os.environ.items():
        if name.startswith("LIMIT_"):
            if not (value.isascii() and value.isdigit()):
                raise ImproperlyConfigured(f"{name}={value!r}: must be a whole number.")
            found[name.removeprefix("LIMIT_").lower()] = int(value)
    return found


def retention() -> dict[str, int]:
    """Every RETENTION_… in the environment, by the rest of its name: whole days."""
    found = {}
    for name, value in os.environ.items():
        if name.startswith("RETENTION_"):
            if not (value.isascii() and value.isdigit()):
                raise ImproperlyConfigured(f"{name}={value!r}: must be a whole number of days.")
            found[name.removeprefix("RETENTION_").lower()] = int(value)
    return found


def local_only(name: str, public_url: str) -> bool:
    """Whether NAME is on, which it may only be where nobody but this machine can come."""
    value: bool = env.bool(name, False)
    if value and urlsplit(public_url).hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ImproperlyConfigured(f"{name} is for a demo on localhost, not for {public_url}.")
    return value


def networks(name: str) -> list[str]:
    """The networks in NAME, such as 10.20.0.0/16, with commas between them."""
    values: list[str] = env.list(name, default=[])
    try:
        return [str(ipaddress.ip_network(value)) for value in values]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


def database(url: str) -> dict[str, Any]:
    """Django's settings for one Postgres, but for its engine."""
    config = dict(environ.Env.db_url_config(url))
    host = dict(parse_qsl(urlsplit(url).query)).get("host")
    if host:  # a unix socket folder, which does not fit in a URL's host part
        config["HOST"] = host
        config.get("OPTIONS", {}).pop("host", None)
    # A server that hangs takes connections and never greets.
    config.setdefault("OPTIONS", {}).setdefault("connect_timeout", CONNECT_TIMEOUT_S)
    return config | {
        "ATOMIC_REQUESTS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # PgBouncer in transaction mode
    }


def celery_broker(url: str) -> str:
    """Celery's spelling of the redis-py URL of the same server."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database_number = dict(parse_qsl(parts.query)).get("db", "0")
    # Not urlunsplit: it leaves out the empty host's slashes, and Celery then takes it for AMQP.
    return f"redis+socket://{parts.path}?{urlencode({'virtual_host': database_number})}"
