"""What a Celery worker loads: its task, its checks, the sweeper, the news of a stop, metrics."""

from tenants.jobs import metrics, shutdown, startup, sweeper
from tenants.jobs.notify import work

__all__ = ["metrics", "shutdown", "startup", "sweeper", "work"]
