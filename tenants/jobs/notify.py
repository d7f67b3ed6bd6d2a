"""Telling workers that there is work on a queue. A message may be lost; Postgres is the truth."""

import logging
from functools import partial

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from saas.outages import Breaker
from tenants.jobs.lanes import others_served
from tenants.jobs.leases import this_process
from tenants.jobs.registry import worker_of
from tenants.jobs.startup import may_work
from tenants.jobs.vitals import working

logger = logging.getLogger(__name__)

# One quick second try, for a connection that the broker's restart left stale.
RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}


# The sweeper tells within these seconds as well, and so nobody has to wait for the broker.
_broker = Breaker(rest_s=3.0)


@shared_task(name="jobs.work")  # type: ignore[untyped-decorator]
def work(queue: str) -> None:
    """Let the queue's worker take what is due, and serve this process's other queues meanwhile."""
    if may_work():
        with working(queue), others_served(queue):
            worker_of(queue)(queue, this_process())


def notify(queue: str) -> None:
    """Tell a worker now. Without a broker nothing is lost: the sweeper tells of what waits."""
    if not _broker.admits():
        return
    try:
        work.apply_async([queue], queue=queue, retry_policy=RETRY)
        _broker.succeeded()
    except OperationalError as error:
        _broker.failed()
        logger.warning("not_notified queue=%s error=%s", queue, type(error).__name__)


def notify_on_commit(queue: str) -> None:
    transaction.on_commit(partial(notify, queue))
