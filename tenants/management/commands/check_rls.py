"""`manage.py check_rls`: exits non-zero where tenants are not isolated from each other."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.isolation_checks import tenant_tables, violations


class Command(BaseCommand):
    """Checks role, row security, keys, functions and views in the database's own catalogue."""

    help = "Check that the database isolates tenants from each other."

    def handle(self, *args: Any, **options: Any) -> None:
        found = violations()
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write(f"{len(tenant_tables())} tenant tables, no violation.")
