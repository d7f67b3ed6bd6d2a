"""`manage.py check_rls`: exits non-zero when a wall between tenants is missing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.isolation_checks import breaches, tenant_tables


class Command(BaseCommand):
    """Checks role, row security, keys, functions and views in the database's own catalogue."""

    help = "Check that the walls between tenants stand in the database."

    def handle(self, *args: Any, **options: Any) -> None:
        found = breaches()
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write(f"{len(tenant_tables())} tenant tables, no breach.")
