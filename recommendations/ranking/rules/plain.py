"""A rule for one item, step by step: the twin that the faster ways are compared with."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from recommendations.ranking.rules.nodes import Attribute, Literal, Node, Operation, Type, Value

ORDER: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if b else math.nan,
    "neg": operator.neg,
    "abs": abs,
    "min": min,
    "max": max,
}


def value_of(node: Node, item: Mapping[str, Value]) -> Value:
    """What a bound rule gives for an item."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Attribute):
        return item.get(node.name)
    assert isinstance(node, Operation)
    values = [value_of(operand, item) for operand in node.operands]
    if node.type is Type.NUMBER and node.operator in ARITHMETIC:
        return _finite(node.operator, values)
    return _other(node.operator, values)


def _finite(name: str, values: list[Value]) -> Value:
    if None in values:
        return None
    found = ARITHMETIC[name](*values)
    return found if math.isfinite(found) else None


def _other(name: str, values: list[Value]) -> Value:
    match name, values:
        case "if", [condition, chosen, other]:
            return chosen if condition else other
        case "not", [flag]:
            return not flag
        case "and", [left, right]:
            return bool(left and right)
        case "or", [left, right]:
            return bool(left or right)
        case "size", [entries]:
            return float(len(entries or ()))  # type: ignore[arg-type]
        case _, [left, right]:
            return _compared(name, left, right)
    raise ValueError(f"no operator {name}")


def _compared(name: str, left: Value, right: Value) -> bool:
    if name in ("==", "!="):
        return (left == right) == (name == "==")
    if name == "in":
        return left is not None and left in (right or ())  # type: ignore[operator]
    return left is not None and right is not None and ORDER[name](left, right)
