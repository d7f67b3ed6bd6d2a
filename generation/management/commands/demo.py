"""`manage.py demo`: makes the demo workspace, once, and prints how to log in to it."""

from typing import Any

from django.core.management.base import BaseCommand

from generation.services.demo import demo_create, demo_login, demo_tenant


class Command(BaseCommand):
    """A believable startup to look around in."""

    help = "Make the demo workspace (once) and print its login."

    def handle(self, *args: Any, **options: Any) -> None:
        if demo_tenant() is None:
            demo_create()
        email, password = demo_login()
        self.stdout.write(f"Demo login: {email} / {password}")
