"""What this process counts about jobs and their readers, for Prometheus."""

from functools import cache
from typing import Any


@cache
def jobs_ended() -> Any:
    from prometheus_client import Counter

    return Counter("kindling_jobs_ended", "Jobs by how they ended.", ("kind", "outcome"))


@cache
def streams_open() -> Any:
    from prometheus_client import Gauge

    return Gauge("kindling_streams_open", "Readers of streams that are connected here.")
