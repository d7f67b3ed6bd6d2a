"""What articles are put together from: questions, manners, the brief's own sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.engine.types import EngineError
from generation.kinds.grounding import unsupported
from generation.kinds.kind import BrandData, BriefData
from generation.writers.guided import intro_outro
from generation.writers.guided.outline import Plan, Section
from generation.writers.guided.repetition_guard import OPENINGS, RepetitionGuard
from generation.writers.guided.section_prompts import turns
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import Completion
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


def question(brief: BriefData, section: Section, number: int) -> str:
    return turns(brief, PLAN, section, number)[-1][1]


def test_each_ask_looks_at_the_point_from_another_side() -> None:
    asked = [question(news(format="blog"), HELP, number) for number in range(8)]
    assert len(set(asked)) == 8
    assert all("opens in Headingley" in each for each in asked)


def test_the_brand_is_not_asked_about_but_its_trade_is() -> None:
    asked = [question(news(), HELP, number) for number in range(2)]
    assert not any("Northside" in each for each in asked)
    assert "A bicycle shop in Leeds" in asked[1]


def test_a_usual_heading_is_no_point_but_picks_the_question() -> None:
    asked = question(news(), USUAL, 0)
    assert "why now" not in asked
    assert "Why does it matter?" in asked


def test_sentences_may_begin_alike_in_other_sections_a_few_times() -> None:
    guard = RepetitionGuard()
    guard.note("The lights are red.", "one")
    assert not guard.allows("The lights are blue.", "one")
    for place in range(1, OPENINGS):
        assert guard.allows("The lights are green.", str(place))
        guard.note("The lights are green.", str(place))
    assert not guard.allows("The lights are white.", "another")


def test_a_worn_phrase_comes_once() -> None:
    guard = RepetitionGuard()
    guard.note("Trust is a double-edged sword.", "one")
    assert not guard.allows("Speed can be a double-edged sword.", "two")
    assert guard.allows("Speed can hurt.", "two")


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


def test_unused_tokens_go_back_to_the_desk() -> None:
    budget = PromptBudget(news(), 100, asks=2)
    ask = budget.ask("intro", [("user", "Why?")], 80)
    assert not budget.can(80)
    budget.settle(ask, Completion("So.", tokens=5))
    assert budget.can(95)
    budget.ask("intro", [("user", "Why?")], 5)
    assert not budget.can(1)


@pytest.mark.parametrize(("tokens", "known"), [(20, True), (60, False)])
def test_a_model_that_spells_chinese_in_bytes_is_found_out(tokens: int, known: bool) -> None:
    budget = PromptBudget(replace(news(), language="zh-hans"), 200)
    ask = budget.ask("intro", [("user", "为什么？")], 100)
    answer = Completion("番茄最需要阳光，位置决定了收成。找一个亮堂的角落。", tokens=tokens)
    if known:
        budget.settle(ask, answer)
        return
    with pytest.raises(EngineError) as caught:
        budget.settle(ask, answer)
    assert caught.value.code == "language_unsupported"
