"""What doctor sees of the isolation of workspaces."""

from collections.abc import Iterator

from saas.diagnosis import Finding, fault, ok
from tenants.isolation_checks import missing_tables, tenant_tables, violations

CURE = "Connect as the app's role of `python -m saas.stack.bootstrap`, and run `manage.py migrate`."


def isolation() -> Iterator[Finding]:
    if missing := missing_tables():
        yield fault(f"{len(missing)} tables of workspaces are missing.", "Run `manage.py migrate`.")
        return
    found = violations()
    for violation in found:
        yield fault(violation, CURE)
    if not found:
        yield ok(f"{len(tenant_tables())} tables of workspaces are isolated")
