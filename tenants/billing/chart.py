"""The bars of the usage page: spent credits by day, drawn on the server."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 600, 120
GAP = 4
LOWEST_BAR = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where its bar stands and what it stands for."""

    day: date
    amount: int
    x: int
    y: int
    width: int
    height: int


def bars(spent: Mapping[date, int], *, last: date, days: int) -> list[Bar]:
    """A bar for each of so many days up to the last; the dearest day is as high as the chart."""
    first = last - timedelta(days=days - 1)
    most = max(spent.values(), default=0) or 1
    step = WIDTH // days
    found = []
    for number in range(days):
        day = first + timedelta(days=number)
        amount = spent.get(day, 0)
        height = max(HEIGHT * amount // most, LOWEST_BAR) if amount else 0
        found.append(Bar(day, amount, number * step, HEIGHT - height, step - GAP, height))
    return found
