"""Facts of a brief become well-formed English, whatever their grammar."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from generation.kinds.kind import BrandData
from generation.writers.guided import templates_en
from generation.writers.guided.patterns import tone_of
from generation.writers.guided.product_brief import PhraseForm, ProductBrief, phrase_form_of
from tests.support.scripted import brief_of


def product_of(
    product: str, *points: str, offer: str = "", brand: str = "Ledgerly"
) -> ProductBrief:
    data = BrandData(brand, about="Help for freelancers who keep books.")
    brief = brief_of("search_ad", brand=data, product=product, points=list(points), offer=offer)
    return ProductBrief.of(brief)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("sends invoices in one minute", PhraseForm.DOES),
        ("files VAT returns for you", PhraseForm.DOES),
        ("cancel any time", PhraseForm.DO),
        ("book online", PhraseForm.DO),
        ("made from recycled bottles", PhraseForm.IS),
        ("reflective at night", PhraseForm.IS),
        ("free for 30 days", PhraseForm.IS),
        ("we answer within an hour", PhraseForm.CLAUSE),
        ("it keeps you dry", PhraseForm.CLAUSE),
        ("free delivery on every box", PhraseForm.THING),
        ("insured walkers", PhraseForm.THING),
        ("photo after every walk", PhraseForm.THING),
        ("plans from 9 a month", PhraseForm.THING),
        ("kids eat free", PhraseForm.CLAUSE),
        ("100% of your gift goes to the river", PhraseForm.CLAUSE),
        ("", PhraseForm.THING),
    ],
)
def test_the_grammar_of_a_fact_is_seen(text: str, form: PhraseForm) -> None:
    assert phrase_form_of(text) is form


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (
            ("sends invoices", "connects to your bank"),
            "Ledgerly sends invoices and connects to your bank.",
        ),
        (("made in Leeds",), "The Ledgerly bookkeeping app is made in Leeds."),
        (("cancel any time",), "Cancel any time with Ledgerly."),
        (("free help",), "Get free help with Ledgerly."),
        (("We answer every call.",), "We answer every call."),
        (("short forms",), "Ledgerly bookkeeping app: short forms."),
    ],
)
def test_facts_become_sentences(points: tuple[str, ...], sentence: str) -> None:
    groups = templates_en.sentences(product_of("a bookkeeping app", *points), 90)
    assert sentence in [text for group in groups for text in group]


def test_a_plural_product_takes_a_plural_verb() -> None:
    groups = templates_en.sentences(
        product_of("hiking boots", "keeps you dry", brand="Fernway"), 90
    )
    assert groups[0][0] == "Fernway hiking boots keep you dry."


def test_only_a_service_is_named_as_the_one_who_does_it() -> None:
    texts = str(templates_en.facts(product_of("bathroom fern", "loves steam"), 90))
    assert "It loves steam." in texts
    assert "Ledgerly loves" not in texts


def test_the_offer_is_told_before_the_third_fact() -> None:
    product = product_of("app", "a", "b", "c", "d", offer="20% off the first month")
    assert "20% off" in templates_en.sentences(product, 90)[2][0]


@pytest.mark.parametrize(
    ("product", "introduced"),
    [
        ("a bookkeeping app for freelancers", "Ledgerly, the bookkeeping app for freelancers"),
        ("The cycling jacket", "the cycling jacket from Ledgerly"),
        ("hiking boots", "hiking boots from Ledgerly"),
        ("dog walking in Leeds", "Ledgerly dog walking in Leeds"),
        ("Ledgerly for teams", "Ledgerly for teams"),
    ],
)
def test_a_product_is_introduced(product: str, introduced: str) -> None:
    assert templates_en.introduced(product_of(product, "x")) == introduced


@pytest.mark.parametrize(
    ("text", "headline"),
    [
        ("free delivery on every box", "Free Delivery on Every Box"),
        ("a care plan for your light", "Care Plan for Your Light"),
        ("the iPad stand for VAT-free shops", "iPad Stand for VAT-free Shops"),
        ("what you were looking for", "What You Were Looking For"),
    ],
)
def test_headlines_have_their_capitals(text: str, headline: str) -> None:
    assert templates_en.headline_case(text) == headline


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("reflective at night so drivers see you", 30, "reflective at night"),
        ("deep pockets for phone and keys", 30, "deep pockets for phone"),
        ("unshortenable words everywhere", 10, ""),
        ("short", 30, "short"),
    ],
)
def test_a_fact_is_shortened_by_whole_clauses(text: str, limit: int, short: str) -> None:
    assert templates_en.shortened(text, limit) == short


@pytest.mark.parametrize(
    ("text", "headline"),
    [
        ("sends invoices in one minute", "Send Invoices in One Minute"),
        ("keeps you dry all day", "Stay Dry All Day"),
        ("works with Slack", "Works with Slack"),
    ],
)
def test_what_customers_do_is_said_to_them(text: str, headline: str) -> None:
    groups = templates_en.headlines(product_of("app", text), 30)
    assert headline in [line for group in groups for line in group[:1]]


SUBJECTS = ("half of the price", "100% of your gift", "every meal", "kids", "all rooms", "the app",
            "two of ten cups", "your first month")  # fmt: skip
PREDICATES = ("goes to charity", "is on us", "will double", "cannot be lost", "comes with a plan",
              "lasts all day", "starts on Monday", "can be paused")  # fmt: skip
ENDS = ("", " in Leeds", " for members", " when you ask")
FACTS = [f"{s} {p}{e}" for s in SUBJECTS for p in PREDICATES for e in ENDS]
GOT = re.compile(r"\b(?:get|enjoy) [^.:]*?\b(?:goes|is|will|cannot|comes|lasts|starts|can)\b", re.I)


def test_no_clause_is_put_behind_another_verb() -> None:
    assert len(FACTS) > 200
    for fact in FACTS:
        product = product_of("box", fact, "fresh tea")
        groups = (*templates_en.sentences(product, 160), *templates_en.facts(product, 160))
        assert not [line for group in groups for line in group if GOT.search(line)]


def test_a_variant_has_lines_of_its_own_and_of_the_brands_tone() -> None:
    playful = BrandData("Ledgerly", tone="cheeky, brief")
    brief = brief_of("search_ad", brand=playful, product="app", points=["fresh tea"])
    first, second = (
        templates_en.openers(ProductBrief.of(replace(brief, variant=number)))[0][0]
        for number in (1, 2)
    )
    assert first == "Say hello to Ledgerly, the app."
    assert second != first
    assert tone_of("sober, then playful") == "sober"
    assert tone_of("温柔") == "warm"
    assert tone_of("") == "plain"
