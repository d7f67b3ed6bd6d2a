"""Fair by weight: a workspace of weight 3 may have three jobs running where others have one."""

from importlib import import_module

from django.db import migrations

from tenants.rls import DISPATCH_ROLE, SEARCH_PATH

BEFORE = import_module("tenants.jobs.migrations.0002_walls").DUE
AFTER = BEFORE.replace(
    "ORDER BY w.place + coalesce(running.jobs, 0), w.id",
    "JOIN tenants_tenant t ON t.id = w.tenant_id\n"
    "ORDER BY (w.place + coalesce(running.jobs, 0))::float / t.weight, w.id",
)


def due(body: str) -> str:
    return (
        "CREATE OR REPLACE FUNCTION jobs_due(wanted text, batch integer, share integer) "
        "RETURNS TABLE (tenant_id uuid, id uuid) LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = {SEARCH_PATH} AS $${body}$$"
    )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_beats"), ("tenants", "0005_weight")]

    # The dispatch role reads workspaces already, for their directory.
    operations = [
        migrations.RunSQL(
            f"GRANT SELECT (weight) ON tenants_tenant TO {DISPATCH_ROLE}",
            f"REVOKE SELECT (weight) ON tenants_tenant FROM {DISPATCH_ROLE}",
        ),
        migrations.RunSQL(
            f"GRANT CREATE ON SCHEMA public TO {DISPATCH_ROLE}",
            f"REVOKE CREATE ON SCHEMA public FROM {DISPATCH_ROLE}",
        ),
        migrations.RunSQL(due(AFTER), due(BEFORE)),
        migrations.RunSQL(
            f"REVOKE CREATE ON SCHEMA public FROM {DISPATCH_ROLE}",
            f"GRANT CREATE ON SCHEMA public TO {DISPATCH_ROLE}",
        ),
    ]
