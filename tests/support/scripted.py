"""A stand-in for the engine: hands texts to a writing and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from generation import kinds, writers
from generation.kinds.kind import BrandData, BriefData
from generation.writers.writer import Ask, Completion, Draft, Estimate

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
PRODUCT = {
    "product": "loose-leaf tea subscription",
    "points": ["fresh tea every month", "free delivery on every box", "cancel any time"],
    "offer": "20% off the first box",
    "call": "order_now",
    "url": "https://kettle.example/start",
}
CHINESE_PRODUCT = {
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
    spec = kinds.load(kind)
    product = CHINESE_PRODUCT if language.startswith("zh") else PRODUCT
    names = {each.name for each in spec.fields}
    given = {**{name: product[name] for name in product if name in names}, **FIELDS[kind], **fields}
    return BriefData(kind, brand, spec.clean(given), language=language, seed=seed)


def estimate(brief: BriefData, *, writer: str = "guided") -> Estimate:
    kind = kinds.load(brief.kind)
    return writers.load(writer, kind).estimate_tokens(kind, brief)


def write(
    brief: BriefData, answer: Answer | Iterable[str] = lambda ask: "", *, writer: str = "guided"
) -> Told:
    """Run a writing to its end; the answers come from a function, or one after the other."""
    if not callable(answer):
        texts = iter(answer)
        given: Answer = lambda ask: next(texts, "")  # noqa: E731
    else:
        given = answer
    kind = kinds.load(brief.kind)
    writing = writers.load(writer, kind).write(kind, brief)
    asks: list[Ask] = []
    completion: Any = None
    while True:
        try:
            ask = writing.send(completion)
        except StopIteration as end:
            return Told(end.value, asks)
        asks.append(ask)
        completion = Completion(given(ask))
