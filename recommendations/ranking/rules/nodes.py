"""A rule that has been read: its parts, each with its type and its place in the text."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Type(enum.StrEnum):
    NUMBER = "a number"
    TEXT = "a text"
    FLAG = "true or false"
    LIST = "a list of texts"
    NULL = "null"


Value = float | str | bool | tuple[str, ...] | None


def type_of(value: Value) -> Type:
    for kind, found in ((bool, Type.FLAG), (str, Type.TEXT), (tuple, Type.LIST)):
        if isinstance(value, kind):
            return found
    return Type.NULL if value is None else Type.NUMBER


@dataclass(frozen=True, slots=True)
class Node:
    """`start` and `end` are places in the rule's text."""

    start: int
    end: int
    type: Type


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Value


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """Of the item that is judged, or (`of_context`) of the item that is looked at."""

    name: str
    of_context: bool = False


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """`operator` is a symbol, a word or a function's name; "neg" is a sign, "if" has three."""

    operator: str
    operands: tuple[Node, ...]
