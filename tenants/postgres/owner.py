"""The owner's connection: for commands that change the schema, never for the running app."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections

from saas.env import database
from tenants.rls import app_role


@contextmanager
def as_owner(alias: str = "default") -> Iterator[None]:
    """Run the block's statements as DATABASE_OWNER_URL's role, in the same database."""
    if not settings.DATABASE_OWNER_URL:
        yield
        return
    connection = connections[alias]
    app = connection.settings_dict
    connection.close()
    connection.settings_dict = {**app, **_login(app["NAME"])}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = app


def _login(name: str) -> dict[str, object]:
    config = database(settings.DATABASE_OWNER_URL)
    login = {key: config.get(key, "") for key in ("USER", "PASSWORD", "HOST", "PORT")}
    return {**login, "NAME": name, "OPTIONS": config.get("OPTIONS", {})}


def may_make_tables(alias: str = "default") -> bool:
    """Whether the current login may make tables where ours stand."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT has_schema_privilege('public', 'CREATE')")
        return bool(cursor.fetchone()[0])


def grant_app_role(alias: str = "default") -> None:
    """Let the app's role use what the owner makes from now on: rows, never the schema."""
    role = f'"{app_role()}"'
    with connections[alias].cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        )
        cursor.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {role}"
        )
