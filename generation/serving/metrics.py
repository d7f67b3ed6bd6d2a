"""What the batch worker measures, for Prometheus. No label names a workspace or a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Any, Protocol

from django.conf import settings

from generation.engine.types import EngineStats, Event, Failed, Token

STEP_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SHORT = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
LONG = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 900)
RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Counted(Protocol):
    """An engine, as far as it can be measured."""

    def stats(self) -> EngineStats: ...


class Meter(Protocol):
    """What the batch worker tells about its work."""

    def leased(self, waited_s: float) -> None:
        """A job was taken in after so long a wait."""

    def asked(self, request_id: str, *, customer_endpoint: bool) -> None:
        """A request went to the platform's engine, or to a workspace's own server."""

    def saw(self, event: Event) -> None:
        """The engine said something about a request."""

    def stepped(self, engine: Counted, seconds: float) -> None:
        """The engine has done a step, which took so long."""


class NoMeter:
    """Measures nothing."""

    def leased(self, waited_s: float) -> None: ...

    def asked(self, request_id: str, *, customer_endpoint: bool) -> None: ...

    def saw(self, event: Event) -> None: ...

    def stepped(self, engine: Counted, seconds: float) -> None: ...


@dataclass(slots=True)
class Request:
    """A request under way: where, since when, and whether its text has begun."""

    server: str
    began: float = field(default_factory=monotonic)
    writes: bool = False


class PrometheusMeter:
    """Keeps histograms and counters in a registry of prometheus_client's."""

    def __init__(self, registry: Any) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        def histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Any:
            whole = f"kindling_{name}"
            return Histogram(whole, about, labels, buckets=buckets, registry=registry)

        def counter(name: str, about: str, *labels: str) -> Any:
            return Counter(f"kindling_{name}", about, labels, registry=registry)

        self.wait = histogram("job_wait_seconds", "From due to taken in.", LONG)
        self.rows = histogram("step_rows", "Rows in one step of the engine.", STEP_ROWS)
        self.step = histogram("step_seconds", "Length of one step.", SHORT)
        self.first = histogram(
            "first_token_seconds", "From the request to its first text.", LONG, "server"
        )
        self.whole = histogram(
            "request_seconds", "From the request to its end.", LONG, "server", "outcome"
        )
        self.rate = histogram(
            "request_tokens_per_second", "Tokens a second of one request.", RATES, "server"
        )
        self.tokens = counter("tokens", "Tokens of the platform's engine.", "kind")
        self.swaps = counter("adapter_swaps", "Adapters that were loaded.")
        self.preemptions = counter("preemptions", "Rows that gave way to another tenant's.")
        self.busy = Gauge("kindling_rows", "Rows of the engine.", ["state"], registry=registry)
        self.requests: dict[str, Request] = {}
        self.last = EngineStats()

    def leased(self, waited_s: float) -> None:
        self.wait.observe(waited_s)

    def asked(self, request_id: str, *, customer_endpoint: bool) -> None:
        self.requests[request_id] = Request(
            "customer_endpoint" if customer_endpoint else "platform"
        )

    def saw(self, event: Event) -> None:
        request = self.requests.get(event.request_id)
        if request is None:
            return
        seconds = monotonic() - request.began
        if not request.writes and isinstance(event, Token):
            request.writes = True
            self.first.labels(request.server).observe(seconds)
        if isinstance(event, Token):
            return
        del self.requests[event.request_id]
        outcome = "failed" if isinstance(event, Failed) else event.reason
        self.whole.labels(request.server, outcome).observe(seconds)
        if not isinstance(event, Failed) and event.completion_tokens and seconds:
            self.rate.labels(request.server).observe(event.completion_tokens / seconds)

    def stepped(self, engine: Counted, seconds: float) -> None:
        stats = engine.stats()
        if stats.rows_busy or self.last.rows_busy:
            self.rows.observe(max(stats.rows_busy, self.last.rows_busy))
            self.step.observe(seconds)
        for kind in ("prompt", "completion", "cached"):
            self.tokens.labels(kind).inc(self._more(stats, f"{kind}_tokens"))
        self.swaps.inc(self._more(stats, "adapter_swaps"))
        self.preemptions.inc(self._more(stats, "preemptions"))
        self.busy.labels("busy").set(stats.rows_busy)
        self.busy.labels("total").set(stats.rows_total)
        self.busy.labels("queued").set(stats.queued)
        self.last = stats

    def _more(self, stats: EngineStats, name: str) -> int:
        """By how much a count has grown; an engine that was loaded anew begins at nothing."""
        now, before = getattr(stats, name), getattr(self.last, name)
        return int(now - before if now >= before else now)


@cache
def meter() -> Meter:
    """The process's meter; it measures where the operator has named a port to read it from."""
    if not settings.METRICS_PORT:
        return NoMeter()
    from prometheus_client import REGISTRY

    return PrometheusMeter(REGISTRY)
