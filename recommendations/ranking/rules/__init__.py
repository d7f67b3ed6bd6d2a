"""The language of filters and boosters: small, typed, read once, never executed as code.

    'price' < 20 and "sale" in 'tags'
    if 'type' == context_item["type"] then 2 else 1

An attribute stands in 'single' quotes, a text in "double" ones. An item without the attribute
has `null` there: it equals null only, is neither above nor below anything, is false as a flag and
empty as a list; arithmetic with it, or by zero, is null again. A filter keeps where it is true;
a booster multiplies, by 1 where it is null.
"""

from recommendations.ranking.rules.columns import (
    Column,
    FlagColumn,
    ListColumn,
    NumberColumn,
    TextColumn,
    column_of,
)
from recommendations.ranking.rules.errors import RuleError
from recommendations.ranking.rules.nodes import Type
from recommendations.ranking.rules.rule import Rule, RuleContext, parse_booster, parse_filter

__all__ = [
    "Column",
    "FlagColumn",
    "ListColumn",
    "NumberColumn",
    "Rule",
    "RuleContext",
    "RuleError",
    "TextColumn",
    "Type",
    "column_of",
    "parse_booster",
    "parse_filter",
]
