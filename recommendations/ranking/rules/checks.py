"""What every operator takes and gives; a rule with wrong types is refused when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from recommendations.ranking.rules.errors import RuleError
from recommendations.ranking.rules.lexer import Token
from recommendations.ranking.rules.nodes import Attribute, Node, Operation, Type

NUMBER, TEXT, FLAG, LIST, NULL = Type.NUMBER, Type.TEXT, Type.FLAG, Type.LIST, Type.NULL


class Signature(NamedTuple):
    operands: tuple[Type, ...]
    result: Type


OPERATORS = {
    "and": Signature((FLAG, FLAG), FLAG),
    "or": Signature((FLAG, FLAG), FLAG),
    "not": Signature((FLAG,), FLAG),
    "in": Signature((TEXT, LIST), FLAG),
    "neg": Signature((NUMBER,), NUMBER),
    **{sign: Signature((NUMBER, NUMBER), NUMBER) for sign in "+-*/"},
}
FUNCTIONS = {
    "now": Signature((), NUMBER),
    "abs": Signature((NUMBER,), NUMBER),
    "min": Signature((NUMBER, NUMBER), NUMBER),
    "max": Signature((NUMBER, NUMBER), NUMBER),
    "size": Signature((LIST,), NUMBER),
}
EQUALITY, ORDER = ("==", "!="), ("<", "<=", ">", ">=")


def attribute(token: Token, schema: Mapping[str, Type], of_context: bool = False) -> Node:
    if token.value not in schema:
        length = token.end - token.start
        raise RuleError("unknown_attribute", token.start, length, found=repr(token.value))
    return Attribute(token.start, token.end, schema[token.value], token.value, of_context)


def operation(operator: str, operands: tuple[Node, ...], start: int, end: int) -> Node:
    """The checked operation. Raises RuleError at the operand that does not fit."""
    if operator in EQUALITY or operator == "if":
        result = _same(operator, operands)
    elif operator in ORDER:
        result = _ordered(operator, operands)
    else:
        result = _signed(operator, operands, start, end)
    return Operation(start, end, result, operator, operands)


def _same(operator: str, operands: tuple[Node, ...]) -> Type:
    """Two values of one type, either of which may be null; "if" has its condition before."""
    if operator == "if":
        _need(operator, operands[0], FLAG)
    left, right = operands[-2:]
    common = right.type if left.type is NULL else left.type
    if right.type is not NULL:
        _need(operator, right, common)
    if common is LIST:
        raise _wrong(operator, left, "a single value")
    return common if operator == "if" else FLAG


def _ordered(operator: str, operands: tuple[Node, ...]) -> Type:
    left, right = operands
    if left.type not in (NUMBER, TEXT):
        raise _wrong(operator, left, "a number or a text")
    _need(operator, right, left.type)
    return FLAG


def _signed(operator: str, operands: tuple[Node, ...], start: int, end: int) -> Type:
    signature = OPERATORS.get(operator) or FUNCTIONS.get(operator)
    if not signature:
        known = ", ".join(FUNCTIONS)
        raise RuleError("unknown_function", start, len(operator), found=operator, known=known)
    if len(operands) != len(signature.operands):
        count = len(signature.operands)
        raise RuleError("arguments", start, end - start, found=operator, expected=count)
    for operand, wanted in zip(operands, signature.operands, strict=True):
        _need(operator, operand, wanted)
    return signature.result


def _need(operator: str, operand: Node, wanted: Type) -> None:
    if operand.type is not wanted:
        raise _wrong(operator, operand, str(wanted))


def _wrong(operator: str, operand: Node, expected: str) -> RuleError:
    name, length = "-" if operator == "neg" else operator, operand.end - operand.start
    return RuleError(
        "wrong_type", operand.start, length, found=name, expected=expected, given=str(operand.type)
    )
