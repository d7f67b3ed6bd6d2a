"""The frozen set: briefs in two languages, each with a text that was written for it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation import kinds
from generation.kinds.brief import BrandData, BriefData, Term
from generation.kinds.kind import Data, Kind

OWN = Path(__file__).parent / "set.jsonl"
VOICE = Path(__file__).parents[2] / "generation" / "data" / "brightleaf_voice.jsonl"
BRIGHTLEAF = BrandData(
    "Brightleaf",
    about=(
        "Brightleaf delivers healthy houseplants to city flats, already potted, with a care plan "
        "that fits the light in each room."
    ),
    tone="warm, plain, a little playful",
    terms=(Term("houseplant", ("house plant", "indoor plant")), Term("care plan", ("care guide",))),
    banned=("cheap", "guaranteed", "revolutionary"),
    facts=(
        "Plants arrive potted within 48 hours",
        "Free replacement within 30 days",
        "A care plan comes with every plant",
        "Pots are made from recycled clay",
    ),
    url="https://brightleaf.example",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A brief and the text that a strong writer gives for it."""

    kind: Kind
    brief: BriefData
    data: Data


def cases() -> list[Case]:
    return [*_read(OWN), *_read(VOICE)]


def _read(path: Path) -> Iterator[Case]:
    for line in path.read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        kind = kinds.load(row["kind"])
        brief = BriefData(
            kind.name,
            _brand(row["brand"]) if "brand" in row else BRIGHTLEAF,
            kind.clean(row["fields"]),
            language=row.get("language", "en"),
            length=row.get("length", 0),
        )
        yield Case(kind, brief, {**row["data"], **kind.fixed(brief)})


def _brand(row: dict[str, Any]) -> BrandData:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return BrandData(**{**row, **lists})
