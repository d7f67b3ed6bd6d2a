"""Short copy: what the model may keep, what is chosen instead, and a form that is always valid."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation import kinds
from generation.engine.types import EngineError
from generation.kinds.banned import has_banned
from generation.kinds.kind import BrandData
from generation.writers.guided.product_brief import ProductBrief
from generation.writers.writer import Ask
from tests.support.scripted import BRAND, PRODUCT, brief_of, estimate, write

SHORT = [name for name in kinds.KINDS if name != "article"]
FREELY = settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def schema_of(ask: Ask) -> dict[str, Any]:
    assert ask.grammar is not None
    found: dict[str, Any] = json.loads(ask.grammar.source)
    return found


def lines(part: str, *texts: str) -> str:
    return json.dumps({part: texts}, ensure_ascii=False)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", SHORT)
def test_the_form_is_valid_when_the_model_says_nothing(kind: str, language: str) -> None:
    brief = brief_of(kind, language=language)
    draft = write(brief).draft
    jsonschema.validate(draft.data, kinds.load(kind).schema(brief))
    assert [issue.code for issue in draft.issues] == []
    assert draft.share is not None
    assert draft.share.own == 0


def test_a_model_whose_lines_all_fail_is_reported() -> None:
    draft = write(brief_of("search_ad"), [lines("headlines", "Docker for Tea", "Sure!")]).draft
    assert draft.issues[0].code == "none_passed"
    assert "None of the 2 lines" in str(draft.issues[0])


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_two_variants_share_half_of_their_lines_at_most(language: str) -> None:
    shares = []
    for kind in SHORT:
        brief = brief_of(kind, language=language)
        one, two = (
            {
                line
                for line in kinds.load(kind)
                .render(write(replace(brief, variant=number)).draft.data)
                .splitlines()
                if line and not line.startswith("##")
            }
            for number in (1, 2)
        )
        shares.append(len(one & two) / len(one))
    assert sum(shares) / len(shares) <= 0.5


def test_nothing_unchecked_is_shown_while_it_writes() -> None:
    asks = write(brief_of("search_ad"), [lines("headlines", "Fresh Tea Every Month")]).asks
    assert [ask.shown('{"headlines": ["Docker') for ask in asks][0] == ""
    assert asks[1].shown("x").startswith("Fresh Tea Every Month\n")


@FREELY
@given(kind=st.sampled_from(SHORT), texts=st.lists(st.text(max_size=80), max_size=8))
def test_the_form_is_valid_whatever_comes_back(kind: str, texts: list[str]) -> None:
    brief = brief_of(kind)
    data = write(brief, texts).draft.data
    jsonschema.validate(data, kinds.load(kind).schema(brief))


@FREELY
@given(
    kind=st.sampled_from(SHORT),
    texts=st.lists(st.text(alphabet="abc %9cheapTeaKETTLE&'.\"", min_size=1, max_size=90)),
)
def test_the_form_is_valid_whatever_lines_come_back(kind: str, texts: list[str]) -> None:
    brief = brief_of(kind)

    def answer(ask: Ask) -> str:
        return json.dumps(dict.fromkeys(schema_of(ask)["properties"], texts))

    draft = write(brief, answer).draft
    jsonschema.validate(draft.data, kinds.load(kind).schema(brief))
    assert not has_banned(kinds.load(kind).render(draft.data), BRAND.banned)
    assert [issue.code for issue in draft.issues if issue.severity == "error"] == []


@pytest.mark.parametrize("kind", SHORT)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_never_asks_for_more_than_it_estimated(kind: str, language: str) -> None:
    brief = brief_of(kind, language=language)
    told = write(brief, lambda ask: "x" * 500)
    assert told.tokens <= estimate(brief).completion_tokens


@pytest.mark.parametrize("kind", SHORT)
def test_a_markdown_round_trip_changes_nothing(kind: str) -> None:
    form = kinds.load(kind)
    data = write(brief_of(kind)).draft.data
    assert form.parse(form.render(data)) == data


@pytest.mark.parametrize("kind", SHORT)
def test_html_escapes_what_people_wrote(kind: str) -> None:
    form = kinds.load(kind)
    data = write(brief_of(kind)).draft.data
    name = next(part.name for part in form.parts if not part.many)
    html = form.html({**data, name: "<script>alert(1)</script> [x](javascript:alert)"})
    assert "<script>" not in html
    assert "javascript:" not in html.replace("[x](javascript:alert)", "")


@pytest.mark.parametrize("kind", SHORT)
def test_it_becomes_rows_of_text(kind: str) -> None:
    (row,) = kinds.load(kind).csv_rows(write(brief_of(kind)).draft.data)
    assert all(isinstance(value, str) for value in row.values())
    assert any(row.values())


@pytest.mark.parametrize("kind", SHORT)
def test_a_title_stands_for_it(kind: str) -> None:
    assert kinds.load(kind).title(write(brief_of(kind)).draft.data).strip()


@pytest.mark.parametrize("kind", SHORT)
def test_banned_facts_of_the_brief_are_left_out(kind: str) -> None:
    brand = BrandData("Kettle & Co", banned=("delivery", "20% off"))
    brief = brief_of(kind, brand=brand)
    assert not has_banned(kinds.load(kind).render(write(brief).draft.data), brand.banned)


def test_a_brief_in_which_all_is_banned_is_refused() -> None:
    words = "kettle fresh free cancel 20% order meet choose why loose-leaf have come get try see"
    brand = BrandData("Kettle & Co", banned=tuple(words.split()))
    with pytest.raises(EngineError) as caught:
        write(brief_of("search_ad", brand=brand))
    assert caught.value.code == "brief_too_narrow"


def test_another_seed_makes_another_request() -> None:
    seeds = [write(brief_of("search_ad", seed=seed)).asks[0].sampling.seed for seed in (1, 2)]
    assert seeds[0] != seeds[1]


def test_the_banned_terms_and_the_voice_reach_the_engine() -> None:
    brand = BrandData("Kettle & Co", tone="dry", do=("be brief",), banned=("cheap",))
    ask = write(brief_of("search_ad", brand=brand)).asks[0]
    assert ask.banned == ("cheap",)
    assert "Tone: dry" in ask.messages[0].content
    assert "Do: be brief" in ask.messages[0].content


def test_a_request_to_the_engine_is_accepted() -> None:
    for kind in SHORT:
        for ask in write(brief_of(kind)).asks:
            assert ask.request(request_id="1", tenant="t").max_tokens == ask.max_tokens


GOOD_HEADLINES = ["Fresh Tea Every Month", "Free Delivery on Every Box", "Cancel Any Time"]
BAD_HEADLINES = [
    "Docker for Tea",
    "Tea from Bradford",
    "Buy 1, Get 1 Free",
    "20% Off",
    "Free Tea",
    "The Cheapest Tea",
    "Fresh Tea Every",
    "Fresh Tea, Fresh Tea",
    "fresh tea every month and free delivery too",
    "Tea (fresh",
    "Headline About Tea",
    "Keep You Fresh",
    "I Love Fresh Tea",
    "Fresh Tea [Offer]",
    "新鲜的茶叶",
]


@pytest.mark.parametrize("line", GOOD_HEADLINES)
def test_a_line_that_the_brief_covers_stays(line: str) -> None:
    data = write(brief_of("search_ad"), [lines("headlines", line)]).draft.data
    assert data["headlines"][0] == line


@pytest.mark.parametrize("line", BAD_HEADLINES)
def test_a_line_that_it_does_not_cover_goes(line: str) -> None:
    data = write(brief_of("search_ad"), [lines("headlines", line)]).draft.data
    assert line.casefold() not in [each.casefold() for each in data["headlines"]]


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("Kettle & Co sends you fresh tea every month.", True),
        ("Kettle & Co. sends you fresh tea every month.", True),
        ("Fresh tea every month.", False),
        ("Kettle & Co loose-leaf tea subscription.", False),
        ("Get fresh tea every month from our farm in Assam.", False),
        ("Get fresh tea every month and", False),
        ("Get free tea every month.", False),
        ("Keeps tea fresh every month.", False),
        ("Kettle & Co offers a free delivery on every box.", False),
        ("Cancel any time if you want fresh tea.", False),
        ("In every box, get fresh tea in every box.", False),
    ],
)
def test_a_sentence_says_something_and_only_what_is_known(sentence: str, kept: bool) -> None:
    answers = ["", lines("descriptions", sentence)]
    data = write(brief_of("search_ad"), answers).draft.data
    assert (sentence.replace("Co.", "Co") in data["descriptions"]) is kept


@FREELY
@given(
    product=st.text(alphabet="tea pots&%9-é茶", min_size=1, max_size=80),
    points=st.lists(st.text(alphabet="keeps you free 9% andfor茶.", max_size=120), max_size=10),
    offer=st.text(alphabet="20% off first free box", max_size=80),
)
def test_any_brief_gives_a_valid_form_or_a_clear_refusal(
    product: str, points: list[str], offer: str
) -> None:
    given_points = [PRODUCT["points"][0], *points]
    fields = {"product": f"tea {product}", "points": given_points[:10], "offer": offer}
    for kind in SHORT:
        brief = brief_of(kind, **fields)
        with contextlib.suppress(EngineError):
            jsonschema.validate(write(brief).draft.data, kinds.load(kind).schema(brief))


def test_an_ad_without_labels_holds_no_part() -> None:
    assert not any(kinds.load("search_ad").parse("Just a line.").values())


@pytest.mark.parametrize(("language", "colon"), [("en", ": "), ("zh-hans", "：")])
def test_a_post_says_once_what_to_do_and_ends_with_the_link(language: str, colon: str) -> None:
    link = "https://kettle.example/start"
    for offer in (None, ""):
        extra = {} if offer is None else {"offer": offer}
        brief = brief_of("social_post", language=language, url=link, **extra)
        text, call = write(brief).draft.data["text"], ProductBrief.of(brief).call
        assert text.count(call) == 1
        assert text.splitlines()[-1] in (link, f"{call}{colon}{link}")
