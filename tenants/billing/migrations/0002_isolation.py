"""Row-level security for the ledger, and entries that nobody can change."""

from django.db import migrations

from tenants.rls import AppendOnly, DispatchFunction, TenantTable

OVERDUE = """
SELECT t.tenant_id, t.id FROM billing_ledgertransfer t
WHERE t.state = 'pending' AND t.timeout_s IS NOT NULL
AND t.booked_at + make_interval(secs => t.timeout_s) < statement_timestamp()
AND NOT EXISTS (
    SELECT 1 FROM billing_ledgertransfer r WHERE r.tenant_id = t.tenant_id AND r.pending_id = t.id
)
ORDER BY t.booked_at LIMIT batch
"""
# One step in the index for each workspace that has readings, however many there are.
READ = """
WITH RECURSIVE counted AS (
    (SELECT r.tenant_id FROM billing_meterreading r ORDER BY r.tenant_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT r.tenant_id FROM billing_meterreading r WHERE r.tenant_id > counted.tenant_id
        ORDER BY r.tenant_id LIMIT 1
    )
    FROM counted WHERE counted.tenant_id IS NOT NULL
)
SELECT counted.tenant_id FROM counted WHERE EXISTS (
    SELECT 1 FROM billing_meterreading r
    WHERE r.tenant_id = counted.tenant_id
    AND r.recorded_at < date_trunc('hour', statement_timestamp())
)
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [
        TenantTable("LedgerAccount"),
        TenantTable("LedgerTransfer"),
        AppendOnly("LedgerTransfer"),
        TenantTable("LimitOverride"),
        TenantTable("MeterReading"),
        TenantTable("UsageEvent"),
        AppendOnly("UsageEvent"),
        DispatchFunction(
            "reservations_overdue(batch integer) RETURNS TABLE (tenant_id uuid, id uuid)",
            OVERDUE,
            reads={
                "billing_ledgertransfer": [
                    "id",
                    "tenant_id",
                    "state",
                    "pending_id",
                    "timeout_s",
                    "booked_at",
                ]
            },
        ),
        DispatchFunction(
            "readings_due() RETURNS TABLE (tenant_id uuid)",
            READ,
            reads={"billing_meterreading": ["tenant_id", "recorded_at"]},
        ),
    ]
