"""Row-level security for jobs, and the questions that dispatch asks across workspaces."""

from django.db import migrations

from tenants.rls import DispatchFunction, TenantTable

# As if the jobs were started one by one, each for the workspace with the fewest running for its
# weight: one of weight 3 may have three running where others have one. The workspaces, and the first few jobs of each (ids sort by time), are single steps in an index:
# it does not matter how many wait behind them.
DUE = """
WITH RECURSIVE waiting AS (
    (
        SELECT j.tenant_id FROM jobs_job j WHERE j.state = 'queued' AND j.queue = wanted
        ORDER BY j.tenant_id LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT j.tenant_id FROM jobs_job j WHERE j.state = 'queued' AND j.queue = wanted
        AND j.tenant_id > waiting.tenant_id ORDER BY j.tenant_id LIMIT 1
    )
    FROM waiting WHERE waiting.tenant_id IS NOT NULL
)
SELECT w.tenant_id, w.id FROM waiting
CROSS JOIN LATERAL (
    SELECT j.tenant_id, j.id, row_number() OVER (ORDER BY j.id) AS place
    FROM jobs_job j
    WHERE j.state = 'queued' AND j.queue = wanted AND j.tenant_id = waiting.tenant_id
    AND j.due_at <= statement_timestamp()
    ORDER BY j.id LIMIT share
) w
LEFT JOIN (
    SELECT j.tenant_id, count(*) AS jobs FROM jobs_job j
    WHERE j.state = 'running' AND j.queue = wanted GROUP BY j.tenant_id
) running ON running.tenant_id = w.tenant_id
JOIN tenants_tenant t ON t.id = w.tenant_id
ORDER BY (w.place + coalesce(running.jobs, 0))::float / t.weight, w.id
LIMIT batch
"""
OVERDUE = """
SELECT j.tenant_id, j.id FROM jobs_job j
WHERE j.state = 'running' AND j.lease_until < statement_timestamp()
ORDER BY j.lease_until LIMIT batch
"""
# A worker takes a job within seconds of its bell, unless the bell was lost or all are busy.
UNHEARD = """
SELECT DISTINCT j.queue FROM jobs_job j
WHERE j.state = 'queued'
AND greatest(j.due_at, j.enqueued_at) < statement_timestamp() - make_interval(secs => patience)
"""
# Jobs that are put off to later do not wait yet. Counted are rows of two small partial indexes.
LOAD = """
SELECT j.queue,
    count(*) FILTER (WHERE j.state = 'queued'),
    count(*) FILTER (WHERE j.state = 'running'),
    coalesce(
        extract(epoch FROM statement_timestamp() - min(greatest(j.due_at, j.enqueued_at))
            FILTER (WHERE j.state = 'queued')),
        0
    )::double precision
FROM jobs_job j
WHERE j.state = 'running' OR (j.state = 'queued' AND j.due_at <= statement_timestamp())
GROUP BY j.queue
"""
# The signs of life of all of a worker's jobs in one statement, each inside its own workspace: the
# function has its caller's rights and no others, and puts one tenant after the other in scope.
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

COLUMNS = ["id", "tenant_id", "queue", "state", "due_at", "enqueued_at", "lease_until"]


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial"), ("billing", "0002_isolation")]

    operations = [
        TenantTable("Job"),
        DispatchFunction(
            "jobs_due(wanted text, batch integer, share integer) "
            "RETURNS TABLE (tenant_id uuid, id uuid)",
            DUE,
            reads={"jobs_job": COLUMNS, "tenants_tenant": ["id", "weight"]},
        ),
        DispatchFunction(
            "jobs_overdue(batch integer) RETURNS TABLE (tenant_id uuid, id uuid)",
            OVERDUE,
            reads={"jobs_job": COLUMNS},
        ),
        DispatchFunction(
            "jobs_unheard(patience integer) RETURNS TABLE (queue text)",
            UNHEARD,
            reads={"jobs_job": COLUMNS},
        ),
        DispatchFunction(
            "jobs_load() RETURNS TABLE (queue text, waiting bigint, running bigint, "
            "oldest_seconds double precision)",
            LOAD,
            reads={"jobs_job": COLUMNS},
        ),
        migrations.RunSQL(BEAT, "DROP FUNCTION jobs_beat"),
    ]
