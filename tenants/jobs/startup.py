"""What a Celery worker sees to before it takes work: isolation of tenants, and what takes long."""

import logging
import sys
from typing import Any

from celery.signals import worker_init, worker_process_init
from django.core.exceptions import ImproperlyConfigured

from tenants.isolation_watch import IsolationWatch, end_worker
from tenants.jobs.lanes import listened_to
from tenants.jobs.registry import prepare_worker
from tenants.jobs.shutdown import shutting_down

logger = logging.getLogger(__name__)

WAIT_S = 1.0
watch = IsolationWatch(end_worker)


@worker_init.connect  # type: ignore[untyped-decorator]
def check_before_forking(**_: Any) -> None:
    """Better no worker than one without isolation. Where Postgres is away, its children look."""
    try:
        watch.look()
    except ImproperlyConfigured as error:
        logger.critical("not_isolated %s", error)
        sys.exit(1)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def begin_in_child(**_: Any) -> None:
    if not watch.isolated:
        watch.start(0)
    for queue in sorted(listened_to()):
        prepare_worker(queue)


def may_work() -> bool:
    """Wait until tenants are seen to be isolated; False where the worker stops before that."""
    while not watch.wait(WAIT_S):
        if shutting_down():
            return False
    return True
