"""From a brief, its brand and its audience to the messages that a model is given: the one place.

A model that is trained on these messages finds them again when it writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generation.engine.types import Message
from generation.kinds.brief import AudienceData, BrandData, BriefData, Term
from generation.kinds.fields import Field
from generation.kinds.kind import Kind

VOICE = (
    "This is how the brand sounds. Take the voice from these samples, never a fact, a name or a "
    "number:"
)
LANGUAGES = {"en": "English", "zh-hans": "Simplified Chinese"}
# Samples show a voice; more of them than this crowd out the brief.
MAX_SAMPLES, MAX_SAMPLE_CHARS = 3, 6_000


def render_brief(kind: Kind, brief: BriefData) -> list[Message]:
    """Who writes for whom, and what is to be written: a system and a user message."""
    return [
        Message("system", render_brand(brief)),
        Message("user", render_order(kind, brief)),
    ]


# What a variant begins with; each of a brief's variants has another.
ANGLES = (
    "Lead with the strongest point, said plainly.",
    "Lead with the offer, or with what the reader gains first.",
    "Begin with a question that the reader asks.",
    "Lead with proof: the most exact fact or number of the brief.",
    "Begin with a short scene from the reader's day.",
    "Begin with what troubles the reader, then what changes.",
    "Be as brief as the parts allow; leave out every word that is not needed.",
    "Begin with an unexpected turn, then come to the point.",
)


def render_angle(brief: BriefData) -> str:
    """From which side this variant of a brief comes; a training row has none."""
    angle = ANGLES[(brief.variant - 1) % len(ANGLES)] if brief.variant else ""
    return f"This version: {angle}" if angle else ""


def render_copy(data: Mapping[str, Any]) -> Message:
    """The answer to a brief: finished copy as the JSON that the order asks for."""
    return Message("assistant", json.dumps(data, ensure_ascii=False))


def render_brand(brief: BriefData) -> str:
    """All that is known of the brand and of the people that it speaks to."""
    language = LANGUAGES.get(brief.language, brief.language)
    blocks = (
        f"You write copy for {brief.brand.name or 'a brand'} in {language}.",
        *_brand_blocks(brief.brand),
        *(_audience_blocks(brief.audience) if brief.audience else ()),
        _samples(brief.brand.samples),
    )
    return "\n\n".join(filter(None, blocks))


def render_voice(brand: BrandData) -> str:
    """What a model is told that speaks for a brand in a conversation."""
    blocks = (
        f"You speak for {brand.name or 'a brand'}, in its voice.",
        *_brand_blocks(brand),
        _samples(brand.samples),
    )
    return "\n\n".join(filter(None, blocks))


def _brand_blocks(brand: BrandData) -> Iterator[str]:
    yield _labelled("About", brand.about)
    yield _labelled("Website", brand.url)
    yield _labelled("Tone", brand.tone)
    yield _listed("Do", brand.do)
    yield _listed("Don't", brand.dont)
    yield _listed("Spell these so", map(_spelling, brand.terms))
    yield _listed("Never write", brand.banned)
    yield _listed("Facts", brand.facts)
    yield (
        "State only facts, numbers, names, dates and claims that stand here or in the order. "
        "Invent none: no quotes, no studies, no awards. Keep every “no”, “not”, “without”, “up to” "
        "and “from” of the facts as it is."
    )


def _audience_blocks(audience: AudienceData) -> Iterator[str]:
    yield _labelled("The readers", ": ".join(filter(None, (audience.name, audience.description))))
    yield _listed("What troubles them", audience.pains)
    yield _listed("What they want", audience.goals)


def _samples(samples: Iterable[str]) -> str:
    """As many samples as there is room for, the first ones first."""
    kept: list[str] = []
    for sample in samples:
        room = MAX_SAMPLE_CHARS - sum(map(len, kept))
        if len(kept) < MAX_SAMPLES and len(sample) <= room:
            kept.append(sample)
    quoted = "\n\n".join(f"<sample>\n{sample}\n</sample>" for sample in kept)
    return f"{VOICE}\n\n{quoted}" if kept else ""


def _spelling(term: Term) -> str:
    wrong = f" (not: {', '.join(term.instead_of)})" if term.instead_of else ""
    return f"{term.preferred}{wrong}"


def render_order(kind: Kind, brief: BriefData) -> str:
    """What is to be written: the kind, the brief's answers, the parts of the copy."""
    length = f"Length: about {kind.length.wanted(brief)} words" if kind.length else ""
    answers = (_answer(field, brief) for field in kind.fields)
    parts = "\n".join(_parts(kind, brief))
    blocks = (
        f"Write this: {kind.label}. {kind.description}",
        *answers,
        length,
        "Say every point, fact and offer somewhere in the piece.",
        f"Answer with one JSON object of these parts:\n{parts}",
    )
    return "\n\n".join(filter(None, blocks))


def _answer(field: Field, brief: BriefData) -> str:
    if field.type == "list":
        return _listed(field.label, brief.items(field.name))
    value = brief.text(field.name)
    labels = {choice.value: choice.label for choice in field.choices}
    return _labelled(field.label, labels.get(value, value))


def _parts(kind: Kind, brief: BriefData) -> Iterator[str]:
    """A line for each part that the model has to write, with its limits."""
    schema = kind.schema(brief)
    for part in kind.parts:
        if part.name not in kind.fixed(brief):
            limits = "; ".join(_limits(schema["properties"][part.name]))
            yield f"- {part.name}: {part.label}" + (f" ({limits})" if limits else "")


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema["type"] == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        yield f"a list of {least} to {most}" if most else "a list"
        if schema["items"]["type"] == "object":
            yield f"each with {' and '.join(schema['items']['properties'])}"
        else:
            yield from (f"each {limit}" for limit in _limits(schema["items"]))
    elif "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"


def _labelled(label: str, value: str) -> str:
    return f"{label}: {value}" if value else ""


def _listed(label: str, values: Iterable[str]) -> str:
    lines = "\n".join(f"- {value}" for value in values)
    return f"{label}:\n{lines}" if lines else ""
