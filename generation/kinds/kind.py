"""What every kind of copy has: its questions, its parts and limits, how it is read and checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.kinds import platforms
from generation.kinds.brief import AudienceData, BrandData, BriefData, Issue, Term
from generation.kinds.fields import BriefError, Choice, Field, Problem, clean_fields, fields_schema
from generation.kinds.text import count_words

__all__ = [
    "AudienceData",
    "BrandData",
    "BriefData",
    "BriefError",
    "Choice",
    "Data",
    "Field",
    "Issue",
    "Kind",
    "Length",
    "Part",
    "Problem",
    "Term",
]

Data = dict[str, Any]
# These count a full-width character as two.
WIDE_COUNTS = frozenset({"google", "x"})


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the finished copy: a line, a long text, or a list of lines.

    `counted` is how its platform counts: a name in platforms.COUNTS.
    """

    name: str
    label: str
    limit: int = 0
    many: bool = False
    least: int = 1
    most: int = 1
    long: bool = False
    optional: bool = False
    counted: str = "characters"

    def size(self, text: str) -> int:
        """How long a text is for this part."""
        return platforms.COUNTS[self.counted](text)

    def most_characters(self, *, wide: bool) -> int:
        """How many characters surely fit, where they may be `wide` ones."""
        return self.limit // 2 if wide and self.counted in WIDE_COUNTS else self.limit

    def schema(self, limit: int = 0) -> dict[str, Any]:
        """The JSON schema of its value; `limit` takes the place of its own."""
        line: dict[str, Any] = {"type": "string"}
        if not self.optional or self.many:
            line["minLength"] = 1
        if limit or self.limit:
            line["maxLength"] = limit or self.limit
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


def object_schema(
    properties: Mapping[str, Any], required: Sequence[str] | None = None
) -> dict[str, Any]:
    """The schema of an object of these properties and no others; all required unless named."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


class Kind(ABC):
    """A kind of copy. Labels are plain English, translated by whoever shows them."""

    name: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    parts: ClassVar[tuple[Part, ...]]
    length: ClassVar[Length | None] = None
    # Too long for one answer: it has a title, an introduction and sections, each asked for alone.
    in_sections: ClassVar[bool] = False

    def clean(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The brief's fields in their stored form; raises BriefError."""
        return clean_fields(self.fields, values)

    def fields_schema(self) -> dict[str, Any]:
        return fields_schema(self.fields)

    def schema(self, brief: BriefData | None = None) -> dict[str, Any]:
        """The JSON schema of the finished copy."""
        required = [part.name for part in self.parts if not part.optional]
        return object_schema({part.name: part.schema() for part in self.parts}, required)

    def fixed(self, brief: BriefData) -> Data:
        """The parts that the brief settles, so that no model has to write them."""
        return {}

    def tidy(self, data: Data) -> Data:
        """The copy with its form put right where that changes no word."""
        return dict(data)

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
