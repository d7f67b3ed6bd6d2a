"""The top of a landing page: headline, subheadline, call to action and three benefits."""

from __future__ import annotations

from dataclasses import replace

from generation.kinds.base import BriefData, Data, Part
from generation.kinds.pitch import CALL, LINK, OFFER, POINTS, PRODUCT, Pitch, upper_first
from generation.kinds.short import Lines, Short, Want, spare_lines, spare_sentences
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

    def wants(self, brief: BriefData, pitch: Pitch) -> list[Want]:
        points = [point.text for point in pitch.points]
        by_point = spare_lines(replace(pitch, offer=""), HEADLINE)
        listed = tuple((upper_first(text),) for text in (*points[1:], *points[:1]))
        return [
            Want("headline", "line", HEADLINE, 1, tuple(points[:1]), by_point),
            Want(
                "subheadline",
                "sentence",
                SUBHEADLINE,
                1,
                (pitch.offer or " ".join(points[-1:]),),
                spare_sentences(pitch, SUBHEADLINE),
            ),
            Want("benefits", "line", BENEFIT, BENEFITS, (), (*listed, *by_point), least=BENEFITS),
        ]

    def assemble(self, lines: Lines, brief: BriefData, pitch: Pitch) -> Data:
        return {
            "headline": lines["headline"][0],
            "subheadline": lines["subheadline"][0],
            "cta": pitch.call.removesuffix(" today"),
            "benefits": lines["benefits"],
        }

    def title(self, data: Data) -> str:
        return str(data.get("headline", ""))
