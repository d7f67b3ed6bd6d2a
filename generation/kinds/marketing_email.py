"""Marketing e-mails: subject, preheader and a body that leads to one action."""

from __future__ import annotations

from dataclasses import replace

from generation.kinds.kind import BriefData, Data, Part
from generation.kinds.short import (
    Lines,
    Short,
    Want,
    offering,
    opening,
    spare_lines,
    spare_sentences,
    telling,
)
from generation.kinds.text import N_
from generation.writers.guided.product_brief import (
    CALL,
    LINK,
    OFFER,
    POINTS,
    PRODUCT,
    ProductBrief,
    upper_first,
)

SUBJECT, PREHEADER, SENTENCE, BODY = 60, 100, 160, 4000


class MarketingEmail(Short):
    name = "marketing_email"
    label = N_("Marketing e-mail")
    description = N_("Subject, preheader and body with one call to action.")
    icon = "mail"
    fields = (PRODUCT, POINTS, OFFER, CALL, LINK)
    parts = (
        Part("subject", N_("Subject"), SUBJECT),
        Part("preheader", N_("Preheader"), PREHEADER),
        Part("body", N_("Body"), BODY, long=True),
    )

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        return [
            Want("subject", "line", SUBJECT, 1, product.things[-1:], spare_lines(product, SUBJECT)),
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

    def title(self, data: Data) -> str:
        return str(data.get("subject", ""))


def body(lines: Lines, product: ProductBrief) -> str:
    """Greeting, opening, what the reader gets, the action, the sign-off."""
    hello, list_lead, sign_off = (
        ("您好，", "您可以得到：", f"{product.brand}团队")
        if product.chinese
        else ("Hi there,", "Here's what you get:", f"The {product.brand} team")
    )
    points = "\n".join(f"- {upper_first(point.text)}" for point in product.points)
    action = f"[{product.call}]({product.url})" if product.url else f"**{product.call}**"
    first = product.joined([*lines["opening"], *lines["body"]])
    gains = f"{list_lead}\n\n{points}" if points else ""
    blocks = (hello, first, gains, *lines["offer"], action, sign_off)
    return "\n\n".join(block for block in blocks if block)
