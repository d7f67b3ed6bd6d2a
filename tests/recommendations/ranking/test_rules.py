"""Rules mean the same for one item, for all items at once, and in the database."""

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ranking.rules import (
    Rule,
    RuleContext,
    RuleError,
    Type,
    column_of,
    parse_booster,
    parse_filter,
)
from recommendations.ranking.rules.nodes import Value

SCHEMA = {
    **{"price": Type.NUMBER, "stock": Type.NUMBER, "brand": Type.TEXT, "type": Type.TEXT},
    **{"sale": Type.FLAG, "tags": Type.LIST, "odd 'name'": Type.TEXT},
}
SQL_TYPES = {
    **{"price": "double precision", "stock": "double precision", "brand": "text"},
    **{"type": "text", "sale": "boolean", "tags": "text[]"},
}
WORDS = ["a", "B", "é", "sale", "鞋", ""]
NUMBERS = [0.0, 1.0, 2.5, 20.0, 1e15]
Item = dict[str, Value]

items = st.fixed_dictionaries(
    {
        "price": st.sampled_from([None, *NUMBERS, -1.0]),
        "stock": st.sampled_from([None, *NUMBERS]),
        "brand": st.sampled_from([None, *WORDS]),
        "type": st.sampled_from([None, *WORDS]),
        "sale": st.sampled_from([None, True, False]),
        "tags": st.none() | st.lists(st.sampled_from(WORDS), max_size=3).map(tuple),
    }
)


def quoted(word: str) -> str:
    return f'"{word}"'


def leaf(kind: Type) -> st.SearchStrategy[str]:
    names = [name for name, found in SCHEMA.items() if found is kind and name in SQL_TYPES]
    attributes = [f"'{name}'" for name in names] + [f'context_item["{name}"]' for name in names]
    values = {
        Type.NUMBER: [*map(repr, NUMBERS), "now()"],
        Type.TEXT: [quoted(word) for word in WORDS],
        Type.FLAG: ["true", "false"],
        Type.LIST: ["[]", '["a", "鞋"]'],
    }
    return st.sampled_from(attributes * 3 + values[kind])


ARITHMETIC = ["({} + {})", "({} - {})", "({} * {})", "({} / {})", "min({}, {})", "max({}, {})"]
ORDER = ["<", "<=", ">", ">="]


def filled(forms: list[str], *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(str.format, st.sampled_from(forms), *parts)


def rule_text(kind: Type, depth: int = 3) -> st.SearchStrategy[str]:
    """Every rule of a type up to a depth."""
    if depth == 0 or kind is Type.LIST:
        return leaf(kind)
    number, text, flag = (rule_text(of, depth - 1) for of in (Type.NUMBER, Type.TEXT, Type.FLAG))
    own = {Type.NUMBER: number, Type.TEXT: text, Type.FLAG: flag}[kind]
    forms = [filled(["(if {} then {} else {})"], flag, own, own)]
    if kind is Type.NUMBER:
        forms += [filled(["(-{})", "abs({})"], own), filled(["size({})"], leaf(Type.LIST))]
        forms += [filled(ARITHMETIC, own, own)] * 2
    if kind is Type.FLAG:
        equal = ["({} == {})", "({} != {})"]
        order = [*equal, *(f"({{}} {sign} {{}})" for sign in ORDER)]
        forms += [
            filled(["(not {})"], own),
            filled(["({} and {})", "({} or {})", *equal], own, own),
        ]
        forms += [filled(["({} in {})", "({} not in {})"], text, leaf(Type.LIST))]
        forms += [filled(order, number, number), filled(order, text, text)]
        forms += [filled(equal, st.one_of(number, text, flag), st.just("null"))]
    return st.one_of(leaf(kind), *forms)


def columns(rows: list[Item]) -> dict[str, Any]:
    kinds = {name: kind for name, kind in SCHEMA.items() if name in SQL_TYPES}
    return {name: column_of([row[name] for row in rows], kind) for name, kind in kinds.items()}


def keeps(text: str, item: Item, context: RuleContext | None = None) -> bool:
    return parse_filter(text, SCHEMA).accepts(item, context or RuleContext())


@settings(max_examples=300, deadline=None)
@given(rule_text(Type.FLAG), st.lists(items, min_size=1, max_size=6), items)
def test_a_filter_of_all_items_is_that_of_each(text: str, rows: list[Item], at_hand: Item) -> None:
    rule, context = parse_filter(text, SCHEMA), RuleContext(now=7.0, item=at_hand)
    expected = [rule.accepts(row, context) for row in rows]
    assert rule.mask(columns(rows), len(rows), context).tolist() == expected


@settings(max_examples=200, deadline=None)
@given(rule_text(Type.NUMBER), st.lists(items, min_size=1, max_size=6), items)
def test_a_booster_of_all_items_is_that_of_each(text: str, rows: list[Item], at_hand: Item) -> None:
    rule, context = parse_booster(text, SCHEMA), RuleContext(now=7.0, item=at_hand)
    expected = [rule.boost(row, context) for row in rows]
    assert rule.boosts(columns(rows), len(rows), context).tolist() == expected
    assert all(math.isfinite(boost) and boost >= 0 for boost in expected)


def selected(rule: Rule, rows: list[Item], context: RuleContext) -> list[Any]:
    """The rule's SQL over the rows, in their order."""
    sql, parameters = rule.sql({name: f"item.{name}" for name in SQL_TYPES}, context)
    row = ", ".join(f"%s::{kind}" for kind in SQL_TYPES.values())
    values = ", ".join(f"({place}, {row})" for place in range(len(rows)))
    given = [list(v) if isinstance(v, tuple) else v for r in rows for v in map(r.get, SQL_TYPES)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sql} FROM (VALUES {values}) AS item(place, {', '.join(SQL_TYPES)})"
            " ORDER BY place",
            [*parameters, *given],
        )
        return [found for (found,) in cursor.fetchall()]


