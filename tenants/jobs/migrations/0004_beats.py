"""The signs of life of all of a worker's jobs in one statement, each inside its own workspace.

The function has its caller's rights and no others: it puts one tenant after the other in scope,
as a transaction for each would, and row security holds for every row that it touches.
"""

from django.db import migrations

BEAT = """
CREATE FUNCTION jobs_beat(
    seconds double precision, tenants uuid[], jobs uuid[], tokens integer[], shares integer[]
) RETURNS TABLE (id uuid, stop boolean) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    before text := coalesce(current_setting('app.tenant', true), '');
BEGIN
    FOR place IN 1 .. cardinality(jobs) LOOP
        PERFORM set_config('app.tenant', tenants[place]::text, true);
        RETURN QUERY
            UPDATE jobs_job j SET heartbeat_at = statement_timestamp(),
            lease_until = statement_timestamp() + make_interval(secs => seconds),
            progress = shares[place]
            WHERE j.tenant_id = tenants[place] AND j.id = jobs[place]
            AND j.attempt = tokens[place] AND j.state = 'running'
            RETURNING j.id, j.cancel_requested_at IS NOT NULL;
    END LOOP;
    PERFORM set_config('app.tenant', before, true);
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_load")]

    operations = [migrations.RunSQL(BEAT, "DROP FUNCTION jobs_beat")]
