"""Reads a rule by recursive descent: or, and, not, comparison, sum, product, sign, value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from recommendations.ranking.rules.checks import attribute, operation
from recommendations.ranking.rules.errors import RuleError
from recommendations.ranking.rules.lexer import WORDS, Token, number, tokens
from recommendations.ranking.rules.nodes import Literal, Node, Type, type_of

MAX_DEPTH = 40
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in", "not")
CONSTANTS = {"true": True, "false": False, "null": None}


class Parser:
    """`schema` names the attributes that items have, with their types."""

    def __init__(self, text: str, schema: Mapping[str, Type]) -> None:
        self.tokens, self.schema = tokens(text), schema
        self.place = self.depth = 0

    def parse(self) -> Node:
        found = self.expression()
        if self.next.kind != "end":
            raise self.unexpected("an operator or the end")
        return found

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def at(self, *values: str) -> bool:
        return self.next.kind in ("word", "symbol") and self.next.value in values

    def expect(self, value: str) -> Token:
        if not self.at(value):
            raise self.unexpected(value)
        return self.take()

    def unexpected(self, expected: str) -> RuleError:
        token = self.next
        return RuleError(
            "unexpected", token.start, token.end - token.start, expected=expected, found=str(token)
        )

    @contextmanager
    def nested(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RuleError("too_deep", self.next.start, limit=MAX_DEPTH)
        yield
        self.depth -= 1

    def expression(self) -> Node:
        with self.nested():
            return self.conditional() if self.at("if") else self.disjunction()

    def conditional(self) -> Node:
        start = self.take().start
        condition = self.expression()
        self.expect("then")
        chosen = self.expression()
        self.expect("else")
        other = self.expression()
        return operation("if", (condition, chosen, other), start, other.end)

    def disjunction(self) -> Node:
        left = self.conjunction()
        while self.at("or"):
            left = self.joined(left, self.take().value, self.conjunction())
        return left

    def conjunction(self) -> Node:
        left = self.negation()
        while self.at("and"):
            left = self.joined(left, self.take().value, self.negation())
        return left

    def negation(self) -> Node:
        if not self.at("not"):
            return self.comparison()
        start = self.take().start
        with self.nested():
            operand = self.negation()
        return operation("not", (operand,), start, operand.end)

    def comparison(self) -> Node:
        left = self.sum()
        if not self.at(*COMPARISONS):
            return left
        operator = self.take().value
        if operator == "not":
            self.expect("in")
            inside = self.joined(left, "in", self.sum())
            return operation("not", (inside,), left.start, inside.end)
        return self.joined(left, operator, self.sum())

    def sum(self) -> Node:
        left = self.product()
        while self.at("+", "-"):
            left = self.joined(left, self.take().value, self.product())
        return left

    def product(self) -> Node:
        left = self.sign()
        while self.at("*", "/"):
            left = self.joined(left, self.take().value, self.sign())
        return left

    def sign(self) -> Node:
        if not self.at("-"):
            return self.value()
        start = self.take().start
        with self.nested():
            operand = self.sign()
        return operation("neg", (operand,), start, operand.end)

    def joined(self, left: Node, operator: str, right: Node) -> Node:
        return operation(operator, (left, right), left.start, right.end)

    def value(self) -> Node:
        token = self.next
        if token.kind == "number":
            return Literal(token.start, self.take().end, Type.NUMBER, number(token))
        if token.kind == "text":
            return Literal(token.start, self.take().end, Type.TEXT, token.value)
        if token.kind == "attribute":
            return attribute(self.take(), self.schema)
        if self.at("(", "["):
            return self.group() if self.at("(") else self.list()
        if token.kind == "word":
            return self.word()
        raise self.unexpected("a value")

    def group(self) -> Node:
        self.take()
        found = self.expression()
        self.expect(")")
        return found

    def list(self) -> Node:
        start, values = self.take().start, []
        while not self.at("]"):
            if self.next.kind != "text":
                raise self.unexpected("a text")
            values.append(self.take().value)
            if not self.at("]"):
                self.expect(",")
        return Literal(start, self.take().end, Type.LIST, tuple(values))

    def word(self) -> Node:
        token = self.next
        if token.value in CONSTANTS:
            value = CONSTANTS[token.value]
            return Literal(token.start, self.take().end, type_of(value), value)
        if token.value in WORDS:
            raise self.unexpected("a value")
        self.take()
        return self.context_item() if token.value == "context_item" else self.call(token)

    def context_item(self) -> Node:
        self.expect("[")
        if self.next.kind not in ("text", "attribute"):
            raise self.unexpected("an attribute's name")
        name = self.take()
        self.expect("]")
        return attribute(name, self.schema, of_context=True)

    def call(self, name: Token) -> Node:
        self.expect("(")
        operands: list[Node] = []
        while not self.at(")"):
            operands.append(self.expression())
            if not self.at(")"):
                self.expect(",")
        return operation(name.value, tuple(operands), name.start, self.take().end)
