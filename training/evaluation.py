"""Is it better? Base and candidate on the same test rows, with an interval and a paired test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.lora.rows import Pair, Row
from training.lora.scoring import RowLoss, perplexity, row_losses
from training.lora.statistics import paired_test

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """Perplexity of the references, lower is better; `gain` is nats a token, above 0 is better."""

    rows: int
    base: float
    candidate: float
    gain: float
    low: float
    high: float
    p_value: float

    @property
    def won(self) -> bool:
        return self.gain > 0 and self.p_value <= LEVEL

    def stored(self) -> dict[str, Any]:
        names = ("rows", "base", "candidate", "gain", "low", "high", "p_value", "won")
        return {name: getattr(self, name) for name in names}


def compare(base: Path, rows: Sequence[Row] | Sequence[Pair], adapter: Path) -> Compared:
    """Read the test rows with the bare base and with the adapter."""
    read = [row.chosen if isinstance(row, Pair) else row for row in rows]
    before, after = row_losses(base, read), row_losses(base, read, adapter)
    tested = paired_test(per_token(before), per_token(after))
    return Compared(
        rows=len(read),
        base=perplexity(before),
        candidate=perplexity(after),
        gain=tested.difference,
        low=tested.low,
        high=tested.high,
        p_value=tested.p_value,
    )


def per_token(losses: Sequence[RowLoss]) -> list[float]:
    return [loss.nll / max(1, loss.tokens) for loss in losses]
