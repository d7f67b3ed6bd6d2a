"""The top of a landing page: headline, subheadline, call to action and three benefits."""

from __future__ import annotations

from dataclasses import replace

from generation.engine.types import EngineError
from generation.kinds.banned import has_banned
from generation.kinds.kind import BriefData, Data, Part
from generation.kinds.short import NOT_ENOUGH, Lines, Short, Want, spare_lines, spare_sentences
from generation.kinds.text import N_, fold
from generation.writers.guided.product_brief import (
    CALL,
    LINK,
    OFFER,
    POINTS,
    PRODUCT,
    ProductBrief,
    upper_first,
    without_article,
)

HEADLINE, SUBHEADLINE, CALL_CHARS, BENEFIT = 60, 140, 25, 90
BENEFITS = 3


class LandingHero(Short):
    name = "landing_hero"
    label = N_("Landing page hero")
    description = N_("The first screen of a page: headline, subheadline, button and benefits.")
    icon = "layout-template"
    fields = (PRODUCT, POINTS, OFFER, CALL, LINK)
    parts = (
        Part("headline", N_("Headline"), HEADLINE),
        Part("subheadline", N_("Subheadline"), SUBHEADLINE),
        Part("cta", N_("Call to action"), CALL_CHARS),
        Part("benefits", N_("Benefits"), BENEFIT, many=True, least=BENEFITS, most=BENEFITS),
    )

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        points = [point.text for point in product.points]
        by_point = spare_lines(replace(product, offer=""), HEADLINE)
        source = product.offer or " ".join(points[-1:])
        told = spare_sentences(product, SUBHEADLINE)
        return [
            Want("headline", "line", HEADLINE, 1, tuple(points[:1]), by_point),
            Want("subheadline", "sentence", SUBHEADLINE, 1, (source,), told),
        ]

    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        return {
            "headline": lines["headline"][0],
            "subheadline": lines["subheadline"][0],
            "cta": product.call.removesuffix(" today"),
            "benefits": benefits(lines["headline"][0], brief, product),
        }

    def title(self, data: Data) -> str:
        return str(data.get("headline", ""))


def benefits(headline: str, brief: BriefData, product: ProductBrief) -> list[str]:
    """Three facts, first those that the headline does not have, then whatever can be said."""
    facts = [text for text in product.things if text.casefold() not in headline.casefold()]
    spare = [text for group in spare_lines(product, BENEFIT) for text in group]
    told = [upper_first(without_article(text)) for text in (*facts, *product.things)]
    fitting = {fold(text): text for text in (*told, *spare) if len(text) <= BENEFIT}
    allowed = [text for text in fitting.values() if not has_banned(text, brief.brand.banned)]
    if len(allowed) < BENEFITS:
        raise EngineError("brief_too_narrow", NOT_ENOUGH)
    return allowed[:BENEFITS]
