"""Is it better? Base and candidate on the same test rows, with an interval and a paired test."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.lora.rows import Pair, Row
from training.lora.scoring import RowLoss, perplexity, row_losses
from training.lora.statistics import Comparison, paired_test

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
    champion: float | None = None
    over_champion: Comparison | None = None

    @property
    def won(self) -> bool:
        """Better than what is live: the champion, or the base where there is none."""
        over = self.over_champion
        gain, p_value = (over.difference, over.p_value) if over else (self.gain, self.p_value)
        return gain > 0 and p_value <= LEVEL

    def stored(self) -> dict[str, Any]:
        names = ("rows", "base", "candidate", "gain", "low", "high", "p_value", "won", "champion")
        over = self.over_champion
        told = asdict(over) if over else {}
        gain = {"gain": told.pop("difference")} if told else {}
        found = {name: getattr(self, name) for name in names}
        return {**found, "over_champion": {**gain, **told} or None}


def compare(
    base: Path,
    rows: Sequence[Row] | Sequence[Pair],
    adapter: Path,
    champion: Path | None = None,
) -> Compared:
    """Read the test rows with the bare base, with the adapter, and with what is live."""
    read = [row.chosen if isinstance(row, Pair) else row for row in rows]
    before, after = row_losses(base, read), row_losses(base, read, adapter)
    tested = paired_test(per_token(before), per_token(after))
    live = row_losses(base, read, champion) if champion else None
    return Compared(
        rows=len(read),
        base=perplexity(before),
        candidate=perplexity(after),
        gain=tested.difference,
        low=tested.low,
        high=tested.high,
        p_value=tested.p_value,
        champion=perplexity(live) if live else None,
        over_champion=paired_test(per_token(live), per_token(after)) if live else None,
    )


def per_token(losses: Sequence[RowLoss]) -> list[float]:
    return [loss.nll / max(1, loss.tokens) for loss in losses]
