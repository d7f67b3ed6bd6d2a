"""What a Celery worker loads: its task, its checks, the sweeper, the news of a stop, numbers."""

from typing import Any

from celery.signals import worker_process_init

from tenants.jobs import metrics, shutdown, startup, sweeper
from tenants.jobs.notify import work

__all__ = ["shutdown", "startup", "sweeper", "work"]


# Connected last, so that whoever probes the port finds a worker that can work.
@worker_process_init.connect  # type: ignore[untyped-decorator]
def serve_numbers(**_: Any) -> None:
    metrics.serve()
