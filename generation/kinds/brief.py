"""What a kind of copy is told: the brief, the brand it speaks for and the people it speaks to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

# The fields of any kind that hold facts, and those that copy must not leave out.
DEMANDED = ("points", "offer", "facts")
STATED = (*DEMANDED, "product", "topic")


@dataclass(frozen=True, slots=True)
class Term:
    """A spelling that the brand insists on, and spellings that it replaces."""

    preferred: str
    instead_of: tuple[str, ...] = ()

    @classmethod
    def read(cls, line: str) -> Term:
        """Read `sign-up` or `sign-up: signup, sign up`, the form in which people type it."""
        preferred, _, others = line.partition(":")
        wrong = (word.strip() for word in re.split(r"[,，;；]", others))
        return cls(preferred.strip(), tuple(word for word in wrong if word))


@dataclass(frozen=True, slots=True)
class BrandData:
    """A brand's name, voice, words and the facts that copy may state about it."""

    name: str
    about: str = ""
    tone: str = ""
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    banned: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class AudienceData:
    """The people a text is for."""

    name: str
    description: str = ""
    pains: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BriefData:
    """One order for copy. `length` counts words (characters in Chinese); 0 is the kind's own.
    `variant` is which of its variants is written, from 1; 0 where it is none of several."""

    kind: str
    brand: BrandData
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    audience: AudienceData | None = None
    language: str = "en"
    seed: int = 0
    length: int = 0
    variant: int = 0

    def text(self, name: str) -> str:
        """One field as a line of text; empty where it was left out."""
        value = self.fields.get(name) or ""
        return "; ".join(value) if isinstance(value, list | tuple) else str(value)

    def items(self, name: str) -> tuple[str, ...]:
        """One field as lines."""
        value = self.fields.get(name) or ()
        lines = value.splitlines() if isinstance(value, str) else value
        return tuple(line.strip() for line in lines if line.strip())

    def known(self) -> str:
        """Everything that copy may state without inventing: the whole brief and the brand.

        The brand's samples are old copy: they show a voice and license no claim.
        """
        return "\n".join(part for part in self._known_parts() if part)

    def statements(self) -> tuple[str, ...]:
        """The lines that say what is so: the brief's first, then the brand's."""
        own = (line for name in STATED for line in self.items(name))
        return tuple(filter(None, (*own, *self.brand.facts, self.brand.about)))

    def demanded(self) -> tuple[str, ...]:
        """The lines of the brief that finished copy has to say."""
        return tuple(line for name in DEMANDED for line in self.items(name))

    def subject(self) -> str:
        """What all of the copy is about."""
        return " ".join(filter(None, (self.brand.name, self.text("product"), self.text("topic"))))

    def _known_parts(self) -> Iterator[str]:
        brand = self.brand
        yield from (brand.name, brand.about, brand.url, *brand.facts)
        yield from (term.preferred for term in brand.terms)
        for name in self.fields:
            yield self.text(name)
        if self.audience:
            yield from (self.audience.name, self.audience.description)
            yield from (*self.audience.pains, *self.audience.goals)


@dataclass(frozen=True, slots=True)
class Issue:
    """Something in a text that a person should see. `part` is like "headlines.2"; the span is
    counted in characters of that part. `message` is translatable and takes `params`."""

    code: str
    message: str
    part: str = ""
    start: int = 0
    end: int = 0
    params: tuple[tuple[str, str], ...] = ()
    severity: str = "warning"
    suggestion: str = ""

    def __str__(self) -> str:
        return self.message.format(**dict(self.params))
