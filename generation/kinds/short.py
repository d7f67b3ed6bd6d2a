"""Kinds made of a few labelled parts: how they are shown, read back and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generation.kinds.checks import (
    EMPTY,
    check_text,
    count_limits,
    coverage,
    duplicates,
    length_limit,
)
from generation.kinds.kind import BriefData, Data, Issue, Kind, Part, object_schema
from generation.kinds.markup import parse_parts, render_parts, to_html


class Short(Kind):
    """A kind made of a few short lines about a product."""

    def schema(self, brief: BriefData | None = None) -> dict[str, Any]:
        return object_schema({part.name: part.schema() for part in self.parts})

    def check(self, data: Data, brief: BriefData) -> list[Issue]:
        found = [issue for part in self.parts for issue in check_part(part, data, brief)]
        return [*found, *coverage(texts_of(self.parts, data), brief)]

    def render(self, data: Data) -> str:
        return render_parts(self.parts, data)

    def parse(self, text: str) -> Data:
        return parse_parts(self.parts, text)

    def html(self, data: Data) -> str:
        return to_html(self.render(data))

    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        return [{part.label: flat(data.get(part.name)) for part in self.parts}]


def texts_of(parts: Iterable[Part], data: Mapping[str, Any]) -> Iterator[str]:
    """Every text of the copy, in its order."""
    for part in parts:
        value = data.get(part.name) or part.empty
        yield from value if part.many else [value]


def flat(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value or "")


def check_part(part: Part, data: Mapping[str, Any], brief: BriefData) -> Iterator[Issue]:
    value = data.get(part.name) or part.empty
    if part.many:
        yield from count_limits(len(value), part.least, part.most, part.name)
        yield from duplicates(value, part.name)
        for place, line in enumerate(value):
            yield from check_line(line, part, brief, f"{part.name}.{place}")
    elif value:
        yield from check_line(value, part, brief, part.name)
    elif not part.optional:
        yield Issue("empty", EMPTY, part.name, severity="error")


def check_line(text: str, part: Part, brief: BriefData, place: str) -> Iterator[Issue]:
    yield from length_limit(text, part.limit, place, part.size)
    yield from check_text(text, brief, place, line=not part.long)
