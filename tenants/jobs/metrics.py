"""How much work there is, for Prometheus: from each worker's own port, and from /metrics.

Nothing here names a workspace or holds its words.
"""

import hmac
import logging
import threading
from collections.abc import Callable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.db import Error, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from saas.errors import NotFound
from saas.metrics import ProcessCollector
from saas.outages import cause
from tenants.jobs import vitals
from tenants.jobs.registry import QUEUES
from tenants.jobs.services import QueueLoad, loads, oldest_silence

logger = logging.getLogger(__name__)


class QueueCollector:
    """Asks Postgres whenever somebody looks. While it is away the numbers stay as they were."""

    def __init__(self) -> None:
        self.known: list[QueueLoad] = [QueueLoad(queue) for queue in sorted(QUEUES)]
        self.silence_s = 0.0

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        answers = self._ask()
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
            for load in self.known:
                family.add_metric([load.queue], getattr(load, attribute))
            yield family
        yield GaugeMetricFamily(
            "kindling_jobs_oldest_heartbeat_seconds",
            "Since the last sign of life of the job that has been silent longest.",
            value=self.silence_s,
        )
        yield GaugeMetricFamily(
            "kindling_database_up", "Whether Postgres answers.", value=float(answers)
        )

    def _ask(self) -> bool:
        """Whether Postgres has told how the queues stand."""
        try:
            self.known, self.silence_s = loads(), oldest_silence()
        except Error as error:
            logger.warning("load_unknown error=%s", cause(error))
            connection.close()
            return False
        return True


class WorkerCollector(QueueCollector):
    """The same from a thread of the worker's, which gives its connection back; and its vitals."""

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        yield from super().collect()
        family = GaugeMetricFamily(
            "kindling_last_seconds", "When something happened here last.", labels=["what"]
        )
        for what, seconds in vitals.last().items():
            family.add_metric([what], seconds)
        yield family

    def _ask(self) -> bool:
        try:
            return super()._ask()
        finally:
            connections.close_all()


def serve() -> None:
    """Answer on the worker's own port, where the operator has named one."""
    if not settings.METRICS_PORT:
        return
    from prometheus_client import REGISTRY, make_wsgi_app

    REGISTRY.register(WorkerCollector())
    REGISTRY.register(ProcessCollector())
    numbers = make_wsgi_app(REGISTRY)
    try:
        server = make_server(
            settings.METRICS_HOST,
            settings.METRICS_PORT,
            lambda environ, start: _answer(numbers, environ, start),
            ThreadingWSGIServer,
            handler_class=QuietHandler,
        )
    except OSError as error:  # another worker of this machine has the port: work goes on
        logger.warning("metrics_not_served port=%s error=%s", settings.METRICS_PORT, error)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads that a number was asked for."""


def _answer(numbers: Callable[..., Any], environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    """/healthz for the liveness probe; the numbers everywhere else."""
    if environ.get("PATH_INFO") != "/healthz":
        return numbers(environ, start)
    alive = vitals.alive()
    start("200 OK" if alive else "503 Service Unavailable", [("Content-Type", "text/plain")])
    return [b"ok" if alive else b"nothing has moved for minutes"]


@never_cache
@require_safe
@transaction.non_atomic_requests
def metrics(request: HttpRequest) -> HttpResponse:
    """Queues and requests, for whoever shows METRICS_TOKEN; without one the page does not exist."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    known = settings.METRICS_TOKEN
    if not known or kind != "Bearer" or not hmac.compare_digest(token.encode(), known.encode()):
        raise NotFound
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_queues)
    registry.register(ProcessCollector())
    numbers = generate_latest(registry) + generate_latest(REGISTRY)
    return HttpResponse(numbers, content_type=CONTENT_TYPE_LATEST)


_queues = QueueCollector()
