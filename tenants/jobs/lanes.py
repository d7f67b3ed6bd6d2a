"""A worker that listens to several queues serves each: long work on one never keeps the others.

While one queue's work fills the process, each other queue has a thread that looks for itself.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from celery import current_app
from django.db import connections

from saas.outages import AWAY, cause
from tenants.jobs.leases import due, this_process
from tenants.jobs.registry import QUEUES, worker_of
from tenants.jobs.shutdown import shutting_down

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


def listened_to() -> set[str]:
    """The queues that this process's worker was started with."""
    return set(current_app.amqp.queues.consume_from) & set(QUEUES)


@contextmanager
def others_served(queue: str) -> Iterator[None]:
    """Serve the worker's other queues from threads of their own, until the block ends."""
    with ExitStack() as lanes:
        for other in sorted(listened_to() - {queue}):
            lanes.enter_context(_lane(other))
        yield


@contextmanager
def _lane(queue: str) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=_serve, args=(queue, over), name=f"lane-{queue}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _serve(queue: str, over: threading.Event) -> None:
    try:
        while not (over.wait(LOOK_EVERY_S) or shutting_down()):
            _work(queue)
    finally:
        connections.close_all()


def _work(queue: str) -> None:
    try:
        if due(queue, 1):
            worker_of(queue)(queue, this_process())
    except AWAY as error:
        logger.warning("database_away queue=%s error=%s", queue, cause(error))
        connections.close_all()
