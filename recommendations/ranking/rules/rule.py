"""A rule ready to use: read once, bound to a context, then for one item, for all, or as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray
from recommendations.ranking.rules.arrays import Evaluation
from recommendations.ranking.rules.columns import Column
from recommendations.ranking.rules.errors import RuleError
from recommendations.ranking.rules.nodes import Attribute, Literal, Node, Operation, Type, Value
from recommendations.ranking.rules.parser import Parser
from recommendations.ranking.rules.plain import value_of
from recommendations.ranking.rules.sql import Compiled, Compiler

NO_BOOST = 1.0


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule may ask for beside the item: the time in unix seconds, the item at hand."""

    now: float = 0.0
    item: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` as it was written and what it means."""

    text: str
    node: Node

    def bound(self, context: RuleContext) -> Node:
        return bound(self.node, context)

    def attributes(self) -> set[str]:
        """The names of all attributes that the rule reads."""
        return names(self.node)

    def accepts(self, item: Mapping[str, Value], context: RuleContext) -> bool:
        """Whether a filter keeps one item."""
        return bool(value_of(self.bound(context), item))

    def boost(self, item: Mapping[str, Value], context: RuleContext) -> float:
        """A booster's factor for one item, never below 0."""
        value = value_of(self.bound(context), item)
        return NO_BOOST if value is None else max(0.0, float(value))  # type: ignore[arg-type]

    def mask(self, columns: Mapping[str, Column], n_items: int, context: RuleContext) -> BoolArray:
        """What a filter keeps of a catalogue (n_items,)."""
        return Evaluation(columns, n_items).flags(self.bound(context))

    def boosts(
        self, columns: Mapping[str, Column], n_items: int, context: RuleContext
    ) -> NDArray[np.float64]:
        """A booster's factors for a catalogue (n_items,), never below 0."""
        found = Evaluation(columns, n_items).numbers(self.bound(context))
        return np.where(np.isnan(found), NO_BOOST, np.maximum(0.0, found))

    def sql(self, columns: Mapping[str, str], context: RuleContext) -> Compiled:
        """(SQL, parameters): a boolean for a filter, a number or NULL for a booster."""
        compiler = Compiler(columns)
        found = compiler.compiled(self.bound(context))
        if self.node.type is Type.FLAG:
            found = f"COALESCE({found}, false)"
        return found, compiler.parameters


def parse_filter(text: str, schema: Mapping[str, Type]) -> Rule:
    """Raises RuleError, which points at the place, unless the text is a condition."""
    return _parsed(text, schema, Type.FLAG, "not_a_filter")


def parse_booster(text: str, schema: Mapping[str, Type]) -> Rule:
    """Raises RuleError, which points at the place, unless the text is a number."""
    return _parsed(text, schema, Type.NUMBER, "not_a_booster")


def _parsed(text: str, schema: Mapping[str, Type], wanted: Type, code: str) -> Rule:
    node = Parser(text, schema).parse()
    if node.type is not wanted:
        raise RuleError(code, node.start, node.end - node.start, given=str(node.type))
    return Rule(text, node)


def bound(node: Node, context: RuleContext) -> Node:
    """The rule with the context's values in the place of what asks for them."""
    if isinstance(node, Attribute) and node.of_context:
        return Literal(node.start, node.end, node.type, _fitting(node, context))
    if isinstance(node, Operation):
        if node.operator == "now":
            return Literal(node.start, node.end, node.type, context.now)
        return replace(node, operands=tuple(bound(part, context) for part in node.operands))
    return node


def _fitting(node: Attribute, context: RuleContext) -> Value:
    """The item's value if it has one of the attribute's type."""
    value = context.item.get(node.name)
    if isinstance(value, list):
        value = tuple(value)
    kinds = {Type.NUMBER: (int, float), Type.TEXT: str, Type.FLAG: bool, Type.LIST: tuple}
    fits = isinstance(value, kinds.get(node.type, ()))  # type: ignore[arg-type]
    if not fits or (node.type is Type.NUMBER and isinstance(value, bool)):
        return None
    return float(value) if node.type is Type.NUMBER else value  # type: ignore[arg-type]


def names(node: Node) -> set[str]:
    if isinstance(node, Attribute):
        return {node.name}
    parts = node.operands if isinstance(node, Operation) else ()
    return {name for part in parts for name in names(part)}
