"""What people think of texts, by the version that wrote them: the app that knows provides it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of cases, with the interval of Wilson (1927) at 95 percent."""

    hits: int
    cases: int

    @property
    def value(self) -> float:
        return self.hits / self.cases if self.cases else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.cases:
            return 0.0, 1.0
        n, share = self.cases, self.value
        middle = share + Z95**2 / (2 * n)
        reach = Z95 * sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
        scale = 1 + Z95**2 / n
        return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of cases with its normal interval at 95 percent; `squares` is the sum of squares."""

    total: float = 0.0
    squares: float = 0.0
    cases: int = 0

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean":
        return cls(sum(values), sum(value * value for value in values), len(values))

    @property
    def value(self) -> float:
        return self.total / self.cases if self.cases else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if self.cases < 2:
            return 0.0, 1.0
        spread = max(0.0, self.squares / self.cases - self.value**2)
        reach = Z95 * sqrt(spread / (self.cases - 1))
        return max(0.0, self.value - reach), min(1.0, self.value + reach)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Of the texts of one version: how many were liked of those that were rated, picked and
    approved of all, and how much of a kept text people have changed.
    """

    texts: int
    liked: Rate
    picked: Rate
    approved: Rate
    changed: Mean

    def measures(self) -> dict[str, Rate | Mean]:
        return {name: getattr(self, name) for name in MEASURES}


# More of it is better, but for `changed`.
MEASURES = ("liked", "picked", "approved", "changed")

# The feedback by the hash of the weights ("" is the bare base) since a moment.
Provider = Callable[[Sequence[str], datetime], Mapping[str, Feedback]]


def nothing(sha256s: Sequence[str], since: datetime) -> Mapping[str, Feedback]:
    """Nobody writes here."""
    return {}


_provider: Provider = nothing


def provide(provider: Provider) -> None:
    """Say who knows what people think: called once, when the app that writes is ready."""
    global _provider
    _provider = provider


def of_versions(sha256s: Sequence[str], since: datetime) -> Mapping[str, Feedback]:
    return _provider(sha256s, since)


def told_apart(ours: Rate | Mean, theirs: Rate | Mean) -> bool:
    """Whether the two intervals lie apart, which is stricter than a test at 5 percent."""
    (low, high), (other_low, other_high) = ours.interval, theirs.interval
    return low > other_high or other_low > high
