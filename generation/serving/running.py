"""A leased job on its way through the engine: what it has written, shown and used so far."""

import time
from dataclasses import dataclass, field
from typing import Any

from generation.serving.handlers import EngineCall, Handling
from tenants.billing.meters import Usage
from tenants.jobs.models import Lease

# All that a job shows before its end is stored.
ENDED_PERCENT = 95


@dataclass(slots=True)
class Running:
    """One leased job on its way through the engine."""

    lease: Lease
    handling: Handling
    call: EngineCall | None = None
    text: str = ""
    shown: str = ""
    kept: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    pieces: int = 0
    unsent: dict[str, Any] | None = None

    @property
    def progress(self) -> int:
        """Percent of the most tokens that the work may take; the end itself is not ours to say."""
        expected = self.lease.payload.get("expected_tokens") or 1
        return min(ENDED_PERCENT, 100 * (self.completion_tokens + self.pieces) // expected)

    @property
    def endpoint(self) -> str | None:
        """The workspace's own model server that the job was ordered for."""
        return self.lease.payload.get("endpoint")

    @property
    def streams_to_client(self) -> bool:
        """Whether a caller of the API may have some of the answer, and no way to take it back."""
        return self.call is not None and self.call.irrevocable and bool(self.kept)

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

    def begin(self, call: EngineCall) -> None:
        self.call, self.text, self.shown, self.pieces = call, "", "", 0

    def more(self, text: str) -> str:
        """What a reader sees more of, now that this text has come."""
        assert self.call is not None
        self.text += text
        self.pieces += 1
        before, self.shown = self.shown, self.call.shown(self.text)
        self.kept += self.shown[len(before) :]
        return self.shown[len(before) :]
