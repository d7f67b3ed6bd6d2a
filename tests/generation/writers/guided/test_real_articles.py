"""Whole articles on the real model: as long as asked, without invented numbers or banned terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from generation import kinds
from generation.engine import load
from generation.engine.types import Engine, EngineError, Finished
from generation.kinds.kind import BrandData, BriefData
from generation.kinds.text import count_words
from generation.writers import guided
from generation.writers.writer import Completion, Draft
from tests.support.tally import tally

ARTICLE = kinds.load("article")
RECIPE = guided.load("article")
PLANTS = BrandData(
    "Brightleaf",
    about="Brightleaf delivers healthy houseplants to city flats.",
    tone="warm, plain, a little playful",
    banned=("cheap", "guaranteed"),
)
ADVICE = BrandData("Plainwork", about="Plainwork advises companies.", tone="sober, precise")
CYCLES = BrandData("Northside Cycles", about="A bicycle shop and workshop in Leeds.")


def brief(brand: BrandData, length: int, topic: str, *points: str, **fields: object) -> BriefData:
    given = ARTICLE.clean({"topic": topic, "points": list(points), **fields})
    return BriefData("article", brand, given, length=length, seed=length)


BRIEFS = [
    brief(
        PLANTS,
        400,
        "How to keep houseplants alive in a dark flat",
        "choose plants that like shade",
        "water less than you think",
        "wipe the leaves",
        facts=["Plants arrive potted within 48 hours"],
    ),
    brief(ADVICE, 500, "Trust in remote teams", format="report"),
    brief(
        ADVICE,
        800,
        "Attention and meetings in mid-sized companies",
        "meetings take more time than planned",
        "people switch between tasks",
        "clear agendas help",
        format="report",
    ),
    brief(
        CYCLES,
        200,
        "Northside Cycles opens a second workshop",
        "opens on 1 March in Headingley",
        "free safety check in the first week",
        format="news",
        facts=["The workshop opens on 1 March"],
    ),
    brief(
        CYCLES,
        600,
        "Getting your bike ready for winter",
        "clean the chain",
        "check the lights",
        "wear layers",
        "keep it dry overnight",
    ),
    brief(BrandData("Moonrise"), 250, "Better sleep"),
]
INVENTED = {"invented_number", "invented_name", "invented_address", "banned_term", "language"}


@dataclass(slots=True)
class Article:
    draft: Draft
    tokens: int
    seconds: float

    @property
    def words(self) -> int:
        return count_words(ARTICLE.render(self.draft.data))


@pytest.fixture(scope="module")
def engine(base_model: Path) -> Iterator[Engine]:
    engine = load("local", model=base_model, rows=1, threads=1)
    yield engine
    engine.close()


def written(engine: Engine, brief: BriefData) -> Article:
    """Write a brief alone, one request at a time, as a worker does."""
    began, tokens = monotonic(), 0
    writing = RECIPE.write(ARTICLE, brief)
    answer: Completion | None = None
    while True:
        try:
            ask = writing.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            return Article(end.value, tokens, monotonic() - began)
        engine.submit(ask.request(request_id="article", tenant="acme"))
        finished = last_event(engine)
        tokens += finished.completion_tokens
        answer = Completion(finished.text, finished.reason, finished.completion_tokens)


def last_event(engine: Engine) -> Finished:
    while True:
        for event in engine.step():
            if isinstance(event, Finished):
                return event


@pytest.mark.prove
def test_articles_are_as_long_as_asked(engine: Engine) -> None:
    proof = tally("articles on the real model within a fifth of the length asked")
    for each in BRIEFS:
        article = written(engine, each)
        codes = {issue.code for issue in article.draft.issues}
        print(
            f"{each.text('topic')[:40]:40} asked={each.length} got={article.words} "
            f"seconds={article.seconds:.0f} tokens_per_word={article.tokens / article.words:.1f} "
            f"issues={sorted(codes)}"
        )
        proof.attempts += 1
        fits = abs(article.words / each.length - 1) <= 0.2
        proof.failures += not fits or bool(codes & (INVENTED | {"length"}))
        proof.controls += article.tokens <= RECIPE.estimate_tokens(ARTICLE, each).completion_tokens
    assert proof.failures == 0
    assert proof.controls == proof.attempts


@pytest.mark.prove
def test_a_model_without_chinese_says_so_at_once(engine: Engine) -> None:
    chinese = BriefData("article", PLANTS, {"topic": "怎样养绿植"}, language="zh-hans", length=400)
    with pytest.raises(EngineError) as caught:
        written(engine, chinese)
    assert caught.value.code == "language_unsupported"
