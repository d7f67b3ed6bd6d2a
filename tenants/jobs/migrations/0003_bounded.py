"""Questions across workspaces whose cost does not grow with how many wait, or how much."""

from importlib import import_module

from django.db import migrations, models

from tenants.rls import DispatchFunction, RemoveDispatch

before = import_module("tenants.jobs.migrations.0002_isolation")

# As if the jobs were started one by one, each for the workspace with the fewest running for its
# weight: one of weight 3 may have three running where others have one. Looked at are the
# workspaces of the oldest jobs, and a few dozen that follow on `after` in the order of their ids;
# each is a single step in an index, whatever waits behind it. `reached` is where the next look goes
# on; NULL where no workspace is left.
DUE = """
WITH RECURSIVE walk AS (
    (
        SELECT j.tenant_id, 1 AS place FROM jobs_job j
        WHERE j.state = 'queued' AND j.queue = wanted AND j.tenant_id > after
        ORDER BY j.tenant_id LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT j.tenant_id FROM jobs_job j WHERE j.state = 'queued' AND j.queue = wanted
        AND j.tenant_id > walk.tenant_id ORDER BY j.tenant_id LIMIT 1
    ), walk.place + 1
    FROM walk WHERE walk.tenant_id IS NOT NULL AND walk.place < 32
),
candidates AS (
    SELECT walk.tenant_id FROM walk WHERE walk.tenant_id IS NOT NULL
    UNION
    SELECT oldest.tenant_id FROM (
        SELECT j.tenant_id FROM jobs_job j
        WHERE j.state = 'queued' AND j.queue = wanted AND j.due_at <= statement_timestamp()
        ORDER BY j.due_at LIMIT 32
    ) oldest
),
firsts AS (
    SELECT w.tenant_id, w.id, (w.place + running.jobs)::float / t.weight AS turn
    FROM candidates
    JOIN tenants_tenant t ON t.id = candidates.tenant_id
    CROSS JOIN LATERAL (
        SELECT j.tenant_id, j.id, row_number() OVER (ORDER BY j.id) AS place
        FROM jobs_job j
        WHERE j.state = 'queued' AND j.queue = wanted AND j.tenant_id = candidates.tenant_id
        AND j.due_at <= statement_timestamp()
        ORDER BY j.id LIMIT share
    ) w
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs FROM jobs_job j
        WHERE j.state = 'running' AND j.queue = wanted AND j.tenant_id = candidates.tenant_id
    ) running
    ORDER BY turn, w.id LIMIT batch
)
SELECT firsts.tenant_id, firsts.id, (SELECT walk.tenant_id FROM walk WHERE walk.place = 32)
FROM (SELECT 1) one LEFT JOIN firsts ON true
ORDER BY firsts.turn, firsts.id
"""
# The queues that have something in an index, each found in a single step.
QUEUES = """
WITH RECURSIVE waiting AS (
    (
        SELECT j.queue FROM jobs_job j WHERE j.state = 'queued' ORDER BY j.queue LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT j.queue FROM jobs_job j WHERE j.state = 'queued' AND j.queue > waiting.queue
        ORDER BY j.queue LIMIT 1
    )
    FROM waiting WHERE waiting.queue IS NOT NULL
)
"""
# A worker takes a job within seconds of its notice, unless the notice was lost or all are busy.
UNHEARD = f"""{QUEUES}
SELECT waiting.queue FROM waiting WHERE EXISTS (
    SELECT 1 FROM jobs_job j WHERE j.state = 'queued' AND j.queue = waiting.queue
    AND j.due_at < statement_timestamp() - make_interval(secs => patience)
)
"""
# Jobs that are put off to later do not wait yet. Beyond ten thousand nobody needs the number.
LOAD = f"""{QUEUES}
SELECT known.queue,
    (
        SELECT count(*) FROM (
            SELECT 1 FROM jobs_job j WHERE j.state = 'queued' AND j.queue = known.queue
            AND j.due_at <= statement_timestamp() LIMIT 10000
        ) counted
    ),
    (
        SELECT count(*) FROM jobs_job j WHERE j.state = 'running' AND j.queue = known.queue
    ),
    greatest(0, coalesce(extract(epoch FROM statement_timestamp() - (
        SELECT j.due_at FROM jobs_job j WHERE j.state = 'queued' AND j.queue = known.queue
        ORDER BY j.due_at LIMIT 1
    )), 0))::double precision
FROM (
    SELECT waiting.queue FROM waiting WHERE waiting.queue IS NOT NULL
    UNION
    SELECT j.queue FROM jobs_job j WHERE j.state = 'running'
) known
"""
# What the processes of one host hold, so that whoever comes after them takes it at once.
HELD = """
SELECT j.tenant_id, j.id, j.lease_owner::text FROM jobs_job j
WHERE j.state = 'running' AND starts_with(j.lease_owner, prefix)
"""

SILENCE = """
SELECT coalesce(extract(epoch FROM statement_timestamp() - min(j.heartbeat_at)), 0)::double precision
FROM jobs_job j WHERE j.state = 'running'
"""
COLUMNS = before.COLUMNS
OLD_DUE, _, OLD_UNHEARD, OLD_LOAD = before.Migration.operations[1:5]


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_isolation")]

    operations = [
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["queue", "due_at"], condition=models.Q(state="queued"), name="job_due"
            ),
        ),
        RemoveDispatch(OLD_DUE),
        RemoveDispatch(OLD_UNHEARD),
        RemoveDispatch(OLD_LOAD),
        DispatchFunction(
            "jobs_due(wanted text, batch integer, share integer, after uuid) "
            "RETURNS TABLE (tenant_id uuid, id uuid, reached uuid)",
            DUE,
            reads={"jobs_job": COLUMNS, "tenants_tenant": ["id", "weight"]},
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
        DispatchFunction(
            "jobs_held(prefix text) RETURNS TABLE (tenant_id uuid, id uuid, owner text)",
            HELD,
            reads={"jobs_job": [*COLUMNS, "lease_owner"]},
        ),
        DispatchFunction(
            "jobs_silence() RETURNS double precision",
            SILENCE,
            reads={"jobs_job": [*COLUMNS, "heartbeat_at"]},
        ),
    ]
