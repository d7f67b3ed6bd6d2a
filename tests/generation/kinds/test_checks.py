"""What the checks say about a text, and what they leave alone."""

from __future__ import annotations

import pytest

from generation.kinds.checks import check_text, count_limits, duplicates, length_limit, prefer
from generation.kinds.kind import BrandData, BriefData, Term

BRAND = BrandData(
    "Kettle & Co",
    about="We send loose-leaf tea from Leeds.",
    banned=("cheap", "最好"),
    terms=(Term("loose-leaf"), Term("sign-up", ("signup",)), Term("iBrew")),
    facts=("Since 2019",),
)
BRIEF = BriefData("article", BRAND, {"topic": "tea", "points": ["20% off"]})
CHINESE = BriefData("article", BRAND, {"topic": "茶"}, language="zh-hans")


def codes(text: str, brief: BriefData = BRIEF) -> list[str]:
    return [issue.code for issue in check_text(text, brief)]


@pytest.mark.parametrize(
    "text",
    [
        "Kettle & Co sends loose-leaf tea from Leeds, and has since 2019.",
        "Loose-leaf tea is 20% off.",
        "Sign-up takes a moment.",
        "Read more at [our page](https://example.com)."[:9],
        "- [x] tea\n- [ ] cake",
        "",
    ],
)
def test_a_good_text_has_no_issue(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The cheapest tea.", "banned_term"),
        ("Now 30% off.", "invented_number"),
        ("We work with Zoom.", "invented_name"),
        ("Order at teapot.com.", "invented_address"),
        ("Dear [Name], tea is here.", "placeholder"),
        ("Dear {{first_name}}, tea is here.", "placeholder"),
        ("Buy from Your Company today.", "placeholder"),
        ("We sell loose leaf tea.", "spelling"),
        ("Our signup is quick.", "spelling"),
        ("The IBrew is here.", "spelling"),
        ("kettle & co is here.", "spelling"),
        ("As an AI language model, tea is nice.", "meta_talk"),
        ("Tea is good for you every day. Tea is good for you every day.", "repetition"),
        ("茶很好喝，每天都要喝一杯，喝完心情很好。", "language"),
    ],
)
def test_each_fault_is_named(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("这是最好的茶叶，请你尝一尝。", "banned_term"),
        ("已经有三十年的历史了，欢迎品尝。", "invented_number"),
        ("This is an English sentence about tea.", "language"),
        ("请联系【公司名称】，我们等你。", "placeholder"),
        ("每天一杯热茶让人心情舒畅精神好。每天一杯热茶让人心情舒畅精神好。", "repetition"),
    ],
)
def test_each_fault_is_named_in_chinese(text: str, code: str) -> None:
    assert code in codes(text, CHINESE)


def test_a_good_chinese_text_has_no_issue() -> None:
    assert codes("每天一杯热茶，让人心情舒畅。", CHINESE) == []


def test_an_issue_points_at_its_words() -> None:
    text = "Tea from Bradford is good."
    (issue,) = check_text(text, BRIEF, "intro")
    assert text[issue.start : issue.end] == "Bradford"
    assert (issue.part, str(issue)) == ("intro", "The name “Bradford” is not in the brief.")


def test_a_banned_term_comes_first_and_is_an_error() -> None:
    issues = check_text("Bradford is 30% cheaper.", BRIEF)
    assert (issues[0].code, issues[0].severity) == ("banned_term", "error")


def test_a_spelling_comes_with_the_right_one() -> None:
    (issue,) = check_text("We sell loose leaf tea.", BRIEF)
    assert issue.suggestion == "loose-leaf"


@pytest.mark.parametrize(
    ("text", "preferred"),
    [
        ("loose leaf tea", "loose-leaf tea"),
        ("Loose leaf tea", "Loose-leaf tea"),
        ("Loose-Leaf Tea", "Loose-Leaf Tea"),
        ("an ibrew for you", "an iBrew for you"),
        ("signup at https://signup.example/signup", "sign-up at https://signup.example/signup"),
        ("KETTLE & CO", "Kettle & Co"),
    ],
)
def test_the_brands_spelling_is_put_in(text: str, preferred: str) -> None:
    assert prefer(text, BRAND) == preferred


def test_a_term_is_read_as_people_type_it() -> None:
    assert Term.read("sign-up: signup, sign up") == Term("sign-up", ("signup", "sign up"))
    assert Term.read("iBrew") == Term("iBrew")


def test_limits_count_characters_and_lines() -> None:
    assert [issue.code for issue in length_limit("x" * 31, 30)] == ["too_long"]
    assert list(length_limit("x" * 30, 30)) == []
    assert [issue.code for issue in count_limits(2, 3, 15)] == ["too_few"]
    assert [issue.code for issue in count_limits(16, 3, 15)] == ["too_many"]


def test_the_same_line_twice_is_seen_whatever_its_case() -> None:
    (issue,) = duplicates(["Fresh Tea", "Free post", "fresh tea!"], "headlines")
    assert (issue.code, issue.part) == ("duplicate", "headlines.2")
