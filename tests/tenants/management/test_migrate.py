"""A database of an unreleased version is refused in words, not half changed."""

import pytest
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.loader import MigrationLoader

from tenants.management.commands.migrate import refuse_unknown_migrations

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
