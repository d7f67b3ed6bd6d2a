"""A capable model gets the whole brief, answers with the whole text, and may repair it once."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import kinds, writers
from generation.engine.types import EngineError
from generation.kinds.brief import AudienceData, BrandData, BriefData, Term
from generation.writers.prompts import render_brief, render_copy
from generation.writers.writer import Ask
from tests.support.scripted import brief_of, estimate, write

BRAND = BrandData(
    "Kettle & Co",
    about="Kettle & Co sends loose-leaf tea from two gardens.",
    tone="dry, warm",
    do=("be brief",),
    dont=("shout",),
    terms=(Term("tea house", ("teahouse",)),),
    banned=("cheap",),
    samples=("We like tea. You will too.",),
    facts=("Every box holds four teas",),
    url="https://kettle.example",
)
READERS = AudienceData("Night readers", "They read late.", ("cold tea",), ("a quiet hour",))
SHORT = [name for name in kinds.KINDS if name != "article"]


def direct(brief: BriefData, answer: Any = lambda ask: "") -> Any:
    return write(brief, answer, writer="direct")


ALL = "Fresh tea every month, free delivery on every box. Cancel any time. First box: 20% off."


def good(ask: Ask) -> str:
    """A model that keeps to the schema and says only what the brief says."""
    if ask.grammar is None:
        return "Use water just off the boil. Measure the leaves, and steep for three minutes."
    return json.dumps(value(json.loads(ask.grammar.source)))


def value(schema: dict[str, Any]) -> Any:
    match schema["type"]:
        case "object":
            return {name: value(each) for name, each in schema["properties"].items()}
        case "array":
            if schema["items"]["type"] == "array":
                return [[]] * schema["minItems"]
            lines = ("Fresh tea every month", "Free delivery", "Cancel any time")
            count = max(schema.get("minItems", 0), min(4, schema["maxItems"]))
            if schema["items"].get("maxLength", 0) >= len(ALL):
                lines = (ALL, *(f"{line}, for you." for line in lines))
            return [*lines, "Twenty percent off"][:count]
        case _ if "maxLength" not in schema:
            return "Measure the leaves, and steep for three minutes."
        case _ if schema["maxLength"] >= len(ALL):
            return ALL
        case _:
            return "Fresh tea"


def prompt(brief: BriefData) -> str:
    return "\n".join(each.content for each in render_brief(kinds.load(brief.kind), brief))


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_all_that_is_known_reaches_the_model(kind: str) -> None:
    brief = replace(brief_of(kind, brand=BRAND), audience=READERS)
    text = prompt(brief)
    for known in (
        *(BRAND.name, BRAND.about, BRAND.tone, BRAND.url, *BRAND.do, *BRAND.dont),
        *(*BRAND.banned, *BRAND.samples, *BRAND.facts, "tea house (not: teahouse)"),
        *(READERS.name, READERS.description, *READERS.pains, *READERS.goals),
        *brief.items("points"),
    ):
        assert known in text
    assert direct(brief, good).asks[0].messages[0].content in text


def test_the_order_names_each_part_with_its_limits() -> None:
    text = prompt(brief_of("search_ad"))
    assert "- headlines: Headlines (a list of 3 to 15; each at most 30 characters)" in text
    assert "Call to action: Order now" in text
    assert "- url" not in text


def test_an_article_is_as_long_as_asked_and_in_the_language_of_the_brief() -> None:
    brief = replace(brief_of("article", language="zh-hans"), length=300)
    assert "Length: about 300 words" in prompt(brief)
    assert "in Simplified Chinese" in prompt(brief)


def test_three_samples_show_the_voice_and_license_nothing() -> None:
    samples = tuple(f"{number} " + "tea " * 400 for number in range(20))
    brief = brief_of("search_ad", brand=replace(BRAND, samples=samples))
    assert [f"{number} tea" in prompt(brief) for number in range(4)] == [True, True, True, False]
    assert "never a fact" in prompt(brief)
    assert samples[0] not in brief.known()


@pytest.mark.parametrize("kind", SHORT)
def test_a_good_answer_is_taken_as_it_is(kind: str) -> None:
    brief = brief_of(kind)
    told = direct(brief, good)
    assert len(told.asks) == 1
    assert told.draft.issues == ()
    jsonschema.validate(told.draft.data, kinds.load(kind).schema(brief))


def test_what_the_brief_settles_no_model_writes() -> None:
    told = direct(brief_of("search_ad"), good)
    assert "url" not in json.loads(told.asks[0].grammar.source)["properties"]
    assert told.draft.data["url"] == "https://kettle.example/start"
    assert direct(brief_of("landing_hero"), good).draft.data["cta"] == "Order now"


BAD = {"tagline": "Cheap tea", "body": f"{ALL} For 99 euros.", "features": ["Free delivery"]}


def test_one_request_mends_only_the_parts_that_fail() -> None:
    mended = {"tagline": "Fresh tea", "body": ALL}
    told = direct(brief_of("product_description"), [json.dumps(BAD), json.dumps(mended)])
    assert told.draft.data == {**BAD, **mended}
    assert told.draft.issues == ()
    assert len(told.asks) == 2
    request = told.asks[1].messages[-1].content
    assert "- tagline: “cheap” is on the brand's list of banned terms." in request
    assert "- body: The number “99 euros” is not in the brief." in request
    assert json.loads(told.asks[1].grammar.source)["required"] == ["tagline", "body"]


def test_a_part_that_gets_worse_stays_as_it_was() -> None:
    worse = {"tagline": "Cheap cheap tea for 7 euros", "body": f"{ALL} For 99 or 98 euros."}
    told = direct(brief_of("product_description"), [json.dumps(BAD), json.dumps(worse)])
    assert told.draft.data == BAD
    assert [issue.code for issue in told.draft.issues] == ["banned_term", "invented_number"]


def test_what_is_missing_is_asked_of_the_part_that_has_room() -> None:
    short = {
        "tagline": "Fresh tea",
        "body": "Fresh tea every month.",
        "features": ["Free delivery"],
    }
    told = direct(brief_of("product_description"), [json.dumps(short), json.dumps({"body": ALL})])
    assert "cancel any time" in told.asks[1].messages[-1].content
    assert told.draft.data["body"] == ALL
    assert told.draft.issues == ()


def test_a_line_that_keeps_its_banned_term_goes_and_the_variant_stays() -> None:
    lines = ["Fresh tea every month", "Free delivery", "Cancel any time", "Cheap tea"]
    data = {"headlines": lines, "descriptions": [ALL, "Tea for you."], "path1": "a b", "path2": ""}
    told = direct(brief_of("search_ad"), [json.dumps(data), "{}"])
    assert told.draft.data["headlines"] == lines[:3]
    assert told.draft.data["path1"] == "a-b"
    assert told.draft.issues == ()


def test_each_variant_has_an_angle_of_its_own() -> None:
    brief = brief_of("search_ad")
    orders = {
        direct(replace(brief, variant=number), good).asks[0].messages[-1].content
        for number in range(1, 9)
    }
    assert len(orders) == 8
    assert "This version" not in prompt(brief)


def test_lines_of_a_chinese_ad_are_asked_for_in_full_width() -> None:
    ask = direct(brief_of("search_ad", language="zh-hans"), good).asks[0]
    assert ask.grammar is not None
    headlines = json.loads(ask.grammar.source)["properties"]["headlines"]
    assert headlines["items"]["maxLength"] == 15


def test_an_answer_in_a_fence_is_read_and_spelt_as_the_brand_does() -> None:
    data = {"tagline": "The teahouse", "body": ALL, "features": ["Fresh tea"]}
    brief = brief_of("product_description", brand=BRAND)
    told = direct(brief, [f"```json\n{json.dumps(data)}\n```"])
    assert told.draft.data["tagline"] == "The tea house"


def test_two_unreadable_answers_fail_with_words() -> None:
    with pytest.raises(EngineError) as caught:
        direct(brief_of("search_ad"), ["Sure!", "[]"])
    assert caught.value.code == "answer_unreadable"


def test_an_article_is_outlined_and_written_section_by_section() -> None:
    brief = brief_of("article")
    told = direct(brief, good)
    sections = told.draft.data["sections"]
    assert [ask.section for ask in told.asks][0] == "outline"
    assert [section["heading"] for section in sections] == [
        "Fresh tea every month",
        "Free delivery",
        "Cancel any time",
    ]
    assert all(section["text"] for section in sections)
    last = told.asks[len(sections)].messages
    assert sections[0]["text"] in [message.content for message in last]
    jsonschema.validate(told.draft.data, kinds.load("article").schema(brief))


def test_the_sections_that_do_not_pass_are_mended_in_one_request() -> None:
    def answer(ask: Ask) -> str:
        if ask.grammar and "do not pass" not in ask.messages[-1].content:
            return good(ask)
        if ask.grammar:
            names = json.loads(ask.grammar.source)["properties"]
            return json.dumps(dict.fromkeys(names, good(replace(ask, grammar=None))))
        return good(ask) + " It costs 99 euros a month."

    told = direct(brief_of("article"), answer)
    assert len(told.asks) == 2 + len(told.draft.data["sections"])
    assert all("99" not in section["text"] for section in told.draft.data["sections"])


def test_an_article_without_an_outline_fails_with_words() -> None:
    with pytest.raises(EngineError) as caught:
        direct(brief_of("article"), ["Sure, here it comes:"])
    assert caught.value.code == "answer_unreadable"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", kinds.KINDS)
def test_it_never_asks_for_more_than_it_estimated(kind: str, language: str) -> None:
    brief = brief_of(kind, language=language)

    def answer(ask: Ask) -> str:
        text = good(ask)
        return text if ask.section == "outline" else text.replace("tea", "tea for 99 euros")

    told = direct(brief, answer)
    assert len(told.asks) > 1
    assert told.tokens <= estimate(brief, writer="direct").completion_tokens


@settings(deadline=None, max_examples=25)
@given(kind=st.sampled_from(SHORT), texts=st.lists(st.text(max_size=80), max_size=2))
def test_whatever_comes_back_gives_copy_or_a_clear_refusal(kind: str, texts: list[str]) -> None:
    answers = [json.dumps(dict.fromkeys(("headlines", "text", "body", "subject"), texts))] * 2
    spec = kinds.load(kind)
    with contextlib.suppress(EngineError):
        data = direct(brief_of(kind), answers).draft.data
        assert spec.parse(spec.render(data)).keys() == data.keys()
        assert "<script" not in spec.html(data)


def test_the_banned_terms_are_told_and_never_end_an_answer() -> None:
    first, second = (direct(brief_of("search_ad", seed=seed), good).asks[0] for seed in (1, 2))
    assert first.banned == ()
    assert "Never write:\n- cheap" in first.messages[0].content
    assert first.sampling.seed != second.sampling.seed


def test_copy_is_rendered_as_the_answer_that_is_read() -> None:
    data = direct(brief_of("social_post"), good).draft.data
    message = render_copy(data)
    assert message.role == "assistant"
    assert direct(brief_of("social_post"), [message.content]).draft.data == data


def test_a_kind_without_a_recipe_is_written_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(writers.guided.RECIPES, "search_ad")
    assert writers.load("guided", kinds.load("search_ad")).name == "direct"
    assert writers.load("guided", kinds.load("article")).name == "guided"
