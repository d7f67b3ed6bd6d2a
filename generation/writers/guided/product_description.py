"""Product descriptions: tagline and sentences by the model, features from the brief."""

from __future__ import annotations

from dataclasses import replace

from generation.kinds.kind import BriefData, Data
from generation.kinds.product_description import SENTENCE, TAGLINE
from generation.writers.guided.product_brief import ProductBrief
from generation.writers.guided.short import (
    Lines,
    ShortRecipe,
    Want,
    listed_points,
    offering,
    opening,
    spare_lines,
    telling,
)


class ProductDescriptionRecipe(ShortRecipe):
    """Product descriptions: tagline and sentences by the model, features from the brief."""

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        points = tuple(point.text for point in product.points)
        by_point = spare_lines(replace(product, offer=""), TAGLINE)
        return [
            Want("tagline", "line", TAGLINE, 1, points[-1:], by_point),
            opening(product, SENTENCE),
            telling(product, SENTENCE, 4, "body"),
            offering(product, SENTENCE),
        ]

    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        return {
            "tagline": lines["tagline"][0],
            "body": product.joined([*lines["opening"], *lines["body"], *lines["offer"]]),
            "features": listed_points(product) or [product.full],
        }
