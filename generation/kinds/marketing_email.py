"""Marketing emails: subject, preheader and a body that leads to one action."""

from __future__ import annotations

from generation.kinds.kind import Data, Part
from generation.kinds.product_fields import CALL, LINK, OFFER, POINTS, PRODUCT
from generation.kinds.short import Short
from generation.kinds.text import N_

SUBJECT, PREHEADER, SENTENCE, BODY = 60, 100, 160, 4000


class MarketingEmail(Short):
    name = "marketing_email"
    label = N_("Marketing email")
    description = N_("Subject, preheader and body with one call to action.")
    icon = "mail"
    fields = (PRODUCT, POINTS, OFFER, CALL, LINK)
    parts = (
        Part("subject", N_("Subject"), SUBJECT),
        Part("preheader", N_("Preheader"), PREHEADER),
        Part("body", N_("Body"), BODY, long=True),
    )

    def title(self, data: Data) -> str:
        return str(data.get("subject", ""))
