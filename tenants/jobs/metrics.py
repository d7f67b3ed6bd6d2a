"""How much work there is, for Prometheus: from each worker's own port, and from /metrics.

Nothing here names a workspace or holds its words.
"""

import hmac
import logging
from collections.abc import Iterator
from typing import Any

from celery.signals import worker_process_init
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from saas.errors import NotFound
from tenants.jobs.services import QueueLoad, loads

logger = logging.getLogger(__name__)


class QueueCollector:
    """Asks Postgres whenever somebody looks; nothing is kept in between."""

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        found = self._loads()
        measures = {
            "kindling_jobs_waiting": ("Jobs that could start now.", "waiting"),
            "kindling_jobs_running": ("Jobs that a worker holds.", "running"),
            "kindling_jobs_oldest_wait_seconds": (
                "How long the job has waited that waits longest.",
                "oldest_seconds",
            ),
        }
        for name, (about, attribute) in measures.items():
            family = GaugeMetricFamily(name, about, labels=["queue"])
            for load in found:
                family.add_metric([load.queue], getattr(load, attribute))
            yield family

    def _loads(self) -> list[QueueLoad]:
        try:
            return loads()
        except DatabaseError as error:
            logger.warning("load_unknown error=%s", type(error).__name__)
            return []


class WorkerCollector(QueueCollector):
    """The same from a thread of the worker's, which gives its connection back."""

    def _loads(self) -> list[QueueLoad]:
        try:
            return super()._loads()
        finally:
            connections.close_all()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def serve(**_: Any) -> None:
    """Answer on the worker's own port, where the operator has named one."""
    if not settings.METRICS_PORT:
        return
    from prometheus_client import REGISTRY, start_http_server

    REGISTRY.register(WorkerCollector())
    try:
        start_http_server(settings.METRICS_PORT, addr=settings.METRICS_HOST)
    except OSError as error:  # another worker of this machine has the port: work goes on
        logger.warning("metrics_not_served port=%s error=%s", settings.METRICS_PORT, error)


@never_cache
@require_safe
@transaction.non_atomic_requests
def metrics(request: HttpRequest) -> HttpResponse:
    """The queues, for whoever shows METRICS_TOKEN; without a token the page does not exist."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    known = settings.METRICS_TOKEN
    if not known or kind != "Bearer" or not hmac.compare_digest(token.encode(), known.encode()):
        raise NotFound
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(QueueCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
