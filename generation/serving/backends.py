"""One engine over several: the platform's own, and one for each workspace with a server of its own.

What goes wrong with a workspace's server ends that workspace's requests and nobody else's.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from generation.engine.echo import EchoEngine
from generation.engine.openai import OpenAIEngine
from generation.engine.types import Engine, EngineBusy, EngineStats, Event, GenerationRequest, Token
from generation.serving.customer_endpoint import BUSY, ROWS, Target, target_of, translated

log = logging.getLogger(__name__)

MAX_BACKENDS = 256
IDLE_S = 30.0
# Between two looks while nothing but other people's servers is at work.
PAUSE_S = 0.02


# In the place of a server's id: what test keys are answered by.
ECHO = "echo"


@dataclass(slots=True)
class Backend:
    """The engine over one workspace's server, or the echo, and when it last had work."""

    engine: OpenAIEngine | EchoEngine
    used: float = field(default_factory=time.monotonic)


class Backends:
    """Drives all of them from the batch worker's one thread, and never waits for a distant one."""

    def __init__(self, default_backend: Engine) -> None:
        self.default_backend = default_backend
        self.backends: dict[Target, Backend] = {}
        self.echo = Backend(EchoEngine())
        self.routes: dict[str, Backend] = {}

    @property
    def free_rows(self) -> int:
        return self.default_backend.free_rows

    def saturated_tenants(self) -> set[UUID]:
        """Workspaces whose own server has as much to do as it is given at a time."""
        calls: Counter[UUID] = Counter()
        for target, backend in self.backends.items():
            if isinstance(backend.engine, OpenAIEngine):
                calls[target.tenant_id] += len(backend.engine.calls)
        return {tenant_id for tenant_id, under_way in calls.items() if under_way >= ROWS}

    def submit(self, request: GenerationRequest, endpoint: str | None = None) -> None:
        """Take a request in for the platform's engine, or for the workspace's own (its id).

        Needs the request's tenant in scope. No adapter leaves the platform: a workspace's own vLLM
        is asked for one by name, where it lists that name itself.
        """
        if endpoint is None:
            self.default_backend.submit(request)
            return
        backend = self.echo if endpoint == ECHO else self._backend(target_of(endpoint))
        backend.engine.submit(request)
        backend.used = time.monotonic()
        self.routes[request.id] = backend

    def _backend(self, target: Target) -> Backend:
        if target not in self.backends:
            self.close_idle(0.0 if len(self.backends) >= MAX_BACKENDS else IDLE_S)
            if len(self.backends) >= MAX_BACKENDS:
                raise EngineBusy(BUSY.code, str(BUSY.words))
            self.backends[target] = Backend(target.open())
        return self.backends[target]

    def cancel(self, request_id: str) -> None:
        backend = self.routes.get(request_id)
        (backend.engine if backend else self.default_backend).cancel(request_id)

    def step(self) -> list[Event]:
        """The platform's next piece of work, and what the others have sent meanwhile."""
        busy = self.default_backend.busy
        events = self.default_backend.step() if busy else []
        for backend in (self.echo, *self.backends.values()):
            events += map(translated, self._poll(backend))
        if not events and not busy:
            time.sleep(PAUSE_S)
        self.close_idle(IDLE_S)
        return events

    def _poll(self, backend: Backend) -> list[Event]:
        engine = backend.engine
        events = engine.step() if isinstance(engine, EchoEngine) else engine.poll()
        for event in events:
            if not isinstance(event, Token):
                self.routes.pop(event.request_id, None)
                backend.used = time.monotonic()
        return events

    def stats(self) -> EngineStats:
        """Those of the platform's engine."""
        return self.default_backend.stats()

    def close_idle(self, seconds: float) -> None:
        """Close engines that had nothing to do for so long; those of changed servers among them."""
        before = time.monotonic() - seconds
        for target, backend in list(self.backends.items()):
            if not backend.engine.busy and backend.used <= before:
                self._close(target)

    def close(self) -> None:
        """Close all but the platform's, which outlives this router."""
        for target in list(self.backends):
            self._close(target)

    def _close(self, target: Target) -> None:
        try:
            self.backends.pop(target).engine.close()
        except TimeoutError:
            log.warning("endpoint_not_closed tenant=%s", target.tenant_id)
