"""Champion and challenger side by side, as people took what they wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from training import feedback
from training.feedback import MEASURES, Feedback, Mean, Rate, told_apart
from training.models.aliases import CHALLENGER, CHAMPION
from training.names import OWN
from training.services.aliases import alias_of
from training.services.versions import live_version


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is live and what is tried beside it, since it is."""

    since: datetime
    share: int
    champion: dict[str, Any]
    challenger: dict[str, Any]
    told_apart: list[str]


def comparison_now() -> Comparison | None:
    """None where nothing is tried."""
    alias = alias_of(CHALLENGER)
    if alias is None:
        return None
    live = live_version()
    champion, challenger = (live.sha256 if live else ""), alias.version.sha256
    found = feedback.of_versions([champion, challenger], alias.since)
    if champion not in found or challenger not in found:
        return None
    ours, theirs = found[challenger].measures(), found[champion].measures()
    return Comparison(
        since=alias.since,
        share=alias.share,
        champion=side(CHAMPION, found[champion]),
        challenger=side(CHALLENGER, found[challenger]),
        told_apart=[name for name in MEASURES if told_apart(ours[name], theirs[name])],
    )


def side(name: str, told: Feedback) -> dict[str, Any]:
    measures = {key: measure(value) for key, value in told.measures().items()}
    return {"model": f"{OWN}@{name}", "texts": told.texts, **measures}


def measure(value: Rate | Mean) -> dict[str, float | int]:
    low, high = value.interval
    return {"value": value.value, "low": low, "high": high, "cases": value.cases}
