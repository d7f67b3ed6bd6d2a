"""Which of a worker's jobs are to stop: one question for all of them, however many workspaces."""

from django.db import migrations

from tenants.rls import DispatchFunction

STOPS = """
SELECT j.id FROM jobs_job j WHERE j.id = ANY (ids) AND j.cancel_requested_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_load")]

    operations = [
        DispatchFunction(
            "jobs_to_stop(ids uuid[]) RETURNS TABLE (id uuid)",
            STOPS,
            reads={"jobs_job": ["id", "cancel_requested_at"]},
        ),
    ]
