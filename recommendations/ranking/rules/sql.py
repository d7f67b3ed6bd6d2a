"""A rule as a PostgreSQL condition or number; every value of the rule is a parameter."""

from __future__ import annotations

from collections.abc import Mapping

from recommendations.ranking.rules.nodes import Attribute, Literal, Node, Operation, Type, Value

TYPES = {
    Type.NUMBER: "double precision",
    Type.TEXT: "text",
    Type.FLAG: "boolean",
    Type.LIST: "text[]",
    Type.NULL: "text",
}
# LEAST and GREATEST overlook nulls, a sum does not.
EXTREME = (
    "(SELECT CASE WHEN pair.a + pair.b IS NOT NULL THEN {name}(pair.a, pair.b) END"
    " FROM (SELECT {{}} AS a, {{}} AS b) AS pair)"
)
TEMPLATES = {
    "and": "({} AND {})",
    "or": "({} OR {})",
    "not": "(NOT {})",
    "==": "({} IS NOT DISTINCT FROM {})",
    "!=": "({} IS DISTINCT FROM {})",
    "in": "COALESCE({} = ANY({}), false)",
    "/": "({} / NULLIF({}, 0))",
    "neg": "(- {})",
    "abs": "abs({})",
    "size": "COALESCE(cardinality({}), 0)::double precision",
    "if": "(CASE WHEN {} THEN {} ELSE {} END)",
    "min": EXTREME.format(name="LEAST"),
    "max": EXTREME.format(name="GREATEST"),
    **{sign: f"({{}} {sign} {{}})" for sign in "+-*"},
}
# How many of an operator's first operands are conditions, in which null is false.
CONDITIONS = {"and": 2, "or": 2, "not": 1, "if": 1}
Compiled = tuple[str, list[Value | list[str]]]


class Compiler:
    """`columns` gives each attribute's SQL expression, of the type in TYPES (trusted, no %)."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = columns
        self.parameters: list[Value | list[str]] = []

    def compiled(self, node: Node, kind: Type | None = None) -> str:
        """SQL for a bound node; a null literal takes the type `kind` of its neighbour."""
        if isinstance(node, Literal):
            value = list(node.value) if isinstance(node.value, tuple) else node.value
            self.parameters.append(value)
            return f"%s::{TYPES[kind if kind and node.type is Type.NULL else node.type]}"
        if isinstance(node, Attribute):
            return self._attribute(node)
        assert isinstance(node, Operation)
        return self._operation(node, kind)

    def _attribute(self, node: Attribute) -> str:
        column = f"({self.columns[node.name]})"
        # Texts compare by code points, as Python and numpy do.
        return f'({column} COLLATE "C")' if node.type is Type.TEXT else column

    def _operation(self, node: Operation, kind: Type | None) -> str:
        common = kind
        if node.operator in ("==", "!=", "if"):
            types = [operand.type for operand in node.operands[-2:]]
            common = next((found for found in types if found is not Type.NULL), kind)
        parts = [self.compiled(operand, common) for operand in node.operands]
        for place in range(CONDITIONS.get(node.operator, 0)):
            parts[place] = f"COALESCE({parts[place]}, false)"
        template = TEMPLATES.get(node.operator, f"COALESCE({{}} {node.operator} {{}}, false)")
        return template.format(*parts)
