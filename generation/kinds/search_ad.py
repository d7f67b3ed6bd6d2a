"""Responsive search ads: short headlines, descriptions and two paths for a search engine."""

from __future__ import annotations

import re

from generation.kinds.kind import BriefData, Data, Part
from generation.kinds.short import Lines, Short, Want, spare_headlines, spare_sentences
from generation.kinds.text import N_, clip, fold
from generation.writers.guided.product_brief import (
    CALL,
    KEYWORDS,
    LINK,
    OFFER,
    POINTS,
    PRODUCT,
    ProductBrief,
)
from generation.writers.guided.templates_en import shortened

HEADLINE, DESCRIPTION, PATH = 30, 90, 15
MOST_HEADLINES, MOST_DESCRIPTIONS = 15, 4


class SearchAd(Short):
    name = "search_ad"
    label = N_("Search ad")
    description = N_("Headlines, descriptions and paths for Google and Microsoft ads.")
    icon = "search"
    fields = (PRODUCT, POINTS, OFFER, KEYWORDS, CALL, LINK)
    parts = (
        Part("headlines", N_("Headlines"), HEADLINE, many=True, least=3, most=MOST_HEADLINES),
        Part(
            "descriptions",
            N_("Descriptions"),
            DESCRIPTION,
            many=True,
            least=2,
            most=MOST_DESCRIPTIONS,
        ),
        Part("path1", N_("Path 1"), PATH, optional=True),
        Part("path2", N_("Path 2"), PATH, optional=True),
        Part("url", N_("Final URL"), 2048, optional=True),
    )

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

    def title(self, data: Data) -> str:
        return " | ".join(data.get("headlines", [])[:2])

    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        """The columns of Google Ads Editor; campaign and ad group are the importer's to choose."""
        row = {"Campaign": "", "Ad group": "", "Ad type": "Responsive search ad"}
        row |= numbered("Headline", data.get("headlines", []), MOST_HEADLINES)
        row |= numbered("Description", data.get("descriptions", []), MOST_DESCRIPTIONS)
        row |= {"Path 1": data.get("path1", ""), "Path 2": data.get("path2", "")}
        return [{**row, "Final URL": data.get("url", "")}]


def numbered(name: str, lines: list[str], count: int) -> dict[str, str]:
    padded = [*lines, *[""] * count][:count]
    return {f"{name} {place}": line for place, line in enumerate(padded, start=1)}


def paths(product: ProductBrief) -> tuple[str, str]:
    """What stands behind the domain: keywords, then the product and the action."""
    found: list[str] = []
    for text in (*product.keywords, product.name, product.call.removesuffix(" today")):
        path = slug(text)
        if path and all(fold(path) != fold(other) for other in found):
            found.append(path)
    return (*found, "", "")[0], (*found, "", "")[1]


def slug(text: str) -> str:
    """Whole words of a text joined by hyphens, as many as fit."""
    words = re.sub(r"[^\w\s%-]", "", shortened(text, PATH) or text)
    return clip(words.lower(), PATH).replace(" ", "-").strip("-%")
