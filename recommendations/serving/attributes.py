"""What rules read of a catalogue's items: read from the database when a rule first asks."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recommendations.models import Item
from recommendations.ranking.rules import Column, Type, column_of

# What every item has, also where nobody has given it a value yet.
ALWAYS_THERE = {
    "id": Type.TEXT,
    "type": Type.TEXT,
    "title": Type.TEXT,
    "tags": Type.LIST,
    "price": Type.NUMBER,
    "created_at": Type.NUMBER,
}
READ = ("number", "key", "type", "tags", "attributes", "price", "created_at", "title", "version")
CHUNK = 5000


@dataclass(slots=True)
class Attributes:
    """Items' values by number, as of a version of the catalogue; later ones are added."""

    version: int = 0
    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    schema: dict[str, Type] = field(default_factory=lambda: dict(ALWAYS_THERE))
    columns: dict[str, Column] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, version: int) -> None:
        """Read what has changed up to a version."""
        if version == self.version:
            return
        rows = Item.objects.filter(version__gt=self.version).values(*READ)
        for row in rows.iterator(chunk_size=CHUNK):
            self.values[row["number"]] = readable(row)
        self.version, self.columns = version, {}
        self.schema = schema_of(self.values.values())

    def column(self, name: str, size: int) -> Column:
        """One attribute of all items; values of another kind than the first one's are missing."""
        if name not in self.columns:
            rows = (self.values.get(number, {}) for number in range(size))
            self.columns[name] = column_of([row.get(name) for row in rows], self.schema[name])
        return self.columns[name]


@dataclass(frozen=True, slots=True)
class RuleColumns(Mapping[str, Column]):
    """Columns by name, each made when a rule reads it."""

    attributes: Attributes
    size: int

    def __getitem__(self, name: str) -> Column:
        with self.attributes.lock:
            return self.attributes.column(name, self.size)

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes.schema)

    def __len__(self) -> int:
        return len(self.attributes.schema)


def readable(row: Mapping[str, Any]) -> dict[str, Any]:
    """An item's values as rules name them."""
    price = row["price"]
    return {
        **row["attributes"],
        "id": row["key"],
        "type": row["type"],
        "title": row["title"],
        "tags": row["tags"],
        "price": None if price is None else float(price),
        "created_at": row["created_at"].timestamp(),
    }


def schema_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Type]:
    """The type of each attribute: that of the first value that somebody gave it."""
    found = dict(ALWAYS_THERE)
    for row in rows:
        for name, value in row.items():
            if name not in found and (kind := _kind(value)) is not None:
                found[name] = kind
    return found


def _kind(value: Any) -> Type | None:
    if isinstance(value, bool):
        return Type.FLAG
    if isinstance(value, int | float):
        return Type.NUMBER
    if isinstance(value, str):
        return Type.TEXT
    return Type.LIST if isinstance(value, list) else None
