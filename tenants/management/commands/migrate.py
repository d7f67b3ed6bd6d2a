"""`manage.py migrate`, run as the owner of the schema rather than as the app."""

from typing import Any

from django.core.management.commands import migrate

from tenants.postgres.owner import as_owner, grant_app_role


class Command(migrate.Command):
    """Django's migrate with the owner's login, and the app role's grants kept in step."""

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner(options["database"]):
            grant_app_role(options["database"])
            super().handle(*args, **options)
