"""What the predictor measures, for Prometheus. No label names a workspace or a text."""

import logging
from collections.abc import Callable

from django.conf import settings

log = logging.getLogger(__name__)

BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)

# (texts of a question, seconds from when it was taken in to its answer)
Answered = Callable[[int, float], None]


def nobody_counts(texts: int, seconds: float) -> None:
    """Where no port for numbers is set."""


def served() -> Answered:
    """Answer at the port for numbers, where one is set; what tells of an answer."""
    if not settings.METRICS_PORT:
        return nobody_counts
    from prometheus_client import Counter, Histogram, start_http_server

    counted = Counter("kindling_predictions", "Texts that heads have answered.")
    waited = Histogram(
        "kindling_prediction_seconds", "From a question to its answer.", buckets=BUCKETS
    )
    try:
        start_http_server(settings.METRICS_PORT, addr=settings.METRICS_HOST)
    except OSError as error:  # a worker of this machine has the port: work goes on
        log.warning("metrics_not_served port=%s error=%s", settings.METRICS_PORT, error)

    def answered(texts: int, seconds: float) -> None:
        counted.inc(texts)
        waited.observe(seconds)

    return answered
