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
    Pitch,
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

    def wants(self, brief: BriefData, pitch: Pitch) -> list[Want]:
        return [
            Want("subject", "line", SUBJECT, 1, pitch.things[-1:], spare_lines(pitch, SUBJECT)),
            Want(
                "preheader",
                "sentence",
                PREHEADER,
                1,
                (),
                spare_sentences(pitch, PREHEADER),
            ),
            opening(pitch, SENTENCE),
            telling(replace(pitch, points=pitch.points[1:]), SENTENCE, 1, "body"),
            offering(pitch, SENTENCE),
        ]

    def assemble(self, lines: Lines, brief: BriefData, pitch: Pitch) -> Data:
        return {
            "subject": lines["subject"][0],
            "preheader": lines["preheader"][0],
            "body": body(lines, pitch),
        }

    def title(self, data: Data) -> str:
        return str(data.get("subject", ""))


def body(lines: Lines, pitch: Pitch) -> str:
    """Greeting, opening, what the reader gets, the action, the sign-off."""
    hello, list_lead, sign_off = (
        ("您好，", "您可以得到：", f"{pitch.brand}团队")
        if pitch.chinese
        else ("Hi there,", "Here's what you get:", f"The {pitch.brand} team")
    )
    points = "\n".join(f"- {upper_first(point.text)}" for point in pitch.points)
    action = f"[{pitch.call}]({pitch.url})" if pitch.url else f"**{pitch.call}**"
    first = pitch.joined([*lines["opening"], *lines["body"]])
    gains = f"{list_lead}\n\n{points}" if points else ""
    blocks = (hello, first, gains, *lines["offer"], action, sign_off)
    return "\n\n".join(block for block in blocks if block)
