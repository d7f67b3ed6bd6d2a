"""`manage.py makemessages`, whose catalogue depends on the texts alone: two runs differ in nothing.

It also collects the texts that Django-free code marks with N_.
"""

import re
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import makemessages

from saas.messages import FOLDER

DATED = re.compile(r'^"POT-Creation-Date:.*\n', re.MULTILINE)


class Command(makemessages.Command):
    """Django's makemessages, sorted, without places and dates, and never guessing a translation."""

    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=N_"]
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
    msgattrib_options = [*makemessages.Command.msgattrib_options, "--sort-output"]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--check", action="store_true", help="Change nothing; fail for a diff.")

    def handle(self, *args: Any, **options: Any) -> None:
        before = {path: path.read_bytes() for path in FOLDER.rglob("*.po")}
        super().handle(*args, **options)
        changed = [path for path, text in before.items() if path.read_bytes() != text]
        if options["check"] and changed:
            for path in changed:
                path.write_bytes(before[path])
            raise CommandError("Texts have changed: run `make messages`, then translate them.")

    def write_po_file(self, potfile: str, locale: str) -> None:
        super().write_po_file(potfile, locale)
        written = Path(potfile).parent / locale / "LC_MESSAGES" / f"{self.domain}.po"
        written.write_text(DATED.sub("", written.read_text()))
