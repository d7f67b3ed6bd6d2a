"""The calls that the page Developers prints, filled with a workspace's own address and brand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generation.api.openai.models import voice_name
from generation.models import Brand
from training.names import OWN

FOLDER = Path(__file__).parents[1] / "data" / "calls"
LANGUAGES = {"curl": "curl", "python": "Python", "typescript": "TypeScript"}
MARKS = ("# -- ", "// -- ")
# Shown where the reader has no brand yet.
NO_BRAND = "YOUR_BRAND_ID"
POINTS = ["Made for people who come back", "Delivered within two days"]
MOST_POINTS, POINT_CHARS = 3, 80


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls in one programming language by the name of their step."""

    language: str
    server: str
    brand: Brand | None = None
    key: str = ""

    def __getitem__(self, step: str) -> str:
        code = templates(self.language)[step]
        for name, value in self.values().items():
            code = code.replace(f"@{name}", value)
        return code.replace("sk_…", self.key) if self.key else code

    def values(self) -> dict[str, str]:
        shell = self.language == "curl"
        fields = json.dumps(brief_fields(self.brand), ensure_ascii=False)
        return {
            "server": self.server,
            "voice": voice_name(self.brand) if self.brand else OWN,
            "brand": str(self.brand.pk) if self.brand else NO_BRAND,
            # It stands between single quotes there.
            "fields": fields.replace("'", "'\"'\"'") if shell else fields,
        }


def brief_fields(brand: Brand | None) -> dict[str, Any]:
    """A short order that the brand itself answers for."""
    facts = [fact for fact in brand.facts if len(fact) <= POINT_CHARS] if brand else []
    product = brand.name if brand else "Lumen, the lamp that dims itself"
    return {"product": product, "points": (facts or POINTS)[:MOST_POINTS]}


@cache
def templates(language: str) -> Mapping[str, str]:
    """The pieces of a language's file by the names that stand above them."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / f"{language}.txt").read_text().splitlines():
        mark = next((mark for mark in MARKS if line.startswith(mark)), None)
        if mark:
            lines = found.setdefault(line.removeprefix(mark), [])
        else:
            lines.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}