@pytest.mark.django_db
def test_the_database_agrees() -> None:
    @settings(max_examples=150, deadline=None)
    @given(rule_text(Type.FLAG), st.lists(items, min_size=1, max_size=6), items)
    def agrees(text: str, rows: list[Item], at_hand: Item) -> None:
        rule, context = parse_filter(text, SCHEMA), RuleContext(now=7.0, item=at_hand)
        assert selected(rule, rows, context) == [rule.accepts(row, context) for row in rows]

    agrees()


@pytest.mark.django_db
def test_boosters_in_the_database() -> None:
    rows: list[Item] = [dict.fromkeys(SQL_TYPES), {**dict.fromkeys(SQL_TYPES), "price": 4.0}]
    rule = parse_booster("max(min('price', 3), 1) / 2", SCHEMA)
    assert selected(rule, rows, RuleContext()) == [None, 1.5]
    assert [rule.boost(row, RuleContext()) for row in rows] == [1.0, 1.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'price' < 20 and \"sale\" in 'tags'", True),
        ("'price' < 5 or not 'sale'", True),
        ("'brand' == \"acme\"", True),
        ("'brand' != \"acme\"", False),
        ("'type' == null and 'stock' == null", True),
        ("'stock' < 5 or 'stock' >= 5", False),
        ("'type' in [\"shoe\"]", False),
        ("\"x\" not in 'tags'", True),
        ("'price' / 0 == null", True),
        ("1 + 2 * 3 == 7 and -2 - -3 == 1", True),
        ("if 'price' > 5 then true else false", True),
        ("size('tags') == 2", True),
        ("'odd \\'name\\'' == \"say \\\"hi\\\"\"", True),
        ("context_item[\"brand\"] == 'brand'", True),
        ("now() - 10 > 80", True),
    ],
)
def test_what_a_filter_means(text: str, expected: bool) -> None:
    item: Item = {"price": 10.0, "brand": "acme", "tags": ("sale", "new"), "sale": None}
    item["odd 'name'"] = 'say "hi"'
    context = RuleContext(now=100.0, item={"brand": "acme", "price": "cheap"})
    assert keeps(text, item, context) is expected


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "unexpected", 0),
        ("'price' <", "unexpected", 9),
        ("'price' < 'brand'", "wrong_type", 10),
        ("'prise' < 3", "unknown_attribute", 0),
        ("context_item['prise'] < 3", "unknown_attribute", 13),
        ("'price' < 3 ; drop table", "unknown_character", 12),
        ("'price' < 3 true", "unexpected", 12),
        ("'brand' == \"open", "open_quote", 11),
        ("'price'", "not_a_filter", 0),
        ("open('x')", "unknown_attribute", 5),
        ("open(1)", "unknown_function", 0),
        ("size('tags', 1) > 0", "arguments", 0),
        ("'price' < 1e999", "bad_number", 10),
        ("'tags' == 'tags'", "wrong_type", 0),
        ("'brand' in \"acme\"", "wrong_type", 11),
        ("1 < 2 < 3", "unexpected", 6),
        ("(" * 60 + "true" + ")" * 60, "too_deep", 40),
        ("not " * 60 + "true", "too_deep", 160),
        ("true or " * 300 + "true", "too_long", 2000),
        ("null", "not_a_filter", 0),
        ("__import__('os')", "unknown_attribute", 11),
        ("'price' == ٣", "unknown_character", 11),
    ],
)
def test_an_error_points_at_the_place(text: str, code: str, place: int) -> None:
    with pytest.raises(RuleError) as caught:
        parse_filter(text, SCHEMA)
    assert (caught.value.code, caught.value.position) == (code, place)


def test_a_text_is_no_booster() -> None:
    with pytest.raises(RuleError, match="A booster must be a number; this is a text"):
        parse_booster("'brand'", SCHEMA)


def test_an_error_is_marked_in_the_text() -> None:
    text = "'price' < 'brand'"
    with pytest.raises(RuleError) as caught:
        parse_filter(text, SCHEMA)
    line, marks = caught.value.marked(text).split("\n")
    assert line == text
    assert marks == "          ^^^^^^^ < needs a number here, not a text."


@given(st.text(max_size=80))
def test_any_text_is_a_rule_or_an_error(text: str) -> None:
    with suppress(RuleError):
        parse_filter(text, SCHEMA)


def test_a_rule_tells_what_it_reads() -> None:
    rule = parse_filter("'price' < 3 and \"a\" in context_item['tags']", SCHEMA)
    assert rule.attributes() == {"price", "tags"}


def test_values_are_never_part_of_the_statement() -> None:
    rule = parse_filter("'brand' == \"'; DROP TABLE x --\"", SCHEMA)
    sql, parameters = rule.sql({"brand": "item.brand"}, RuleContext())
    assert "DROP" not in sql
    assert parameters == ["'; DROP TABLE x --"]


def test_odd_values_of_a_column_are_null() -> None:
    column = column_of([1, True, "x", float("nan"), float("inf"), None], Type.NUMBER)
    assert np.isnan(column.values).tolist() == [False, True, True, True, True, True]  # type: ignore[union-attr]
