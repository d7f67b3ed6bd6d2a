"""What articles are put together from: questions, manners, the brief's own sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.kinds.grounding import unsupported
from generation.kinds.kind import BrandData, BriefData
from generation.writers.guided import intro_outro
from generation.writers.guided.outline import Plan, Section
from tests.support.scripted import brief_of

SHOP = BrandData(
    "Northside",
    about="A bicycle shop in Leeds. It opened long ago.",
    url="https://north.example",
    banned=("cheap",),
)
TOPIC = "Northside opens a second workshop"
OPENING = Section("intro", "", TOPIC, usual=True)
HELP = Section("sections.0", "Opens in Headingley", "opens in Headingley")
USUAL = Section("sections.1", "Why now", "why now", usual=True)
CLOSING = Section("sections.2", "What comes next", TOPIC, usual=True)
PLAN = Plan(TOPIC, (OPENING, HELP, USUAL, CLOSING))


def news(**fields: object) -> BriefData:
    points = ["opens in Headingley", "free safety check"]
    given = {"format": "news", "topic": TOPIC, "points": points, **fields}
    return brief_of("article", brand=SHOP, **given)


def test_the_briefs_facts_stand_in_the_text_where_they_belong() -> None:
    brief = news(facts=["The shop opens in Headingley in spring", "Repairs take a day", "Six jobs"])
    assert intro_outro.given(brief, PLAN) == [
        (OPENING, f"{TOPIC}."),
        (HELP, "The shop opens in Headingley in spring."),
        (OPENING, "Repairs take a day."),
    ]


def test_news_says_what_its_points_say_of_the_brand() -> None:
    assert (HELP, "Northside opens in Headingley.") in intro_outro.given(news(), PLAN)


def test_news_ends_with_who_the_brand_is_and_where() -> None:
    end = intro_outro.end(news(), PLAN)
    assert end.startswith("Northside is a bicycle shop in Leeds.")
    assert end.endswith("More at https://north.example.")


def test_a_fact_with_a_banned_term_stays_out() -> None:
    assert intro_outro.as_sentence("Our cheap repairs take a day", news()) == ""


def test_one_point_needs_no_list() -> None:
    assert intro_outro.lead(news(), PLAN) == ""
    both = replace(PLAN, sections=(*PLAN.sections[:3], replace(HELP, point="repairs"), CLOSING))
    assert intro_outro.lead(news(), both) == "In short: opens in Headingley and repairs."


@pytest.mark.parametrize(
    ("sentence", "flagged"),
    [
        ("The workshop will host seminars on solar energy.", True),
        ("Northside opens a second workshop in Headingley.", False),
        ("A dry chain wears out early.", False),
    ],
)
def test_news_that_the_brief_does_not_tell_is_flagged(sentence: str, flagged: bool) -> None:
    assert bool(list(unsupported(sentence, news(), "intro"))) is flagged
