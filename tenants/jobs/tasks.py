"""What a Celery worker loads: its task, the sweeper, the news of a shutdown, and the metrics."""

from tenants.jobs import metrics, shutdown, sweeper
from tenants.jobs.notify import work

__all__ = ["metrics", "shutdown", "sweeper", "work"]
