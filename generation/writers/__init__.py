"""How copy is written: from a brief to requests, and from answers to copy. Free of Django."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from generation.writers import guided

if TYPE_CHECKING:
    from generation.kinds.kind import Kind
    from generation.writers.writer import Writer

WriterName = Literal["direct", "guided"]


def load(name: str, kind: Kind) -> Writer:
    """The writer of this name for a kind of copy; the direct one where no recipe guides it."""
    if name == "guided" and kind.name in guided.RECIPES:
        return guided.load(kind.name)
    from generation.writers.direct import DirectWriter

    return DirectWriter()
