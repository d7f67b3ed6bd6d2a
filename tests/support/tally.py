"""Counts what a proof tried, for the lines at the end of the test run."""

from dataclasses import dataclass


@dataclass
class Tally:
    """A proof's attempts, those of them that went wrong, and its positive controls."""

    name: str
    attempts: int = 0
    failures: int = 0
    controls: int = 0

    def __str__(self) -> str:
        counts = f"attempts={self.attempts} failures={self.failures} controls_ok={self.controls}"
        return f"{self.name}: {counts}"


TALLIES: dict[str, Tally] = {}


def tally(name: str) -> Tally:
    """The proof's counter, printed when the run ends."""
    return TALLIES.setdefault(name, Tally(name))
