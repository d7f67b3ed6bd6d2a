"""Which sequence owns which cache slot, and what text a slot still holds. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

CacheKey = tuple[str, str | None, str]


@dataclass(slots=True)
class Slot:
    """`tokens` are those whose keys and values are valid, written under `key`."""

    number: int
    key: CacheKey | None = None
    tokens: list[int] = field(default_factory=list)
    busy: bool = False
    used: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a sequence goes: its slot, and what to copy into it first (`length` may be 0)."""

    slot: int
    source: int
    length: int


class Slots:
    """Slots are exclusive while busy; what a free one holds may be read under its own key only."""

    def __init__(self, count: int) -> None:
        self.slots = [Slot(number) for number in range(count)]
        self.clock = 0

    @property
    def free(self) -> int:
        return sum(not slot.busy for slot in self.slots)

    @property
    def held(self) -> int:
        """All tokens whose keys and values are kept, of busy slots and of free ones."""
        return sum(len(slot.tokens) for slot in self.slots)

    def match(self, key: CacheKey, tokens: Sequence[int]) -> tuple[int, int]:
        """The slot that holds the longest beginning of `tokens`, and how long that is."""
        best, longest = -1, 0
        for slot in self.slots:
            if slot.key != key:
                continue
            length = common_prefix(slot.tokens, tokens)
            if length > longest or (length == longest and length and not slot.busy):
                best, longest = slot.number, length
        return best, longest

    def take(self, key: CacheKey, tokens: Sequence[int], *, reuse: bool = True) -> Placement:
        """Occupy a free slot; the last token is always left to compute, for its logits."""
        source, length = self.match(key, tokens[:-1]) if reuse else (-1, 0)
        slot = self.choose(source)
        if length == 0:
            source = slot.number
        self.clock += 1
        slot.busy, slot.key, slot.used = True, key, self.clock
        slot.tokens = list(tokens[:length])
        return Placement(slot.number, source, length)

    def choose(self, source: int) -> Slot:
        """The matching slot if it is free, else an empty one, else the one left alone longest."""
        free = [slot for slot in self.slots if not slot.busy]
        if not free:
            raise RuntimeError("No slot is free.")
        return min(free, key=lambda slot: (slot.number != source, bool(slot.tokens), slot.used))

    def record(self, number: int, tokens: Sequence[int]) -> None:
        """The tokens that were now computed into a busy slot."""
        self.slots[number].tokens += tokens

    def truncate(self, number: int, length: int) -> None:
        del self.slots[number].tokens[length:]

    def release(self, number: int, *, keep: bool = True) -> None:
        slot = self.slots[number]
        if not slot.busy:
            raise RuntimeError(f"Slot {number} is not taken.")
        self.clock += 1
        slot.busy, slot.used = False, self.clock
        if not keep:
            slot.key, slot.tokens = None, []

    def forget(self) -> bool:
        """Drop what the free slot left alone for longest still holds; False when none does."""
        kept = [slot for slot in self.slots if slot.tokens and not slot.busy]
        if not kept:
            return False
        oldest = min(kept, key=lambda slot: slot.used)
        oldest.key, oldest.tokens = None, []
        return True


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    for place, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return place
    return min(len(left), len(right))
