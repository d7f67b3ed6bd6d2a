"""What a Celery worker loads: the bell, the sweeper, the news of a stop, and the metrics."""

from tenants.jobs import metrics, stopping, sweeper
from tenants.jobs.bell import ring

__all__ = ["metrics", "ring", "stopping", "sweeper"]
