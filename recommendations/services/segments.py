"""Segments for somebody: the tags or types of what would be shown to them, the best first."""

from collections import defaultdict
from dataclasses import dataclass, replace

from recommendations.models import Item
from recommendations.services.answers import Answer, Ask, recommend

TAGS, TYPE = "tags", "type"
# So many items say which segments suit somebody.
LOOKED_AT = 200
# How fast an item's say fades from the first place to the last.
FADING = 0.97


@dataclass(frozen=True, slots=True)
class ScoredSegment:
    """A tag or a type, and how well it fits, from 0 to 1 of the best."""

    name: str
    score: float


def segments_for(*, ask: Ask, by: str) -> tuple[Answer, list[ScoredSegment]]:
    """The answer that they are taken from, and the segments of its items, the best first."""
    answer = recommend(ask=replace(ask, count=LOOKED_AT))
    scores: dict[str, float] = defaultdict(float)
    for place, each in enumerate(answer.shown):
        for name in segments_of(each.item, by):
            scores[name] += FADING**place
    most = max(scores.values(), default=1.0)
    first = sorted(scores, key=lambda name: (-scores[name], name))[: ask.count]
    return answer, [ScoredSegment(name, scores[name] / most) for name in first]


def segments_of(item: Item, by: str) -> list[str]:
    if by == TYPE:
        return [item.type] if item.type else []
    return list(item.tags)
