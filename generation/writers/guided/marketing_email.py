"""Marketing emails: subject and sentences by the model, the list from the brief."""

from __future__ import annotations

from dataclasses import replace

from generation.kinds.kind import BriefData, Data
from generation.kinds.marketing_email import PREHEADER, SENTENCE, SUBJECT
from generation.writers.guided.product_brief import ProductBrief
from generation.writers.guided.short import (
    Lines,
    ShortRecipe,
    Want,
    listed_points,
    offering,
    opening,
    spare_lines,
    spare_sentences,
    telling,
)

# Before a list of points; before one of sentences, as every other variant has it.
LEADS = ("In short:", "Here's what you get:")


class MarketingEmailRecipe(ShortRecipe):
    """Marketing emails: subject and sentences by the model, the list from the brief."""

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        return [
            Want("subject", "line", SUBJECT, 1, product.news, spare_lines(product, SUBJECT)),
            Want(
                "preheader",
                "sentence",
                PREHEADER,
                1,
                (),
                spare_sentences(product, PREHEADER),
            ),
            opening(product, SENTENCE),
            telling(replace(product, points=product.points[1:]), SENTENCE, 1, "body"),
            offering(product, SENTENCE),
        ]

    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        return {
            "subject": lines["subject"][0],
            "preheader": lines["preheader"][0],
            "body": body(lines, product),
        }


def body(lines: Lines, product: ProductBrief) -> str:
    """Greeting, opening, what the reader gets, the action, the sign-off."""
    hello, list_lead, sign_off = (
        ("您好，", "您可以得到：", f"{product.brand}团队")
        if product.chinese
        else (
            "Hi there,",
            LEADS[product.variant % 2 if product.variant else 1],
            f"The {product.brand} team",
        )
    )
    points = "\n".join(f"- {line}" for line in listed_points(product))
    action = f"[{product.call}]({product.url})" if product.url else f"**{product.call}**"
    first = product.joined([*lines["opening"], *lines["body"]])
    gains = f"{list_lead}\n\n{points}" if points else ""
    blocks = (hello, first, gains, *lines["offer"], action, sign_off)
    return "\n\n".join(block for block in blocks if block)
