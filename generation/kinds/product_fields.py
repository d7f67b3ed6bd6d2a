"""The questions that all short copy about a product asks."""

from __future__ import annotations

from generation.kinds.brief import BriefData
from generation.kinds.fields import Choice, Field
from generation.kinds.text import N_, is_cjk

CALLS = {
    "learn_more": (N_("Learn more"), "Learn more", "了解更多"),
    "shop_now": (N_("Shop now"), "Shop now", "立即选购"),
    "order_now": (N_("Order now"), "Order now", "立即下单"),
    "book_now": (N_("Book now"), "Book now", "立即预约"),
    "sign_up": (N_("Sign up"), "Sign up today", "立即注册"),
    "get_started": (N_("Get started"), "Get started today", "马上开始"),
    "download": (N_("Download"), "Download it today", "立即下载"),
    "contact_us": (N_("Contact us"), "Talk to us today", "联系我们"),
}

PRODUCT = Field(
    "product",
    N_("Product or service"),
    required=True,
    max_length=80,
    help=N_("What it is, in a few words."),
    example=N_("loose-leaf tea subscription"),
)
POINTS = Field(
    "points",
    N_("Selling points"),
    "list",
    required=True,
    max_length=120,
    max_items=10,
    help=N_("One on each line. Only these are stated; the more you give, the better."),
    example=N_("fresh tea every month\nfree delivery\ncancel any time"),
)
OFFER = Field(
    "offer",
    N_("Offer"),
    max_length=80,
    help=N_("A discount or a trial, if there is one."),
    # xgettext:no-python-format
    example=N_("20% off the first box"),
)
CALL = Field(
    "call",
    N_("Call to action"),
    "select",
    default="learn_more",
    choices=tuple(Choice(name, labels[0]) for name, labels in CALLS.items()),
)
LINK = Field("url", N_("Link"), "url", help=N_("Where the reader goes next."))
KEYWORDS = Field(
    "keywords",
    N_("Keywords"),
    "list",
    max_length=60,
    max_items=10,
    help=N_("What people search for, one on each line."),
)


def call_of(brief: BriefData) -> str:
    """The call to action as it stands in copy, in the brief's language."""
    labels = CALLS.get(brief.text("call") or "learn_more", CALLS["learn_more"])
    return labels[2 if is_cjk(brief.language) else 1]
