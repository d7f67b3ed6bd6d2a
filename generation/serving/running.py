"""What the batch worker knows of a leased job on its way through the engine."""

import time
from dataclasses import dataclass, field
from typing import Any

from generation.engine.types import Finished
from generation.serving.handlers import EngineCall, Handling
from tenants.billing.meters import Usage
from tenants.jobs.models import Lease

# All that a job shows before its end is stored.
ENDED_PERCENT = 95


@dataclass(slots=True, eq=False)
class RunningCall:
    """One of the job's engine calls: its text so far, and what of it readers have seen."""

    call: EngineCall
    text: str = ""
    shown: str = ""
    pieces: int = 0
    unsent: dict[str, Any] | None = None
    finished: Finished | None = None

    def more(self, text: str) -> str:
        """What a reader sees more of, now that this text has come."""
        self.text += text
        self.pieces += 1
        before, self.shown = self.shown, self.call.shown(self.text)
        return self.shown[len(before) :]


@dataclass(slots=True, eq=False)
class Running:
    """One leased job, with the calls that it has under way at a time."""

    lease: Lease
    handling: Handling
    calls: dict[str, RunningCall] = field(default_factory=dict)
    kept: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    cancelled: bool = False

    @property
    def progress(self) -> int:
        """Percent of the most tokens that the work may take; the end itself is not ours to say."""
        expected = self.lease.payload.get("expected_tokens") or 1
        pieces = sum(call.pieces for call in self.calls.values() if not call.finished)
        return min(ENDED_PERCENT, 100 * (self.completion_tokens + pieces) // expected)

    @property
    def endpoint(self) -> str | None:
        """The workspace's own model server that the job was ordered for."""
        return self.lease.payload.get("endpoint")

    @property
    def reader(self) -> str:
        """The web process that alone waits for the answer; empty where somebody may come back."""
        return str(self.lease.payload.get("reader", ""))

    @property
    def open(self) -> list[str]:
        """The ids of the calls that are not over."""
        return [request_id for request_id, call in self.calls.items() if call.finished is None]

    @property
    def streams_to_client(self) -> bool:
        """Whether a caller of the API may have some of the answer, and no way to take it back."""
        irrevocable = any(call.call.irrevocable for call in self.calls.values())
        return irrevocable and bool(self.kept)

    @property
    def usage(self) -> Usage:
        return Usage(
            {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
            },
            seconds=time.monotonic() - self.started,
            customer_endpoint=self.endpoint is not None,
        )

    def begin(self, calls: tuple[EngineCall, ...]) -> None:
        """The handler's next calls take the place of those that are over."""
        self.calls = {call.request.id: RunningCall(call) for call in calls}

    def more(self, request_id: str, text: str) -> str:
        """What a reader sees more of in this call."""
        fresh = self.calls[request_id].more(text)
        self.kept += fresh
        return fresh

    def finished(self, event: Finished) -> None:
        """Count what the call took; a prompt that several calls share is read once."""
        running = self.calls[event.request_id]
        running.finished = event
        self.completion_tokens += event.completion_tokens
        if running.call.reads_prompt:
            self.prompt_tokens += event.prompt_tokens

    @property
    def results(self) -> tuple[Finished, ...]:
        """What came of the calls, in their order, once all are over."""
        return tuple(call.finished for call in self.calls.values() if call.finished)

    def forget_unsent(self) -> None:
        """What comes after this is a piece of its own."""
        for call in self.calls.values():
            call.unsent = None
