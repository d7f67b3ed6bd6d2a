"""`manage.py migrate`, run as the owner of the schema rather than as the app."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from tenants.postgres.owner import as_owner, grant_app_role

EARLIER = (
    "This database was made by an unreleased version of Kindling, with other migrations: {names}. "
    "Move its data away (DATA_DIR, or the database that DATABASE_URL names) and start again."
)


class Command(migrate.Command):
    """Django's migrate with the owner's login, and the app role's grants kept in step."""

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner(options["database"]):
            refuse_unknown_migrations(options["database"])
            grant_app_role(options["database"])
            super().handle(*args, **options)


def refuse_unknown_migrations(database: str) -> None:
    """Raise CommandError where the database has migrations of our apps that nobody knows."""
    loader = MigrationLoader(connections[database])
    ours = loader.migrated_apps & {label for label, _ in loader.disk_migrations}
    unknown = [
        f"{label}.{name}"
        for label, name in loader.applied_migrations
        if label in ours and (label, name) not in loader.disk_migrations
    ]
    if unknown:
        raise CommandError(EARLIER.format(names=", ".join(sorted(unknown)[:5])))
