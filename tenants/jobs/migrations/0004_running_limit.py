"""No more of a workspace's jobs run at once than its limit says, however many workers look."""

from importlib import import_module

from django.db import migrations, models
from django.db.models import Q

from tenants.rls import DispatchFunction, RemoveDispatch

before = import_module("tenants.jobs.migrations.0003_bounded")

# As before, but of a workspace only as many as it may still start: what runs of it on all queues
# counts against its own limit, or against `most`, which holds for those without one.
DUE = before.DUE.replace(
    """
    JOIN tenants_tenant t ON t.id = candidates.tenant_id
""",
    """
    JOIN tenants_tenant t ON t.id = candidates.tenant_id
    LEFT JOIN billing_limitoverride own
    ON own.tenant_id = candidates.tenant_id AND own.name = 'running_jobs'
""",
).replace(
    """
        SELECT count(*) AS jobs FROM jobs_job j
        WHERE j.state = 'running' AND j.queue = wanted AND j.tenant_id = candidates.tenant_id
    ) running
""",
    """
        SELECT count(*) AS anywhere, count(*) FILTER (WHERE j.queue = wanted) AS jobs
        FROM jobs_job j WHERE j.state = 'running' AND j.tenant_id = candidates.tenant_id
    ) running
    WHERE w.place + running.anywhere <= coalesce(own.value, most)
""",
)
# The lease of one job, with its caller's rights. Two workers who counted at once would both find
# room for one more: the lock lets one of them count after the other has taken its job.
TAKE = """
CREATE FUNCTION jobs_take(
    tenant uuid, job uuid, worker text, seconds double precision, most bigint
) RETURNS TABLE (
    token integer, kind text, payload jsonb, waited double precision, weight integer,
    request_id text
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(tenant::text, 0));
    IF (
        SELECT count(*) FROM jobs_job j WHERE j.tenant_id = tenant AND j.state = 'running'
    ) >= coalesce(
        (
            SELECT own.value FROM billing_limitoverride own
            WHERE own.tenant_id = tenant AND own.name = 'running_jobs'
        ),
        most
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY
        UPDATE jobs_job j SET state = 'running', attempt = j.attempt + 1, lease_owner = worker,
        lease_until = statement_timestamp() + make_interval(secs => seconds),
        heartbeat_at = statement_timestamp(), updated_at = statement_timestamp(),
        started_at = coalesce(j.started_at, statement_timestamp())
        WHERE j.id = (
            SELECT w.id FROM jobs_job w WHERE w.tenant_id = tenant AND w.id = job
            AND w.state = 'queued' AND w.due_at <= statement_timestamp() FOR UPDATE SKIP LOCKED
        )
        RETURNING j.attempt, j.kind::text, j.payload,
        extract(epoch FROM j.heartbeat_at - greatest(j.due_at, j.enqueued_at))::double precision,
        (SELECT t.weight::integer FROM tenants_tenant t WHERE t.id = tenant),
        j.request_id::text;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_bounded"), ("billing", "0002_isolation")]

    operations = [
        migrations.AddIndex(
            "job",
            models.Index(fields=["tenant"], condition=Q(state="running"), name="job_running_now"),
        ),
        RemoveDispatch(before.Migration.operations[4]),
        DispatchFunction(
            "jobs_due(wanted text, batch integer, share integer, after uuid, most bigint) "
            "RETURNS TABLE (tenant_id uuid, id uuid, reached uuid)",
            DUE,
            reads={
                "jobs_job": before.COLUMNS,
                "tenants_tenant": ["id", "weight"],
                "billing_limitoverride": ["tenant_id", "name", "value"],
            },
        ),
        migrations.RunSQL(TAKE, "DROP FUNCTION jobs_take"),
    ]
