"""`manage.py makemessages`, which also collects the texts that Django-free code marks with N_."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """Django's makemessages with one more keyword."""

    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=N_"]
