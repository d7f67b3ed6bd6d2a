"""`manage.py ledger_verify`: replays every ledger; exits 1 where one does not add up."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.billing.verify import verify
from tenants.lookups import all_workspaces
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Verify the ledger."""

    help = "Replay the ledger of every workspace and compare it with the balances."

    def handle(self, *args: Any, **options: Any) -> None:
        workspaces = all_workspaces()
        entries = open_reservations = faults = 0
        for workspace in workspaces:
            with tenant_scope(workspace.id):
                report = verify()
            entries += report.entries
            open_reservations += report.open_reservations
            faults += len(report.faults)
            for fault in report.faults:
                self.stderr.write(f"{workspace.slug}: {fault}")
        summary = (
            f"workspaces={len(workspaces)} entries={entries} "
            f"open_reservations={open_reservations} faults={faults}"
        )
        if faults:
            raise CommandError(f"The ledger does not add up: {summary}")
        self.stdout.write(f"The ledger adds up: {summary}")
