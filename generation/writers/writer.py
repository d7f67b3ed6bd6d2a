"""What every writer does: it asks for texts, is sent what came, and returns a finished draft."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from generation.engine.types import AdapterRef, GenerationRequest, Grammar, Message, Sampling
from generation.kinds.brief import BriefData, Issue
from generation.kinds.kind import Data, Kind
from generation.writers.partial_json import json_strings

Show = Literal["text", "json", "nothing"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to have written by the engine.

    `section` names the part of the copy that the text belongs to. What streams in is shown there
    through `shown`, behind `lead`, which is what stood there before and stays; the section starts
    anew with each ask unless the ask `appends`. With `show` "nothing" only the lead is shown.
    """

    section: str
    messages: tuple[Message, ...]
    max_tokens: int
    min_tokens: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    grammar: Grammar | None = None
    banned: tuple[str, ...] = ()
    show: Show = "text"
    appends: bool = False
    lead: str = ""

    def shown(self, text: str) -> str:
        """What a person sees of the text so far; it only ever grows."""
        if self.show == "nothing":
            return self.lead
        return self.lead + (json_strings(text) if self.show == "json" else text)

    def request(
        self, *, request_id: str, tenant: str, adapter: AdapterRef | None = None
    ) -> GenerationRequest:
        return GenerationRequest(
            id=request_id,
            tenant=tenant,
            max_tokens=self.max_tokens,
            min_tokens=self.min_tokens,
            messages=self.messages,
            sampling=self.sampling,
            grammar=self.grammar,
            banned=self.banned,
            adapter=adapter,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """The engine's answer to an ask; `tokens` is what it took, where that is known."""

    text: str
    reason: Literal["stop", "length", "cancelled"] = "stop"
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a guided text's lines are the model's own; the others are templates."""

    own: int
    lines: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished piece of copy in its kind's form, with what the checks had to say.

    Without a `share` all of it is the model's.
    """

    data: Data
    issues: tuple[Issue, ...] = ()
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most tokens that writing a brief can take, over all its asks."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


Writing = Generator[Ask, Completion, Draft]


class Writer(ABC):
    """A way to write copy. It never spends more tokens than it has estimated."""

    name: ClassVar[str]

    @abstractmethod
    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        """The upper bound that credits are reserved for."""

    @abstractmethod
    def write(self, kind: Kind, brief: BriefData) -> Writing:
        """Yield asks, receive completions, return the draft; raises EngineError."""
