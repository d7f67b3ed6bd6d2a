"""The top of a landing page: headline, subheadline, call to action and three benefits."""

from __future__ import annotations

from generation.kinds.kind import BriefData, Data, Part
from generation.kinds.product_fields import CALL, LINK, OFFER, POINTS, PRODUCT, call_of
from generation.kinds.short import Short
from generation.kinds.text import N_

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

    def fixed(self, brief: BriefData) -> Data:
        return {"cta": call_of(brief).removesuffix(" today")}

    def title(self, data: Data) -> str:
        return str(data.get("headline", ""))
