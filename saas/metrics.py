"""What every process can say of itself, for Prometheus: requests by route, its pool, its disks.

No label names a workspace: a route is the pattern of an address, never the address.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.http import HttpRequest
from django.http.response import HttpResponseBase

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@cache
def http_seconds() -> Any:
    from prometheus_client import Histogram

    return Histogram(
        "kindling_http_seconds",
        "From a request to the first of its answer.",
        ("route", "method", "status"),
        buckets=SECONDS,
    )


class MetricsMiddleware:
    """Times each request under the pattern of its address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        method = request.method if request.method in {"GET", "POST", "HEAD"} else "other"
        labels = (match.route if match else "none", method, f"{response.status_code // 100}xx")
        http_seconds().labels(*labels).observe(time.monotonic() - began)
        return response


class ProcessCollector:
    """The state of this process's pool and of the disks that it writes to, when somebody asks."""

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        pool = GaugeMetricFamily(
            "kindling_pool", "Connections to Postgres, and requests for one.", labels=["state"]
        )
        for state, value in _pool().items():
            pool.add_metric([state], value)
        yield pool
        disk = GaugeMetricFamily(
            "kindling_disk_free_ratio", "What is free of a disk.", labels=["folder"]
        )
        for name, folder in {"data": settings.DATA_DIR, "media": settings.MEDIA_ROOT}.items():
            if folder.exists():
                usage = shutil.disk_usage(folder)
                disk.add_metric([name], usage.free / usage.total)
        yield disk


def _pool() -> dict[str, float]:
    """How the pool stands, where this process has one."""
    database = connections[DEFAULT_DB_ALIAS]
    pool = database.pool if isinstance(database, DatabaseWrapper) else None
    if pool is None:
        return {}
    stats = pool.get_stats()
    return {
        "open": stats.get("pool_size", 0),
        "free": stats.get("pool_available", 0),
        "waiting": stats.get("requests_waiting", 0),
    }
