"""Articles: planned headings, the brief's own sentences, and questions instead of inventions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import kinds
from generation.kinds.kind import BrandData, BriefData
from generation.writers.guided.outline import Plan
from generation.writers.writer import Ask
from tests.support.scripted import BRAND, brief_of, estimate, write

ARTICLE = kinds.load("article")


def planned(*headings: str) -> Callable[[Ask], str]:
    """A model that proposes these headings."""
    return lambda ask: json.dumps({"headings": headings})


def headings_of(brief: BriefData, answer: Callable[[Ask], str]) -> list[str]:
    return [section["heading"] for section in write(brief, answer).draft.data["sections"]]


def test_one_request_plans_it_under_a_grammar() -> None:
    (ask,) = write(brief_of("article"), planned()).asks
    assert ask.section == "outline"
    assert ask.grammar is not None
    assert ask.shown('{"headings": ["Anyth') == ""


def test_each_main_point_becomes_a_section_and_an_ending_follows() -> None:
    assert headings_of(brief_of("article"), planned()) == [
        "Water just off the boil",
        "Measure the leaves",
        "Steep for three minutes",
        "Next steps",
    ]


def test_the_models_heading_stays_where_it_is_about_the_point() -> None:
    answer = planned("Taking the Water off the Boil", "Be your best self", "Steep")
    assert headings_of(brief_of("article"), answer)[:3] == [
        "Taking the water off the boil",
        "Measure the leaves",
        "Steep for three minutes",
    ]
    share = write(brief_of("article"), answer).draft.share
    assert share is not None
    assert (share.own, share.lines) == (1, 4)


def test_without_points_the_sections_come_from_the_model_or_the_format() -> None:
    brief = brief_of("article", points=[], format="report")
    answer = planned("Choosing your tea", "The moon landing", "Choosing your tea")
    assert headings_of(brief, answer) == ["Background", "Choosing your tea", "Conclusion"]


@pytest.mark.parametrize(
    ("language", "mark"), [("en", "> To answer: "), ("zh-hans", "> 待回答： ")]
)
def test_what_only_a_person_can_tell_stands_as_a_marked_question(language: str, mark: str) -> None:
    chinese = {"topic": "在家泡茶", "points": ["水温要刚好", "先量茶叶", "泡三分钟"]}
    fields = chinese if language == "zh-hans" else {}
    draft = write(brief_of("article", language=language, **fields), planned()).draft
    text = ARTICLE.render(draft.data)
    assert text.count(mark) >= 5
    found = [issue.code for issue in draft.issues]
    assert found.count("open_question") == text.count(mark)
    assert set(found) <= {"open_question", "length"}


def test_nothing_is_said_that_the_brief_does_not_say() -> None:
    facts = ["A pot holds six cups", "Leaves keep for a year"]
    brief = brief_of("article", facts=facts)
    draft = write(brief, lambda ask: "Docker is best, says Dr Miller of 2019.").draft
    text = ARTICLE.render(draft.data)
    assert "Docker" not in text
    assert all(f"{fact}." in text for fact in facts)
    assert {issue.code for issue in draft.issues} <= {"open_question", "length"}


@pytest.mark.parametrize("style", ["blog", "news", "report"])
def test_our_own_sentences_hold_no_banned_term_either(style: str) -> None:
    banned = ("next", "short", "main points", "background", "step", "habit", "question", "point")
    brand = replace(BRAND, banned=banned, facts=("The next step is tea",))
    points = ["water off the boil", "measure the leaves"]
    brief = brief_of("article", brand=brand, format=style, points=points, topic="Tea at home")
    told = write(replace(brief, length=600), planned())
    assert "banned_term" not in [issue.code for issue in told.draft.issues]


def test_it_never_asks_for_more_than_it_estimated() -> None:
    brief = replace(brief_of("article"), length=600)
    told = write(brief, planned())
    assert told.tokens <= estimate(brief).completion_tokens
    assert estimate(brief).total < 1_000


def test_markdown_round_trip() -> None:
    data = write(brief_of("article"), planned()).draft.data
    assert ARTICLE.parse(ARTICLE.render(data)) == data
    jsonschema.validate(data, ARTICLE.schema())


def test_an_edited_text_without_headings_is_read() -> None:
    assert ARTICLE.parse("Only this.") == {"title": "", "intro": "Only this.", "sections": []}
    assert [issue.code for issue in ARTICLE.check(ARTICLE.parse("x"), brief_of("article"))]


def test_html_escapes_and_marks_up() -> None:
    html = ARTICLE.html(ARTICLE.parse("# Tea\n\n<b>\n\n## Pots & pans\n\n- one\n- **two**"))
    assert "<h1>Tea</h1>" in html
    assert "&lt;b&gt;" in html
    assert "<h2>Pots &amp; pans</h2>" in html
    assert "<li><strong>two</strong></li>" in html


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text(max_size=120), max_size=12), st.integers(0, 5000))
def test_whatever_comes_back_gives_a_valid_form(texts: list[str], length: int) -> None:
    brief = replace(brief_of("article"), length=length)
    data = write(brief, texts).draft.data
    jsonschema.validate(data, ARTICLE.schema())


@settings(deadline=None)
@given(st.text(alphabet="# ab\n-*[]", max_size=60))
def test_any_markdown_is_read_and_shown(text: str) -> None:
    data = ARTICLE.parse(text)
    assert ARTICLE.parse(ARTICLE.render(data))["sections"] is not None
    ARTICLE.html(data)
    ARTICLE.check(data, BriefData("article", BrandData("Kettle"), {"topic": "tea"}))


def test_the_plan_knows_its_headings() -> None:
    assert Plan("Tea", ()).headings == []
