"""Responsive search ads: short headlines, descriptions and two paths for a search engine."""

from __future__ import annotations

from generation.kinds import ad_policy
from generation.kinds.kind import BriefData, Data, Issue, Part
from generation.kinds.product_fields import CALL, KEYWORDS, LINK, OFFER, POINTS, PRODUCT
from generation.kinds.short import Short
from generation.kinds.text import N_

HEADLINE, DESCRIPTION, PATH = 30, 90, 15
MOST_HEADLINES, MOST_DESCRIPTIONS = 15, 4


class SearchAd(Short):
    name = "search_ad"
    label = N_("Search ad")
    description = N_("Headlines, descriptions and paths for Google and Microsoft ads.")
    icon = "search"
    fields = (PRODUCT, POINTS, OFFER, KEYWORDS, CALL, LINK)
    parts = (
        Part(
            "headlines",
            N_("Headlines"),
            HEADLINE,
            many=True,
            least=3,
            most=MOST_HEADLINES,
            counted="google",
        ),
        Part(
            "descriptions",
            N_("Descriptions"),
            DESCRIPTION,
            many=True,
            least=2,
            most=MOST_DESCRIPTIONS,
            counted="google",
        ),
        Part("path1", N_("Path 1"), PATH, optional=True, counted="google"),
        Part("path2", N_("Path 2"), PATH, optional=True, counted="google"),
        Part("url", N_("Final URL"), 2048, optional=True),
    )

    def fixed(self, brief: BriefData) -> Data:
        return {"url": brief.text("url") or brief.brand.url}

    def tidy(self, data: Data) -> Data:
        paths = {name: ad_policy.path_of(data.get(name) or "") for name in ("path1", "path2")}
        return {**data, **paths}

    def check(self, data: Data, brief: BriefData) -> list[Issue]:
        return [*super().check(data, brief), *ad_policy.findings(data)]

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
