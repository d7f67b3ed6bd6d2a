"""What doctor sees of the queues: what waits, for how long, and whether anybody listens."""

from collections.abc import Iterator

from celery import current_app
from kombu.exceptions import OperationalError

from saas.diagnosis import Finding, fault, ok, warning
from tenants.jobs.services import loads

ANSWER_S = 2.0
LONGEST_WAIT_S = 60.0


def queues() -> Iterator[Finding]:
    try:
        served = listened_queues()
    except (OperationalError, OSError) as error:
        yield fault(f"The broker said: {error}", "Start it, or mend REDIS_URL.")
        return
    for load in loads():
        stands = f"{load.queue}: {load.waiting} wait, {load.running} run"
        if load.queue not in served:
            cure = f"Start one: celery -A saas worker -Q {load.queue} -c 1 -P prefork"
            yield (fault if load.waiting else warning)(f"{stands}; no worker listens.", cure)
        elif load.oldest_seconds > LONGEST_WAIT_S:
            waited = f"{stands}; the oldest for {load.oldest_seconds:.0f} s."
            yield warning(waited, "Start more workers for this queue, or look into their logs.")
        else:
            yield ok(stands)


def listened_queues() -> set[str]:
    """The queues to which some worker listens that answers now."""
    answers = current_app.control.inspect(timeout=ANSWER_S).active_queues() or {}
    return {queue["name"] for queues in answers.values() for queue in queues}
