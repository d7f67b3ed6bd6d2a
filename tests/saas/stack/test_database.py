"""The roles that tenancy stands on, as the bootstrap makes them."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from saas.stack import services
from saas.stack.bootstrap import main
from saas.stack.database import Login, applied_migrations, bootstrap


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with services() as env:
        yield env


def test_no_role_of_ours_can_pass_row_security(servers: dict[str, str]) -> None:
    rows = _ask(
        servers["DATABASE_ADMIN_URL"],
        "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
        " FROM pg_roles WHERE rolname LIKE 'kindling%' ORDER BY 1",
    )
    assert rows == [
        ("kindling_app", True, False, False, False, False),
        ("kindling_dispatch", False, False, False, False, False),
        ("kindling_owner", True, False, False, False, True),
    ]


def test_the_owner_may_hand_functions_to_dispatch_and_the_app_may_not(
    servers: dict[str, str],
) -> None:
    asked = "SELECT pg_has_role('kindling_dispatch', 'MEMBER')"
    assert _ask(servers["DATABASE_OWNER_URL"], asked) == [(True,)]
    assert _ask(servers["DATABASE_URL"], asked) == [(False,)]


def test_the_app_cannot_make_tables(servers: dict[str, str]) -> None:
    with (
        psycopg.connect(servers["DATABASE_URL"]) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("CREATE TABLE intruder ()")


def test_databases_made_by_the_owner_have_vectors(servers: dict[str, str]) -> None:
    with psycopg.connect(servers["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE DATABASE made_by_owner")
    made = make_conninfo(servers["DATABASE_OWNER_URL"], dbname="made_by_owner")
    assert _ask(made, "SELECT '[1,2]'::vector::text") == [("[1,2]",)]


def test_bootstrap_mends_a_role_that_was_made_too_strong(servers: dict[str, str]) -> None:
    admin_url = servers["DATABASE_ADMIN_URL"]
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("ALTER ROLE kindling_app SUPERUSER")
    bootstrap(admin_url)
    asked = "SELECT rolsuper FROM pg_roles WHERE rolname = 'kindling_app'"
    assert _ask(admin_url, asked) == [(False,)]


def test_the_command_takes_roles_and_passwords_from_the_urls(
    servers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    admin_url = servers["DATABASE_ADMIN_URL"]
    main(
        [
            f"--admin-url={admin_url}",
            "--url=postgres://other_app:p%40ss@db/other",
            "--owner-url=postgres://other_owner:secret@db/other",
        ]
    )
    assert "Database other is ready" in capsys.readouterr().out
    asked = (
        "SELECT rolname, rolpassword LIKE 'SCRAM%' FROM pg_authid"
        " WHERE rolname LIKE 'other%' ORDER BY 1"
    )
    assert _ask(admin_url, asked) == [("other_app", True), ("other_owner", True)]
    assert Login.of("postgres://other_app:p%40ss@db/other").password == "p@ss"


def test_a_database_made_anew_is_known_by_its_migrations(servers: dict[str, str]) -> None:
    url = servers["DATABASE_OWNER_URL"]
    assert applied_migrations(url) == "none"
    made = "CREATE TABLE django_migrations AS SELECT now() AS applied"
    answers = set()
    for _ in range(2):
        with psycopg.connect(url) as owner:
            owner.execute(made)
        answers.add(applied_migrations(url))
        with psycopg.connect(url) as owner:
            owner.execute("DROP TABLE django_migrations")
    assert len(answers) == 2


def _ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()
