"""Landing page heroes: headline and subheadline by the model, benefits from the brief."""

from __future__ import annotations

from dataclasses import replace

from generation.engine.types import EngineError
from generation.kinds.banned import has_banned
from generation.kinds.kind import BriefData, Data
from generation.kinds.landing_hero import BENEFIT, BENEFITS, HEADLINE, SUBHEADLINE
from generation.kinds.text import fold
from generation.writers.guided.product_brief import ProductBrief, upper_first, without_article
from generation.writers.guided.short import (
    NOT_ENOUGH,
    Lines,
    ShortRecipe,
    Want,
    naming_lines,
    spare_lines,
    spare_sentences,
)


class LandingHeroRecipe(ShortRecipe):
    """Landing page heroes: headline and subheadline by the model, benefits from the brief."""

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        points = [point.text for point in product.points]
        by_point = spare_lines(replace(product, offer=""), HEADLINE)
        source = product.offer or " ".join(points[-1:])
        told = spare_sentences(product, SUBHEADLINE)
        return [
            Want(
                "headline",
                "line",
                HEADLINE,
                1,
                tuple(points[:1]),
                (*naming_lines(product, HEADLINE), *by_point),
                names=True,
            ),
            Want("subheadline", "sentence", SUBHEADLINE, 1, (source,), told),
        ]

    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        return {
            "headline": lines["headline"][0],
            "subheadline": lines["subheadline"][0],
            "cta": product.call.removesuffix(" today"),
            "benefits": benefits(
                f"{lines['headline'][0]} {lines['subheadline'][0]}", brief, product
            ),
        }


def benefits(told: str, brief: BriefData, product: ProductBrief) -> list[str]:
    """Three facts, first those that are not told yet, then whatever can be said."""
    things = sorted(product.things, key=lambda text: fold(text) in fold(told))
    spare = [text for group in spare_lines(product, BENEFIT) for text in group]
    lines = (*(upper_first(without_article(text)) for text in things), *spare)
    fitting = {fold(text): text for text in lines if len(text) <= BENEFIT}
    allowed = [text for text in fitting.values() if not has_banned(text, brief.brand.banned)]
    if len(allowed) < BENEFITS:
        raise EngineError("brief_too_narrow", NOT_ENOUGH)
    return allowed[:BENEFITS]
