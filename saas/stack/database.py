"""Roles, database and extension that Kindling needs on a Postgres, embedded or not."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

OWNER_ROLE, APP_ROLE, DISPATCH_ROLE = "kindling_owner", "kindling_app", "kindling_dispatch"
DATABASE = "kindling"

# What each role may do, restated at every start so that a change by hand does not stay.
OWNER_ATTRIBUTES = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION CREATEDB"
APP_ATTRIBUTES = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION NOCREATEDB"
DISPATCH_ATTRIBUTES = "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION NOCREATEDB"


@dataclass(frozen=True, slots=True)
class Login:
    """A role with the password it logs in with; none on the embedded server's socket."""

    role: str
    password: str | None = None

    @classmethod
    def of(cls, url: str) -> "Login":
        parts = urlsplit(url)
        password = unquote(parts.password) if parts.password else None
        return cls(unquote(parts.username or ""), password)


def bootstrap(
    admin_dsn: str,
    *,
    owner: Login = Login(OWNER_ROLE),
    app: Login = Login(APP_ROLE),
    database: str = DATABASE,
) -> None:
    """Make or mend the roles, the database and the vector extension. Running it again is safe."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        _ensure_role(admin, owner, OWNER_ATTRIBUTES)
        _ensure_role(admin, app, APP_ATTRIBUTES)
        _ensure_role(admin, Login(DISPATCH_ROLE), DISPATCH_ATTRIBUTES)
        _grant_dispatch(admin, owner.role)
        _ensure_database(admin, database, owner.role)
    # template1 too, so that databases made from it (those of tests) have the extension:
    # creating it takes a superuser, which our roles are not.
    for name in ("template1", database):
        with psycopg.connect(make_conninfo(admin_dsn, dbname=name), autocommit=True) as admin:
            _ensure_vector(admin)


def _ensure_role(admin: psycopg.Connection, login: Login, attributes: str) -> None:
    found = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login.role]).fetchone()
    verb = sql.SQL("ALTER" if found else "CREATE")
    statement = sql.SQL("{} ROLE {} {}").format(
        verb, sql.Identifier(login.role), sql.SQL(attributes)
    )
    if login.password is not None:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(login.password))
    admin.execute(statement)


def _grant_dispatch(admin: psycopg.Connection, owner: str) -> None:
    grant = sql.SQL("GRANT {} TO {}")
    admin.execute(grant.format(sql.Identifier(DISPATCH_ROLE), sql.Identifier(owner)))


def _ensure_database(admin: psycopg.Connection, name: str, owner: str) -> None:
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return
    create = sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0")
    admin.execute(create.format(sql.Identifier(name), sql.Identifier(owner)))


def _ensure_vector(admin: psycopg.Connection) -> None:
    offered = admin.execute(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
    ).fetchone()
    if offered:
        admin.execute("CREATE EXTENSION IF NOT EXISTS vector")


def applied_migrations(url: str) -> str:
    """What the database itself says of its tables; another answer means another database."""
    try:
        with psycopg.connect(url) as connection:
            asked = "SELECT count(*), max(applied) FROM django_migrations"
            return str(connection.execute(asked).fetchone())
    except psycopg.errors.UndefinedTable:
        return "none"
