"""Worked examples that show a small model what is wanted: invented products, no facts to reuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from generation.kinds.kind import BriefData
from generation.writers.guided.product_brief import ProductBrief
from generation.writers.guided.turns import answer, system
from generation.writers.prompt_budget import Turn

# A headline has capitals as in an ad, a line those of a sentence.
Style = Literal["headline", "line", "sentence"]
Example = tuple[str, tuple[tuple[str, str, str], ...]]

ENGLISH: tuple[Example, ...] = (
    (
        "Brightside solar panels",
        (
            (
                "cuts your power bill",
                "Cut Your Power Bill",
                "Cut your power bill with Brightside solar panels.",
            ),
            (
                "fitted in one day",
                "Fitted in One Day",
                "Your Brightside panels are fitted in one day.",
            ),
            ("free home survey", "Free Home Survey", "Book your free home survey with Brightside."),
        ),
    ),
    (
        "Fernway hiking boots",
        (
            (
                "light as a trainer",
                "Light as a Trainer",
                "Fernway hiking boots are as light as a trainer.",
            ),
            ("dry in any rain", "Stay Dry in Any Rain", "Stay dry in any rain with Fernway."),
            (
                "no breaking in",
                "No Breaking In",
                "Walk out of the shop and up the hill, with no breaking in.",
            ),
        ),
    ),
)
CHINESE: tuple[Example, ...] = (
    (
        "晨光豆浆机",
        (
            ("十分钟出浆", "十分钟喝上豆浆", "晨光豆浆机，十分钟就能喝上热豆浆。"),
            ("免泡豆", "不用泡豆", "不用提前泡豆，想喝就做。"),
            ("一键清洗", "一键就洗净", "喝完一键清洗，不用动手。"),
        ),
    ),
)
TASKS = {
    "headline": (
        "You write short, true headlines.",
        "Turn each point into a headline of two to five words.",
    ),
    "line": (
        "You write short, true subject lines.",
        "Turn each point into a line of three to eight words.",
    ),
    "sentence": (
        "You write short, true sentences for ads.",
        "Turn each point into one short sentence.",
    ),
}
CHINESE_TASKS = {
    "headline": ("你写简短真实的广告标题。", "把每一点写成一个短标题。"),
    "line": ("你写简短真实的标题。", "把每一点写成一个短标题。"),
    "sentence": ("你写简短真实的广告语。", "把每一点写成一句话。"),
}


def turns(
    style: Style, name: str, product: ProductBrief, sources: Sequence[str], brief: BriefData
) -> list[Turn]:
    """The conversation that asks for one line for each source."""
    tasks, known = (CHINESE_TASKS, CHINESE) if product.chinese else (TASKS, ENGLISH)
    role, task = tasks[style]
    found: list[Turn] = [system(role, brief)]
    for example, rows in known:
        found.append(request(task, example, [row[0] for row in rows], product.chinese))
        found.append(answer(name, [shown(row, style) for row in rows]))
    return [*found, request(task, product.full, sources, product.chinese)]


def shown(row: tuple[str, str, str], style: Style) -> str:
    if style == "line":
        return row[1].capitalize()
    return row[1 if style == "headline" else 2]


def request(task: str, example: str, sources: Sequence[str], chinese: bool) -> Turn:
    label = "产品：" if chinese else "Product: "
    return "user", "\n".join([f"{label}{example}", task, *(f"- {source}" for source in sources)])
