"""A workspace's catalogue as arrays, kept in the process and brought up to date by changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.models import Catalogue, Item, ItemCounts
from recommendations.ranking.candidates import Source
from recommendations.ranking.rules import Column, Type
from recommendations.ranking.sources.popularity import Newest, Popular, Trending
from recommendations.serving.attributes import Attributes, RuleColumns

ALWAYS, NEVER = -np.inf, np.inf
GROWTH = 1.25
COUNTS = ("impressions", "clicks", "popular", "trending")
READ = (
    *("number", "created_at", "available_from", "available_until", "in_stock", "hidden"),
    "version",
)


@dataclass(slots=True)
class Columns:
    """Arrays (n,) by an item's number; numbers that nobody has any more are not there."""

    size: int = 0
    version: int = 0
    counted_at: datetime | None = None
    there: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    starts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    ends: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    created: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    impressions: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    clicks: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    popular: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    trending: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    attributes: Attributes = field(default_factory=Attributes)
    _shared: list[Source] = field(default_factory=list)

    def grow(self, size: int) -> None:
        """Make room for numbers below a size."""
        if size <= len(self.there):
            self.size = max(self.size, size)
            return
        room = max(size, int(len(self.there) * GROWTH), 64)
        for name in ("there", "starts", "ends", "created", *COUNTS):
            old = getattr(self, name)
            new = np.zeros(room, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
        self.size = size

    def put(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write rows over what was known of them."""
        changed = False
        for row in items:
            number = row["number"]
            self.grow(number + 1)
            shown = row["in_stock"] and not row["hidden"]
            self.there[number] = shown
            self.starts[number] = _time(row["available_from"], ALWAYS)
            self.ends[number] = _time(row["available_until"], NEVER)
            self.created[number] = row["created_at"].timestamp()
            self.version = max(self.version, row["version"])
            changed = True
        if changed:
            self._shared = []

    def count(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write the counts of items: (number, updated_at, *COUNTS)."""
        for number, at, *values in rows:
            self._shared = []
            self.grow(number + 1)
            for name, value in zip(COUNTS, values, strict=True):
                getattr(self, name)[number] = value
            self.counted_at = max(self.counted_at or at, at)

    def allowed(self, now: float) -> NDArray[np.bool_]:
        """What may be shown at this moment."""
        size = self.size
        in_time = (self.starts[:size] <= now) & (self.ends[:size] > now)
        return self.there[:size] & in_time

    def rule_columns(self) -> Mapping[str, Column]:
        """The attributes of all items as rules read them."""
        return RuleColumns(self.attributes, self.size)

    def shared_sources(self) -> list[Source]:
        """Those that answer everybody alike, sorted once for all answers until counts change."""
        if not self._shared:
            size, popular = self.size, self.popular[: self.size]
            there = np.where(self.there[:size], self.created[:size], np.nan)
            self._shared = [
                Popular(popular),
                Trending(self.trending[:size], popular),
                Newest(there),
            ]
        return self._shared

    def schema(self) -> dict[str, Type]:
        """The attributes that rules may name, with their types."""
        with self.attributes.lock:
            self.attributes.refresh(self.version)
            return self.attributes.schema


def _time(value: datetime | None, otherwise: float) -> float:
    return otherwise if value is None else value.timestamp()


def refresh(columns: Columns) -> Columns:
    """Bring the arrays up to date: what changed in the catalogue, and the newest counts."""
    now = Catalogue.objects.values_list("version", "next_number").first()
    if now is None:
        return columns
    version, size = now
    if version != columns.version:
        changed = Item.objects.filter(version__gt=columns.version)
        columns.put(changed.values(*READ).iterator(chunk_size=5000))
        columns.version = version
    columns.grow(size)
    return columns


def refresh_counts(columns: Columns) -> None:
    """Read the counts that have changed since they were read last; a few are read again."""
    rows = ItemCounts.objects.order_by("updated_at")
    if columns.counted_at is not None:
        rows = rows.filter(updated_at__gte=columns.counted_at)
    columns.count(rows.values_list("number", "updated_at", *COUNTS).iterator(chunk_size=5000))


def forget(columns: Columns, numbers: Sequence[int]) -> None:
    """Forget items whose rows are gone."""
    for number in numbers:
        columns.there[number] = False
        columns.attributes.values.pop(number, None)
