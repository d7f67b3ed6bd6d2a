"""A database of an unreleased version is refused in words, not half changed."""

import pytest
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError
from django.db.migrations.loader import MigrationLoader

from tenants.management.commands import migrate
from tenants.management.commands.migrate import refuse_app_role, refuse_unknown_migrations

pytestmark = pytest.mark.django_db


def test_the_databases_own_migrations_are_known() -> None:
    refuse_unknown_migrations(DEFAULT_DB_ALIAS)


def test_migrations_that_are_gone_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = MigrationLoader.build_graph

    def older(self: MigrationLoader) -> None:
        real(self)
        self.applied_migrations["tenants", "0009_gone"] = None

    monkeypatch.setattr(MigrationLoader, "build_graph", older)
    with pytest.raises(CommandError, match=r"tenants\.0009_gone"):
        refuse_unknown_migrations(DEFAULT_DB_ALIAS)


def test_the_apps_own_login_is_refused_with_the_cure() -> None:
    with pytest.raises(CommandError, match="Set DATABASE_OWNER_URL to the owner's login"):
        refuse_app_role(DEFAULT_DB_ALIAS)


def test_a_database_that_is_away_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(database: str) -> bool:
        raise OperationalError("connection refused\nmore")

    monkeypatch.setattr(migrate, "may_make_tables", away)
    with pytest.raises(CommandError, match=r"Postgres said: connection refused\. Start it"):
        refuse_app_role(DEFAULT_DB_ALIAS)
