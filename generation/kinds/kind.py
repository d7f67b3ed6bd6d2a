"""What every kind of copy has: its form, its limits, how it is written, read, shown and checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from generation.engine.types import (
    AdapterRef,
    GenerationRequest,
    Grammar,
    Message,
    Sampling,
)
from generation.kinds.brief import AudienceData, BrandData, BriefData, Issue, Term
from generation.kinds.fields import BriefError, Choice, Field, Problem, clean_fields, fields_schema
from generation.kinds.text import count_words
from generation.writers.partial_json import json_strings

__all__ = [
    "Ask",
    "AudienceData",
    "BrandData",
    "BriefData",
    "BriefError",
    "Choice",
    "Completion",
    "Data",
    "Draft",
    "Estimate",
    "Field",
    "Issue",
    "Kind",
    "Length",
    "Part",
    "Problem",
    "Term",
    "Writing",
]

Data = dict[str, Any]
Show = Literal["text", "json", "nothing"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to have written by the engine.

    `section` names the part of the copy that the text belongs to. What streams in is shown there
    through `shown`, behind `lead`, which is what stood there before and stays; the section starts
    anew with each ask unless the ask `appends`.
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
            return ""
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
class Draft:
    """A finished piece of copy in its kind's form, with what the checks had to say."""

    data: Data
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most tokens that writing a brief can take, over all its asks."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the finished copy: a line, a long text, or a list of lines."""

    name: str
    label: str
    limit: int = 0
    many: bool = False
    least: int = 1
    most: int = 1
    long: bool = False
    optional: bool = False

    def schema(self) -> dict[str, Any]:
        line: dict[str, Any] = {"type": "string"}
        if not self.optional or self.many:
            line["minLength"] = 1
        if self.limit:
            line["maxLength"] = self.limit
        if not self.many:
            return line
        return {"type": "array", "items": line, "minItems": self.least, "maxItems": self.most}

    @property
    def empty(self) -> Any:
        return [] if self.many else ""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a kind may be asked to be, in words (in characters for Chinese)."""

    default: int
    minimum: int
    maximum: int
    tolerance: float = 0.2

    def wanted(self, brief: BriefData) -> int:
        return max(self.minimum, min(self.maximum, brief.length or self.default))

    def fits(self, text: str, brief: BriefData) -> bool:
        return abs(count_words(text) / self.wanted(brief) - 1) <= self.tolerance


Writing = Generator[Ask, Completion, Draft]


class Kind(ABC):
    """A kind of copy. Labels are plain English, translated by whoever shows them."""

    name: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    parts: ClassVar[tuple[Part, ...]]
    length: ClassVar[Length | None] = None

    def clean(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The brief's fields in their stored form; raises BriefError."""
        return clean_fields(self.fields, values)

    def fields_schema(self) -> dict[str, Any]:
        return fields_schema(self.fields)

    def schema(self, brief: BriefData | None = None) -> dict[str, Any]:
        """The JSON schema of the finished copy."""
        return {
            "type": "object",
            "properties": {part.name: part.schema() for part in self.parts},
            "required": [part.name for part in self.parts if not part.optional],
            "additionalProperties": False,
        }

    @abstractmethod
    def estimate_tokens(self, brief: BriefData) -> Estimate:
        """The upper bound that credits are reserved for."""

    @abstractmethod
    def write(self, brief: BriefData) -> Writing:
        """Yield asks, receive completions, return the draft."""

    @abstractmethod
    def title(self, data: Data) -> str:
        """One line that stands for the copy in lists."""

    @abstractmethod
    def render(self, data: Data) -> str:
        """The copy as Markdown: what people edit, approve and compare."""

    @abstractmethod
    def parse(self, text: str) -> Data:
        """The copy read back from its Markdown, however it was edited."""

    @abstractmethod
    def html(self, data: Data) -> str:
        """The copy as an HTML fragment in which all text is escaped."""

    @abstractmethod
    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        """The copy as rows in the layout that the ad platform or mailer imports."""

    @abstractmethod
    def check(self, data: Data, brief: BriefData) -> list[Issue]:
        """Everything about the copy that a person should look at."""
