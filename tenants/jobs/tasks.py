"""What a Celery worker loads: the bell, the sweeper's thread and the news of a stop."""

from tenants.jobs import stopping, sweeper
from tenants.jobs.bell import ring

__all__ = ["ring", "stopping", "sweeper"]
