"""A rule for all items at once with numpy; n items. `plain.py` is its twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray, IntArray
from recommendations.ranking.rules.columns import (
    NULL_CODE,
    Column,
    FlagColumn,
    ListColumn,
    NumberColumn,
    TextColumn,
)
from recommendations.ranking.rules.nodes import Attribute, Literal, Node, Operation, Type

Numbers = NDArray[np.float64]
ORDER: dict[str, Callable[..., BoolArray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
ARITHMETIC: dict[str, Callable[..., Numbers]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "neg": np.negative,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
}


class Evaluation:
    """Evaluates bound rules over one catalogue's columns."""

    def __init__(self, columns: Mapping[str, Column], n_items: int) -> None:
        self.columns, self.n_items = columns, n_items

    def flags(self, node: Node) -> BoolArray:
        """(n,); null is false."""
        if isinstance(node, Operation) and node.operator != "if":
            return self._flag(node)
        return self.flag_column(node).values

    def flag_column(self, node: Node) -> FlagColumn:
        nothing = np.zeros(self.n_items, dtype=bool)
        match node:
            case Literal(value=value):
                return FlagColumn(nothing | bool(value), nothing | (value is None))
            case Attribute(name=name):
                column = self.columns[name]
                assert isinstance(column, FlagColumn)
                return column
            case Operation(operator="if", operands=(condition, chosen, other)):
                which = self.flags(condition)
                left, right = self.flag_column(chosen), self.flag_column(other)
                return FlagColumn(
                    np.where(which, left.values, right.values),
                    np.where(which, left.nulls, right.nulls),
                )
        return FlagColumn(self.flags(node), nothing)

    def _flag(self, node: Operation) -> BoolArray:
        operands = node.operands
        match node.operator:
            case "and":
                return np.logical_and(*map(self.flags, operands))
            case "or":
                return np.logical_or(*map(self.flags, operands))
            case "not":
                return ~self.flags(operands[0])
            case "in":
                return self._inside(*operands)
            case "==" | "!=":
                return np.equal(self._equal(*operands), node.operator == "==")
        return self._ordered(node.operator, *operands)

    def _equal(self, left: Node, right: Node) -> BoolArray:
        kind = right.type if left.type is Type.NULL else left.type
        if kind is Type.NUMBER:
            one, other = self.numbers(left), self.numbers(right)
            return np.equal(one, other) | (np.isnan(one) & np.isnan(other))
        if kind is Type.TEXT:
            codes, others, _ = shared_codes(self.texts(left), self.texts(right))
            return np.equal(codes, others)
        if kind is Type.FLAG:
            flags, rest = self.flag_column(left), self.flag_column(right)
            return np.equal(flags.values, rest.values) & np.equal(flags.nulls, rest.nulls)
        return np.ones(self.n_items, dtype=bool)

    def _ordered(self, operator: str, left: Node, right: Node) -> BoolArray:
        if left.type is Type.NUMBER:
            return ORDER[operator](self.numbers(left), self.numbers(right))
        codes, others, words = shared_codes(self.texts(left), self.texts(right))
        ranks = np.empty(len(words) + 1, dtype=np.int64)
        ranks[np.argsort(np.array(words, dtype=object))] = np.arange(len(words))
        known = (codes != NULL_CODE) & (others != NULL_CODE)
        ordered: BoolArray = ORDER[operator](ranks[codes], ranks[others])
        return np.asarray(ordered & known)

    def _inside(self, text: Node, entries: Node) -> BoolArray:
        texts = self.texts(text)
        if isinstance(entries, Literal):
            wanted = set(entries.value) if isinstance(entries.value, tuple) else set()
            table = looked_up((word in wanted for word in texts.vocabulary), False)
            return np.equal(table[texts.codes], True)
        column = self.lists(entries)
        codes, others, _ = shared_codes(texts, TextColumn(column.codes, column.vocabulary))
        return column.any_of(codes[column.rows()] == others)

    def lists(self, node: Node) -> ListColumn:
        assert isinstance(node, Attribute)
        column = self.columns[node.name]
        assert isinstance(column, ListColumn)
        return column

    def texts(self, node: Node) -> TextColumn:
        match node:
            case Literal(value=str(value)):
                return TextColumn(np.zeros(self.n_items, dtype=np.int64), (value,))
            case Attribute(name=name):
                column = self.columns[name]
                assert isinstance(column, TextColumn)
                return column
            case Operation(operands=(condition, chosen, other)):
                codes, others, words = shared_codes(self.texts(chosen), self.texts(other))
                return TextColumn(np.where(self.flags(condition), codes, others), words)
        return TextColumn(np.full(self.n_items, NULL_CODE), ())

    def numbers(self, node: Node) -> Numbers:
        """(n,) with NaN for null."""
        match node:
            case Literal(value=value):
                filled = np.nan if value is None else float(value)  # type: ignore[arg-type]
                return np.full(self.n_items, filled)
            case Attribute(name=name):
                column = self.columns[name]
                assert isinstance(column, NumberColumn)
                return column.values
            case Operation(operator="if", operands=(condition, chosen, other)):
                flags = self.flags(condition)
                return np.where(flags, self.numbers(chosen), self.numbers(other))
            case Operation(operator="size", operands=(entries,)):
                return self._sizes(entries)
        assert isinstance(node, Operation)
        with np.errstate(all="ignore"):
            found = ARITHMETIC[node.operator](*map(self.numbers, node.operands))
        return np.where(np.isfinite(found), found, np.nan)

    def _sizes(self, entries: Node) -> Numbers:
        if isinstance(entries, Literal):
            size = len(entries.value) if isinstance(entries.value, tuple) else 0
            return np.full(self.n_items, float(size))
        return np.diff(self.lists(entries).offsets).astype(np.float64)


def looked_up(values: Iterable[int], null: int) -> IntArray:
    """A table of a vocabulary whose last place answers to the code -1."""
    return np.array([*values, null], dtype=np.int64)


def shared_codes(left: TextColumn, right: TextColumn) -> tuple[IntArray, IntArray, tuple[str, ...]]:
    """Both columns' codes in one vocabulary, (n,) and (m,)."""
    places = {word: place for place, word in enumerate(left.vocabulary)}
    others = [places.setdefault(word, len(places)) for word in right.vocabulary]
    table = looked_up(others, NULL_CODE)
    return left.codes, table[right.codes], tuple(places)
