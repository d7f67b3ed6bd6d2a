"""Search ads: headlines and descriptions, a line for each fact."""

from __future__ import annotations

import re

from generation.kinds.kind import BriefData, Data
from generation.kinds.search_ad import (
    DESCRIPTION,
    HEADLINE,
    MOST_DESCRIPTIONS,
    MOST_HEADLINES,
    PATH,
)
from generation.kinds.text import clip, fold
from generation.writers.guided.product_brief import ProductBrief
from generation.writers.guided.short import (
    Lines,
    ShortRecipe,
    Want,
    spare_headlines,
    spare_sentences,
)
from generation.writers.guided.templates_en import shortened


class SearchAdRecipe(ShortRecipe):
    """Search ads: headlines and descriptions, a line for each fact."""

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        return [
            Want(
                "headlines",
                "headline",
                HEADLINE,
                min(MOST_HEADLINES, len(product.things) + len(product.keywords) + 3),
                product.things[:6],
                spare_headlines(product, HEADLINE),
                least=3,
            ),
            Want(
                "descriptions",
                "sentence",
                DESCRIPTION,
                MOST_DESCRIPTIONS,
                product.things[:3],
                spare_sentences(product, DESCRIPTION),
                least=2,
            ),
        ]

    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        path1, path2 = paths(product)
        return {**lines, "path1": path1, "path2": path2, "url": product.url}


def paths(product: ProductBrief) -> tuple[str, str]:
    """What stands behind the domain: keywords, then the product and the action."""
    found: list[str] = []
    for text in (*product.keywords, product.name, product.call.removesuffix(" today")):
        path = slug(text, PATH // 2 if product.chinese else PATH)
        if path and all(fold(path) != fold(other) for other in found):
            found.append(path)
    return (*found, "", "")[0], (*found, "", "")[1]


def slug(text: str, limit: int) -> str:
    """Whole words of a text joined by hyphens, as many as fit."""
    words = re.sub(r"[^\w\s%-]", "", shortened(text, limit) or text)
    return clip(words.lower(), limit).replace(" ", "-").strip("-%")
