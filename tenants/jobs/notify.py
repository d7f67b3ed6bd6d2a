"""Telling workers that there is work on a queue. A message may be lost; Postgres is the truth."""

import logging
from functools import partial

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from tenants.jobs.leases import this_process
from tenants.jobs.registry import worker_of

logger = logging.getLogger(__name__)

# One quick second try, for a connection that the broker's restart left stale.
RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}


@shared_task(name="jobs.work")  # type: ignore[untyped-decorator]
def work(queue: str) -> None:
    """Let the queue's worker take what is due."""
    worker_of(queue)(queue, this_process())


def notify(queue: str) -> None:
    """Tell a worker now. Without a broker nothing is lost: the sweeper tells of what waits."""
    try:
        work.apply_async([queue], queue=queue, retry_policy=RETRY)
    except OperationalError as error:
        logger.warning("not_notified queue=%s error=%s", queue, type(error).__name__)


def notify_on_commit(queue: str) -> None:
    transaction.on_commit(partial(notify, queue))
