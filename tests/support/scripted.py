"""A stand-in for the engine: hands texts to a writing and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from generation import kinds
from generation.kinds.kind import Ask, BrandData, BriefData, Completion, Draft

Answer = Callable[[Ask], str]

FIELDS: dict[str, dict[str, Any]] = {
    "article": {
        "topic": "How to brew loose-leaf tea at home",
        "points": ["water just off the boil", "measure the leaves", "steep for three minutes"],
    },
    "search_ad": {},
    "social_post": {},
    "product_description": {},
    "marketing_email": {},
    "landing_hero": {},
}
PITCH = {
    "product": "loose-leaf tea subscription",
    "points": ["fresh tea every month", "free delivery on every box", "cancel any time"],
    "offer": "20% off the first box",
    "call": "order_now",
    "url": "https://kettle.example/start",
}
CHINESE_PITCH = {
    "product": "散装茶订阅",
    "points": ["每月新茶", "每盒免运费", "随时可以取消"],
    "offer": "首盒八折",
    "call": "order_now",
}
BRAND = BrandData("Kettle & Co", banned=("cheap",))


@dataclass
class Told:
    """What came of a writing."""

    draft: Draft
    asks: list[Ask] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(ask.max_tokens for ask in self.asks)


def brief_of(
    kind: str, *, brand: BrandData = BRAND, language: str = "en", seed: int = 0, **fields: Any
) -> BriefData:
    """A good brief of a kind; `fields` replace its own."""
    form = kinds.load(kind)
    pitch = CHINESE_PITCH if language.startswith("zh") else PITCH
    names = {each.name for each in form.fields}
    given = {**{name: pitch[name] for name in pitch if name in names}, **FIELDS[kind], **fields}
    return BriefData(kind, brand, form.clean(given), language=language, seed=seed)


def write(brief: BriefData, answer: Answer | Iterable[str] = lambda ask: "") -> Told:
    """Run a writing to its end; the answers come from a function, or one after the other."""
    if not callable(answer):
        texts = iter(answer)
        given: Answer = lambda ask: next(texts, "")  # noqa: E731
    else:
        given = answer
    writing = kinds.load(brief.kind).write(brief)
    asks: list[Ask] = []
    completion: Any = None
    while True:
        try:
            ask = writing.send(completion)
        except StopIteration as end:
            return Told(end.value, asks)
        asks.append(ask)
        completion = Completion(given(ask))
