"""Why an item is in an answer, in words for people."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.utils.translation import gettext as _

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
}


def reasons(
    chosen: Sequence[Chosen], history: Sequence[int], items: Mapping[int, Item], model: TrainedModel
) -> list[str]:
    """A sentence for each item; it names the item of the history that led there, if one did."""
    before = led_by_behaviour(chosen, history)
    return [_reason(each, before.get(each.number), history, items, model) for each in chosen]


def led_by_behaviour(chosen: Sequence[Chosen], history: Sequence[int]) -> dict[int, int]:
    """For each chosen item, the item of the history that people most often went on from."""
    rows = transition_rows(np.unique(np.array(history, np.int64))) if history else None
    if rows is None:
        return {}
    wanted = {each.number for each in chosen}
    found: dict[int, int] = {}
    # The rows come with the largest counts first.
    for source, target in zip(rows.sources.tolist(), rows.targets.tolist(), strict=True):
        if target in wanted:
            found.setdefault(target, source)
    return found


def _reason(
    each: Chosen,
    before: int | None,
    history: Sequence[int],
    items: Mapping[int, Item],
    model: TrainedModel,
) -> str:
    if each.source == "text" and (near := nearest_text(each.number, history, model)) in items:
        return _("It is close to “%s”.") % items[near]
    if (
        before is not None
        and before in items
        and each.source in ("transitions", "item_to_item", "sequence")
    ):
        return _("People who looked at “%s” went on to this.") % items[before]
    return str(PLAIN.get(each.source, PLAIN["sequence"])())


def nearest_text(number: int, history: Sequence[int], model: TrainedModel) -> int:
    """The item of the history whose text is closest; -1 where no text is known."""
    vectors = model.vectors
    if vectors is None or number >= len(vectors):
        return -1
    known = [each for each in history if each < len(vectors)]
    if not known:
        return -1
    close = vectors[known].astype(np.float32) @ vectors[number].astype(np.float32)
    return known[int(close.argmax())]
