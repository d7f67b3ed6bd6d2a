"""Writing with a small model: narrow questions, templates, and a filter on every line."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.writers.writer import Writer

# How each kind of copy is written so, by the kind's name.
RECIPES = {
    "article": "generation.writers.guided.article.ArticleRecipe",
    "search_ad": "generation.writers.guided.search_ad.SearchAdRecipe",
    "social_post": "generation.writers.guided.social_post.SocialPostRecipe",
    "product_description": "generation.writers.guided.product_description.ProductDescriptionRecipe",
    "marketing_email": "generation.writers.guided.marketing_email.MarketingEmailRecipe",
    "landing_hero": "generation.writers.guided.landing_hero.LandingHeroRecipe",
}


@cache
def load(kind: str) -> Writer:
    """The recipe of a kind that has one, imported on first use."""
    module, _, attribute = RECIPES[kind].rpartition(".")
    recipe: Writer = getattr(import_module(module), attribute)()
    return recipe
