"""`manage.py flush`, run as the owner: the app's role may not truncate."""

from typing import Any

from django.core.management.commands import flush

from tenants.postgres.owner import as_owner


class Command(flush.Command):
    """Django's flush with the owner's login."""

    def handle(self, **options: Any) -> None:
        with as_owner(options["database"]):
            super().handle(**options)
