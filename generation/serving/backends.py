"""One engine over several: the house's own, and one for each workspace with a server of its own.

What goes wrong with a workspace's server ends that workspace's requests and nobody else's.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from generation.engine.openai import OpenAIEngine
from generation.engine.types import Engine, EngineBusy, EngineStats, Event, GenerationRequest, Token
from generation.serving.customer_endpoint import BUSY, ROWS, Target, target_of, told

log = logging.getLogger(__name__)

MOST_LINES = 256
IDLE_S = 30.0
# Between two looks while nothing but other people's servers is at work.
PAUSE_S = 0.02


@dataclass(slots=True)
class Line:
    """The engine over one workspace's server, and when it last had work."""

    engine: OpenAIEngine
    used: float = field(default_factory=time.monotonic)


class Router:
    """Drives all of them from the pump's one thread, and never waits for a distant one."""

    def __init__(self, home: Engine) -> None:
        self.home = home
        self.lines: dict[Target, Line] = {}
        self.routes: dict[str, Line] = {}

    @property
    def free_rows(self) -> int:
        return self.home.free_rows

    def full(self) -> set[UUID]:
        """Workspaces whose own server has as much to do as it is given at a time."""
        calls: Counter[UUID] = Counter()
        for target, line in self.lines.items():
            calls[target.tenant_id] += len(line.engine.calls)
        return {tenant_id for tenant_id, under_way in calls.items() if under_way >= ROWS}

    def submit(self, request: GenerationRequest, endpoint: str | None = None) -> None:
        """Take a request in for the house's engine, or for the workspace's own (its id).

        Needs the request's tenant in scope. No adapter leaves the house: a workspace's own vLLM is
        asked for one by name, where it lists that name itself.
        """
        if endpoint is None:
            self.home.submit(request)
            return
        line = self._line(target_of(endpoint))
        line.engine.submit(request)
        line.used = time.monotonic()
        self.routes[request.id] = line

    def _line(self, target: Target) -> Line:
        if target not in self.lines:
            self.close_idle(0.0 if len(self.lines) >= MOST_LINES else IDLE_S)
            if len(self.lines) >= MOST_LINES:
                raise EngineBusy(BUSY.code, str(BUSY.words))
            self.lines[target] = Line(target.open())
        return self.lines[target]

    def cancel(self, request_id: str) -> None:
        line = self.routes.get(request_id)
        (line.engine if line else self.home).cancel(request_id)

    def step(self) -> list[Event]:
        """The house's next piece of work, and what the others have sent meanwhile."""
        at_home = self.home.busy
        events = self.home.step() if at_home else []
        for line in self.lines.values():
            events += map(told, self._poll(line))
        if not events and not at_home:
            time.sleep(PAUSE_S)
        self.close_idle(IDLE_S)
        return events

    def _poll(self, line: Line) -> list[Event]:
        events = line.engine.poll()
        for event in events:
            if not isinstance(event, Token):
                self.routes.pop(event.request_id, None)
                line.used = time.monotonic()
        return events

    def stats(self) -> EngineStats:
        """Those of the house's engine."""
        return self.home.stats()

    def close_idle(self, seconds: float) -> None:
        """Close engines that had nothing to do for so long; those of changed servers among them."""
        before = time.monotonic() - seconds
        for target, line in list(self.lines.items()):
            if not line.engine.busy and line.used <= before:
                self._close(target)

    def close(self) -> None:
        """Close all but the house's, which outlives this router."""
        for target in list(self.lines):
            self._close(target)

    def _close(self, target: Target) -> None:
        try:
            self.lines.pop(target).engine.close()
        except TimeoutError:
            log.warning("endpoint_not_closed tenant=%s", target.tenant_id)
