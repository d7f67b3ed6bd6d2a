"""What a Celery worker loads: its task, the sweeper, the news of a stop, and the metrics."""

from tenants.jobs import metrics, stopping, sweeper
from tenants.jobs.notify import work

__all__ = ["metrics", "stopping", "sweeper", "work"]
