"""`manage.py migrate`, run as the owner of the schema rather than as the app."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations.loader import MigrationLoader

from saas.outages import cause
from tenants.postgres.owner import as_owner, grant_app_role, may_make_tables

EARLIER = (
    "This database was made by an unreleased version of Kindling, with other migrations: {names}. "
    "Move its data away (DATA_DIR, or the database that DATABASE_URL names) and start again."
)

AWAY = (
    "Postgres said: {cause}. Start it, or mend DATABASE_OWNER_URL; where the roles or the database "
    "are missing, run `python -m saas.stack.bootstrap --admin-url postgres://…`."
)
WRONG_ROLE = (
    "This login may not make tables. Set DATABASE_OWNER_URL to the owner's login: the app's own, "
    "in DATABASE_URL, reads and writes rows only."
)


class Command(migrate.Command):
    """Django's migrate with the owner's login, and the app role's grants kept in step."""

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner(options["database"]):
            refuse_app_role(options["database"])
            refuse_unknown_migrations(options["database"])
            grant_app_role(options["database"])
            super().handle(*args, **options)


def refuse_app_role(database: str) -> None:
    """Raise CommandError where this login may not make tables, or cannot log in at all."""
    try:
        allowed = may_make_tables(database)
    except OperationalError as error:
        raise CommandError(AWAY.format(cause=cause(error))) from None
    if not allowed:
        raise CommandError(WRONG_ROLE)


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
