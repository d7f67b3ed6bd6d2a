"""Plots of the room Teach, drawn on the server: bars of counts, lines of losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 600, 160
MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, how often it came, and its length in percent of the longest."""

    name: str
    count: int
    percent: int


def bars(counts: Mapping[str, int], *, numeric: bool = False) -> list[Bar]:
    """The most frequent first, or by the number that is the name."""
    pairs = [(str(name), int(count)) for name, count in counts.items()]
    order = (lambda p: int(p[0])) if numeric else (lambda p: -p[1])
    chosen = sorted(pairs, key=order)[:MOST_BARS]
    most = max((count for _, count in chosen), default=1) or 1
    return [Bar(name, count, max(1, 100 * count // most)) for name, count in chosen]


@dataclass(frozen=True, slots=True)
class Plot:
    """Two lines as SVG points, and what their ends stand for."""

    training: str
    validation: str
    highest: float
    lowest: float
    steps: int


def lines(losses: Sequence[Sequence[Any]], validations: Sequence[Sequence[Any]]) -> Plot | None:
    """Training and validation loss over the steps; None before there are two points."""
    if len(losses) < 2:
        return None
    values = [float(point[1]) for point in (*losses, *validations)]
    lowest, highest = min(values), max(values)
    steps = int(losses[-1][0])

    def points(series: Sequence[Sequence[Any]]) -> str:
        return " ".join(
            f"{WIDTH * int(step) / max(1, steps):.1f},{_height(loss, lowest, highest):.1f}"
            for step, loss, *_ in series
        )

    return Plot(points(losses), points(validations), highest, lowest, steps)


def _height(loss: float, lowest: float, highest: float) -> float:
    return HEIGHT - HEIGHT * (loss - lowest) / max(1e-9, highest - lowest)
