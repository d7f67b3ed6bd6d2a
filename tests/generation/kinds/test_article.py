"""Articles: planned, written section by section, as long as asked, without invented facts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import kinds
from generation.engine.types import EngineError
from generation.kinds.kind import BrandData, BriefData
from generation.kinds.text import count_words
from generation.writers.guided.outline import Plan
from generation.writers.writer import Ask
from tests.support.scripted import BRAND, brief_of, estimate, write

ARTICLE = kinds.load("article")
WORDS = (
    "kettle pot cup lid spoon tray steam taste colour scent warmth kitchen shelf window corner "
    "garden river stone paper basket helps keeps lifts softens changes rounds clears opens cools "
    "sharpens brightens deepens settles carries gathers smooth bitter gentle heavy narrow"
)


def sensible() -> Callable[[Ask], str]:
    """A model that plans and then writes new sentences about its point for ever."""
    chance = random.Random(7)

    def sentence(start: str) -> str:
        return f"{start} {' '.join(chance.sample(WORDS.split(), 8))} with the tea leaves."

    def answer(ask: Ask) -> str:
        if ask.section == "outline":
            return json.dumps({"headings": []})
        point = ask.messages[-1].content.split(". ")[0].split(": ")[-1]
        start = " ".join(chance.sample(WORDS.split(), 3)).capitalize()
        return f"{sentence(f'{start} to {point} is good,')} {sentence('Then')}"

    return answer


def once(ask: Ask) -> str:
    """A model that has one sentence to say, and only about one section."""
    return "Measure the leaves with a small spoon." if ask.section == "sections.1" else ""


def text_of(brief: BriefData, answer: Callable[[Ask], str] | list[str]) -> str:
    return ARTICLE.render(write(brief, answer).draft.data)


@pytest.mark.parametrize("words", [150, 400, 900])
def test_it_is_as_long_as_asked_within_a_fifth(words: int) -> None:
    brief = replace(brief_of("article"), length=words)
    count = count_words(text_of(brief, sensible()))
    assert abs(count / words - 1) <= 0.2


def test_the_plan_comes_first_under_a_grammar() -> None:
    asks = write(brief_of("article"), sensible()).asks
    assert asks[0].section == "outline"
    assert asks[0].grammar is not None
    assert [ask.section for ask in asks[1:] if ask.section == "outline"] == []


def test_every_section_is_written_with_the_plan_in_view() -> None:
    for ask in write(brief_of("article"), sensible()).asks[1:]:
        assert "Measure the leaves" in ask.messages[0].content


def test_each_main_point_becomes_a_section_and_an_ending_follows() -> None:
    data = write(brief_of("article"), sensible()).draft.data
    headings = [section["heading"] for section in data["sections"]]
    assert headings == [
        "Water just off the boil",
        "Measure the leaves",
        "Steep for three minutes",
        "Next steps",
    ]
    assert data["intro"]


def test_the_models_heading_stays_where_it_is_about_the_point() -> None:
    outline = ["Taking the Water off the Boil", "Be your best self", "Steep"]
    answer = sensible()
    told = write(
        brief_of("article"),
        lambda ask: json.dumps({"headings": outline}) if ask.section == "outline" else answer(ask),
    )
    headings = [section["heading"] for section in told.draft.data["sections"]]
    assert headings[:3] == [
        "Taking the water off the boil",
        "Measure the leaves",
        "Steep for three minutes",
    ]


def test_without_points_the_sections_come_from_the_model_or_the_format() -> None:
    brief = brief_of("article", points=[], format="report")
    plan_of = json.dumps(
        {"headings": ["Choosing your tea", "The moon landing", "Choosing your tea"]}
    )
    answer = sensible()
    told = write(brief, lambda ask: plan_of if ask.section == "outline" else answer(ask))
    headings = [section["heading"] for section in told.draft.data["sections"]]
    assert headings == ["Background", "Choosing your tea", "Conclusion"]


def test_a_section_in_which_nothing_passes_is_left_out() -> None:
    answer = sensible()
    told = write(
        brief_of("article"), lambda ask: "" if ask.section == "sections.1" else answer(ask)
    )
    headings = [section["heading"] for section in told.draft.data["sections"]]
    assert "Measure the leaves" not in headings


@pytest.mark.parametrize(
    "sentence",
    [
        "To measure the leaves, weigh 7 grams of tea.",
        "Measure the leaves as John Smith does.",
        "Measure the leaves as teapot.com shows.",
        "This article is about how to measure the leaves.",
        "Measure the cheapest leaves first.",
        "I always measure the leaves.",
        "Kettle & Co was founded to measure the leaves of Assam.",
        "Measure the [leaves] with care.",
        "They announced that they measure the leaves.",
        "Our shop will measure the leaves in Assam for you.",
        "Measure the leaves and get free biscuits.",
        "Measure the leaves for two weeks.",
        "First measure the leaves in the pot.",
        "Never measure the leaves in the dark.",
        "Measure the leaves, then measure them, and measure again.",
        "Bake the bread until the crust is brown.",
    ],
)
def test_a_sentence_that_invents_or_strays_is_dropped(sentence: str) -> None:
    answer = sensible()

    def with_fault(ask: Ask) -> str:
        return f"{sentence} {answer(ask)}" if ask.section == "sections.1" else answer(ask)

    assert sentence not in text_of(brief_of("article"), with_fault)


@pytest.mark.parametrize("style", ["blog", "news", "report"])
def test_our_own_sentences_hold_no_banned_term_either(style: str) -> None:
    banned = ("next", "short", "main points", "background", "step", "habit", "question", "point")
    brand = replace(BRAND, banned=banned, facts=("The next step is tea",))
    points = ["water off the boil", "measure the leaves"]
    brief = brief_of("article", brand=brand, format=style, points=points, topic="Tea at home")
    told = write(replace(brief, length=600), sensible())
    assert "banned_term" not in [issue.code for issue in told.draft.issues]


def test_no_sentence_comes_twice() -> None:
    text = text_of(brief_of("article"), once)
    assert text.count("small spoon") == 1


def test_an_unfinished_sentence_is_dropped() -> None:
    answer = sensible()
    text = text_of(brief_of("article"), lambda ask: answer(ask) + " Measure the leaves and thr")
    assert "and thr" not in text


def test_a_model_that_writes_nothing_is_reported() -> None:
    with pytest.raises(EngineError) as caught:
        write(brief_of("article", points=[]), lambda ask: "")
    assert caught.value.code == "text_too_poor"


def test_a_short_text_is_flagged() -> None:
    told = write(brief_of("article"), once)
    assert "length" in [issue.code for issue in told.draft.issues]


def test_it_never_asks_for_more_than_it_estimated() -> None:
    brief = brief_of("article")
    for answer in (sensible(), once):
        told = write(brief, answer)
        assert told.tokens <= estimate(brief).completion_tokens


def test_a_chinese_article_counts_characters() -> None:
    brief = replace(
        brief_of("article", language="zh-hans", topic="在家泡茶", points=["水温", "茶量", "时间"]),
        length=200,
    )
    letters = iter("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥春夏秋冬东西南北" * 40)

    def answer(ask: Ask) -> str:
        return "".join(f"{next(letters)}的水温会让{next(letters)}茶更香。" for _ in range(4))

    data = write(brief, answer).draft.data
    assert 160 <= count_words(ARTICLE.render(data)) <= 240
    assert data["sections"][-1]["heading"] == "下一步"


def test_markdown_round_trip() -> None:
    data = write(brief_of("article"), sensible()).draft.data
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
def test_whatever_comes_back_gives_a_valid_form_or_a_clear_end(
    texts: list[str], length: int
) -> None:
    brief = replace(brief_of("article"), length=length)
    try:
        data = write(brief, texts).draft.data
    except EngineError:
        return
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
