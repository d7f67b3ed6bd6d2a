"""What the web process computes over a person's text takes time in proportion to its length."""

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from generation.kinds import KINDS, load
from generation.kinds.brief import BrandData, BriefData, Term
from generation.kinds.fields import visible
from generation.kinds.markup import to_html
from generation.presentation.diff import words
from generation.presentation.marks import to_marks, with_edges
from generation.services.tables import csv_rows
from saas.folding import folded

SHORT, LONG = 5_000, 40_000
# Eight times the text may take so many times as long; what is quadratic takes 64 times.
MOST_GROWTH = 24
# Below this the clock and other programs say more than the text does.
TOO_SHORT_S = 0.1
# Of processor time, for a text as long as any may be.
BUDGET_S = 4.0

SHAPES = {
    "words": "lamp that dims itself at night ",
    "one word": "a",
    "sentences": "We sell good lamps in Paris today. ",
    "short sentences": "A b. ",
    "full stops": "a.",
    "hyphens": "a-",
    "at signs": "a@",
    "domains": "a.com",
    "addresses": "https://a.com ",
    "numbers": "12 ",
    "commas": "1,",
    "brackets": "[",
    "links": "[a](",
    "placeholders": "<your",
    "stars": "*",
    "emphasis": "a**b",
    "code": "`a",
    "quotes": "> ",
    "headings": "# \n",
    "list": "- a\n",
    "table": "|a|\n|-|\n",
    "lines": "\n",
    "blanks": " ",
    "names": "Paris ",
    "labels": "**Title:** \n",
    "Chinese": "一二三百分之。",
    "hashtags": "#a",
    "marks": "\u0301",
    "joiners": "\u200d",
    "ampersands": "&",
}
BRIEF = BriefData(
    kind="article",
    brand=BrandData(
        name="Acme Tea", banned=("cheap", "best price ever"), terms=(Term("tea bag", ("teabag",)),)
    ),
)


def read_and_checked(kind: str) -> Callable[[str], object]:
    spec = load(kind)
    return lambda text: spec.check(spec.parse(text), BRIEF)


def compared(text: str) -> object:
    """With itself where every other word is another one."""
    return words(text, text.replace("a", "b", len(text) // 50)[::-1])


def marked(text: str) -> object:
    """With a finding at each of its words, some of which overlap."""
    places = range(0, len(text), 20)
    issues = [{"part": "body", "start": n, "end": n + 30, "severity": "error"} for n in places]
    edges = with_edges({"body": text}, issues)
    return to_marks(to_html(edges["body"]), ["error"] * len(issues), "found")


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "Markdown": to_html,
    "difference": compared,
    "marks": marked,
    "visible": visible,
    "folded": folded,
    "table": lambda text: list(csv_rows(text)),
    **{kind: read_and_checked(kind) for kind in KINDS},
}


def seconds(function: Callable[[str], Any], text: str) -> float:
    """Without the garbage collector: it visits everything that this process ever made."""
    gc.disable()
    try:
        began = time.process_time()
        function(text)
        return time.process_time() - began
    finally:
        gc.enable()


def text_of(shape: str, size: int) -> str:
    return (SHAPES[shape] * (size // len(SHAPES[shape]) + 1))[:size]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_longer_text_takes_longer_in_proportion(name: str) -> None:
    function, slow = FUNCTIONS[name], []
    for shape in SHAPES:
        long = seconds(function, text_of(shape, LONG))
        if long > TOO_SHORT_S:
            short = max(seconds(function, text_of(shape, SHORT)), TOO_SHORT_S / 8)
            if long > MOST_GROWTH * short or long > BUDGET_S:
                slow.append((shape, round(short, 3), round(long, 3)))
    print(f"attempts={len(SHAPES)} failures={len(slow)}")
    assert slow == []


def test_the_clock_tells_a_quadratic_function() -> None:
    """The control: what such a function takes is seen."""

    def quadratic(text: str) -> int:
        return sum(text[:end].count("a") for end in range(0, len(text), 4))

    assert seconds(quadratic, "a" * LONG) > MOST_GROWTH * seconds(quadratic, "a" * SHORT)
