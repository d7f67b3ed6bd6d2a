"""Product descriptions for a shop: a tagline, a short text and the features as a list."""

from __future__ import annotations

from generation.kinds.kind import Data, Part
from generation.kinds.product_fields import CALL, OFFER, POINTS, PRODUCT
from generation.kinds.short import Short
from generation.kinds.text import N_

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
