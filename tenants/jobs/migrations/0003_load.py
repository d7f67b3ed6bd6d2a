"""How much work waits on each queue, for those who scale the workers."""

from django.db import migrations

from tenants.rls import DispatchFunction

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
COLUMNS = ["id", "tenant_id", "queue", "state", "due_at", "enqueued_at", "lease_until"]


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_walls")]

    operations = [
        DispatchFunction(
            "jobs_load() RETURNS TABLE (queue text, waiting bigint, running bigint, "
            "oldest_seconds double precision)",
            LOAD,
            reads={"jobs_job": COLUMNS},
        ),
    ]
