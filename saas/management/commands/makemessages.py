"""`manage.py makemessages`, whose catalogue depends on the texts alone: two runs differ in nothing.

It also collects the texts that Django-free code marks with N_.
"""

import re
from pathlib import Path

from django.core.management.commands import makemessages

DATED = re.compile(r'^"POT-Creation-Date:.*\n', re.MULTILINE)


class Command(makemessages.Command):
    """Django's makemessages, sorted, without places and dates, and never guessing a translation."""

    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=N_"]
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
    msgattrib_options = [*makemessages.Command.msgattrib_options, "--sort-output"]

    def write_po_file(self, potfile: str, locale: str) -> None:
        super().write_po_file(potfile, locale)
        written = Path(potfile).parent / locale / "LC_MESSAGES" / f"{self.domain}.po"
        written.write_text(DATED.sub("", written.read_text()))
