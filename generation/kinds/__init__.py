"""Kinds of copy. A new kind is one module here and one line in KINDS. Free of Django."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.kinds.kind import Kind

KINDS = {
    "article": "generation.kinds.article.Article",
    "search_ad": "generation.kinds.search_ad.SearchAd",
    "social_post": "generation.kinds.social_post.SocialPost",
    "product_description": "generation.kinds.product_description.ProductDescription",
    "marketing_email": "generation.kinds.marketing_email.MarketingEmail",
    "landing_hero": "generation.kinds.landing_hero.LandingHero",
}


class UnknownKind(LookupError):
    """No kind of copy has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown kind of copy {name!r}; known: {', '.join(KINDS)}")
        self.name = name


@cache
def load(name: str) -> Kind:
    """The kind called `name`, imported on first use."""
    if name not in KINDS:
        raise UnknownKind(name)
    module, _, attribute = KINDS[name].rpartition(".")
    kind: Kind = getattr(import_module(module), attribute)()
    return kind
