"""The bell: a message that says there is work on a queue. It may be lost; Postgres is the truth."""

import logging
from functools import partial

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from tenants.jobs.registry import worker_of
from tenants.jobs.stopping import owner
from tenants.tasks import DispatchTask

logger = logging.getLogger(__name__)

# One quick second try, for a connection that the broker's restart left stale.
RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}


@shared_task(base=DispatchTask, name="jobs.ring")  # type: ignore[untyped-decorator]
def ring(queue: str) -> None:
    """Let the queue's worker take what is due."""
    worker_of(queue)(queue, owner())


def bell(queue: str) -> None:
    """Ring now. Without a broker nothing is lost: the sweeper rings again for what waits."""
    try:
        ring.apply_async([queue], queue=queue, retry_policy=RETRY)
    except OperationalError as error:
        logger.warning("bell_not_heard queue=%s error=%s", queue, type(error).__name__)


def bell_on_commit(queue: str) -> None:
    transaction.on_commit(partial(bell, queue))
