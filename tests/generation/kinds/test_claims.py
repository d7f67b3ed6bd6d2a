"""Claims, dates, quotes and events need the brief's word; what sounds like one does not."""

from __future__ import annotations

import pytest

from generation.kinds import claims

KNOWN = (
    "Kettle & Co sends loose-leaf tea. award-winning oolong. rated by two vets. gluten-free. "
    "the shop opened in March. 福建茶，获得有机认证"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The world's finest oolong", "superlative"),
        ("Our market-leading kettle", "superlative"),
        ("The best tea you can drink", "superlative"),
        ("The fastest kettle around", "superlative"),
        ("Studies have shown that tea helps", "proof"),
        ("It is clinically proven", "proof"),
        ("Trusted by nine banks", "proof"),
        ("Thousands of drinkers agree", "proof"),
        ("Order until Friday", "date"),
        ("Since May 2011", "date"),
        ("Sales doubled", "result"),
        ("Most of our customers come back", "result"),
        ("A sugar-free cup", "absence"),
        ("“I have never tasted better tea,” says Ann", "quote"),
        ("Kettle & Co has won a prize", "event"),
        ("We partnered with a farm", "event"),
        ("最好的茶", "superlative"),
        ("专家一致推荐", "proof"),
        ("北京仓直发", "name"),
        ("李教授也喝", "name"),
        ("本周五截止", "date"),
        ("销量翻倍", "result"),
    ],
)
def test_a_claim_without_the_briefs_word_is_found(text: str, kind: str) -> None:
    found = [claim.kind for claim in claims.unsupported(text, KNOWN, "Kettle & Co", "tea")]
    assert kind in found


@pytest.mark.parametrize(
    "text",
    [
        "Our award-winning oolong",
        "Rated by two vets",
        "A gluten-free cup",
        "The best part of any Sunday",
        "Hassle-free mornings",
        "Feel free to sit down",
        "“A quiet hour”",
        "We opened in March",
        "Sundays are for tea",
        "第一口就爱上",
        "有机认证的福建茶",
        "最爱这一杯",
    ],
)
def test_what_the_brief_says_or_nobody_claims_is_left_alone(text: str) -> None:
    assert list(claims.unsupported(text, KNOWN, "Kettle & Co", "tea")) == []
