"""Why an item is in an answer, in words for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from recommendations.models import Item
from recommendations.serving.pipeline import Chosen
from recommendations.serving.sources import transition_rows
from recommendations.serving.trained import TrainedModel

PLAIN = {
    "popular": lambda: _("Many people choose this at the moment."),
    "trending": lambda: _("More people than usual look at this right now."),
    "newest": lambda: _("This is new."),
    "exploration": lambda: _("Few people have seen this yet; it is being tried."),
    "sequence": lambda: _("It fits what they did last."),
    "taste": lambda: _("People who choose alike like this."),
}
BEHAVIOUR = ("transitions", "item_to_item", "sequence")
# One person who went on to something is chance.
LEAST_COUNT = 1.5
# So alike are texts about the same thing (cosine).
CLOSE = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """The asker's items, oldest first, how often each came this week, and the items themselves.

    `at_hand` is the item that is being looked at, where the question names one.
    """

    history: Sequence[int]
    week: Counter[int]
    items: Mapping[int, Item]
    at_hand: Item | None = None


def reasons(chosen: Sequence[Chosen], known: Known, model: TrainedModel) -> list[str]:
    """A sentence for each item; it names the item of the history that led there, if one did."""
    before = led_by_behaviour(chosen, known.history)
    return [_reason(each, before.get(each.number), known, model) for each in chosen]


def led_by_behaviour(chosen: Sequence[Chosen], history: Sequence[int]) -> dict[int, int]:
    """For each chosen item, the item of the history that people most often went on from."""
    rows = transition_rows(np.unique(np.array(history, np.int64))) if history else None
    if rows is None:
        return {}
    wanted = {each.number for each in chosen}
    found: dict[int, int] = {}
    # The rows come with the largest counts first.
    columns = (rows.sources.tolist(), rows.targets.tolist(), rows.counts.tolist())
    for source, target, count in zip(*columns, strict=True):
        if target in wanted and count >= LEAST_COUNT:
            found.setdefault(target, source)
    return found


def _reason(each: Chosen, before: int | None, known: Known, model: TrainedModel) -> str:
    near = nearest_text(each.number, known.history, model)
    if each.source in BEHAVIOUR and before is not None and before in known.items:
        return _after(before, known)
    if each.source in ("text", *BEHAVIOUR) and near in known.items:
        return _like(near, known)
    if known.at_hand is not None and each.source in ("text", *BEHAVIOUR):
        return _("It goes with “%s” for people who looked at both.") % known.at_hand
    return str(PLAIN.get(each.source, PLAIN["sequence"])())


def _after(number: int, known: Known) -> str:
    times = known.week[number]
    if times > 1:
        text = ngettext(
            "They looked at “%(item)s” %(times)d time this week; others went on from it to this.",
            "They looked at “%(item)s” %(times)d times this week; others went on from it to this.",
            times,
        )
        return text % {"item": known.items[number], "times": times}
    return _("People who looked at “%s” went on to this.") % known.items[number]


def _like(number: int, known: Known) -> str:
    times = known.week[number]
    if times > 1:
        text = ngettext(
            "It is close to “%(item)s”, which they looked at %(times)d time this week.",
            "It is close to “%(item)s”, which they looked at %(times)d times this week.",
            times,
        )
        return text % {"item": known.items[number], "times": times}
    return _("It is close to “%s”.") % known.items[number]


def nearest_text(number: int, history: Sequence[int], model: TrainedModel) -> int:
    """The item of the history whose text is closest; -1 where none is close."""
    vectors = model.vectors
    if vectors is None or number >= len(vectors):
        return -1
    known = [each for each in history if each < len(vectors)]
    if not known:
        return -1
    close = vectors[known].astype(np.float32) @ vectors[number].astype(np.float32)
    best = int(close.argmax())
    return known[best] if close[best] >= CLOSE else -1
