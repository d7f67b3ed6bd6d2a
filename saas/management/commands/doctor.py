"""`manage.py doctor`: looks at all that Kindling stands on; exits 1 at a fault."""

from typing import Any

from django.core.management.base import BaseCommand

from saas.diagnosis import diagnose


class Command(BaseCommand):
    """One line for each thing that was looked at, and its cure where it needs one."""

    help = "Check servers, settings, queues, disks and the engine; each fault with its cure."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for name, finding in diagnose():
            self.stdout.write(f"{finding.level:8} {name:11} {finding.what}")
            if finding.cure:
                self.stdout.write(f"{'':20} → {finding.cure}")
            faults += finding.level == "fault"
        if faults:
            raise SystemExit(1)
