"""Product descriptions for a shop: a tagline, a short text and the features as a list."""

from __future__ import annotations

from dataclasses import replace

from generation.kinds.kind import BriefData, Data, Part
from generation.kinds.short import Lines, Short, Want, offering, opening, spare_lines, telling
from generation.kinds.text import N_
from generation.writers.guided.product_brief import (
    CALL,
    OFFER,
    POINTS,
    PRODUCT,
    ProductBrief,
    upper_first,
)

TAGLINE, SENTENCE, BODY, FEATURE = 70, 160, 1200, 160


class ProductDescription(Short):
    name = "product_description"
    label = N_("Product description")
    description = N_("A tagline, a short text and the features, for a shop or a catalogue.")
    icon = "tag"
    fields = (PRODUCT, POINTS, OFFER, CALL)
    parts = (
        Part("tagline", N_("Tagline"), TAGLINE),
        Part("body", N_("Description"), BODY, long=True),
        Part("features", N_("Features"), FEATURE, many=True, least=1, most=10),
    )

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
            "features": [upper_first(point.text) for point in product.points] or [product.full],
        }

    def title(self, data: Data) -> str:
        return str(data.get("tagline", ""))

    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        """The columns of a shop's product import."""
        features = "; ".join(data.get("features", []))
        return [
            {
                "title": data.get("tagline", ""),
                "description": data.get("body", ""),
                "product_highlight": features,
            }
        ]
