"""What clients ask for and what the engine is told: schemas, patterns, options, lengths."""

import json
import time
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import ValidationError as FieldError

from generation.api.openai.grammars import grammar
from generation.api.openai.serializers import DEFAULT_TOKENS, ChatSerializer, payload
from generation.serving.handlers import chat_sampling
from generation.serving.json_validation import is_valid
from saas.errors import Invalid

HELLO = {"model": "kindling", "messages": [{"role": "user", "content": "Hello"}]}
WORD = {"type": "string"}

KEPT: dict[str, dict[str, Any]] = {
    "a property called $ref": {"type": "object", "properties": {"$ref": WORD, "not": WORD}},
    "words as data": {"enum": ["not", {"if": 1}], "default": {"multipleOf": 2}},
    "a part of itself": {"$defs": {"a": WORD}, "$ref": "#/$defs/a"},
    "unique only by name": {"type": "array", "items": WORD, "uniqueItems": False},
    "one of all": {"allOf": [WORD]},
    "two of all": {"allOf": [WORD, {"minLength": 2}]},
    "a class with a length": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
}
UNKEPT: dict[str, tuple[dict[str, Any], str]] = {
    "unique items": ({"type": "array", "items": WORD, "uniqueItems": True}, "uniqueItems"),
    "deep inside": ({"properties": {"a": {"items": {"not": WORD}}}}, "not"),
    "a pattern and a length": (
        {"type": "string", "pattern": "^a.*b$", "maxLength": 9},
        "maxLength, pattern",
    ),
    "an anchor": (
        {"$defs": {"a": {"$anchor": "x"}}, "properties": {"b": {"$anchor": "y"}}},
        "\\$anchor",
    ),
    "a name that may not be": (
        {"properties": {}, "required": ["z"], "additionalProperties": False},
        "additionalProperties, required",
    ),
    "a format nobody knows": ({"type": "string", "format": "colour"}, "format"),
    "no value at all": ({"enum": [1, 2], "type": "string"}, "enum"),
    "conditions": ({"if": WORD, "then": WORD, "else": WORD}, "else, if, then"),
    "a look ahead": ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
    "multiples": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer", "multipleOf": 7}}},
        "multipleOf",
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_schema_that_can_be_kept_is_taken(name: str) -> None:
    assert grammar(KEPT[name])["kind"] == "json_schema"


@pytest.mark.parametrize("name", UNKEPT)
def test_words_that_no_text_would_be_held_to_are_named(name: str) -> None:
    schema, words = UNKEPT[name]
    with pytest.raises(FieldError, match=f": {words}."):
        grammar(schema)


@pytest.mark.parametrize("where", ["https://x.example/a", "other.json#/a"])
def test_a_schema_elsewhere_is_refused(where: str) -> None:
    with pytest.raises(FieldError, match="is elsewhere"):
        grammar({"properties": {"a": {"$ref": where}}})


# Schemas whose words a grammar would drop one by one, with values that do and do not fit them.
MERGED: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "required beside anyOf": (
        {
            "type": "object",
            "properties": {"a": {"enum": [1]}, "b": {"enum": [2]}},
            "additionalProperties": False,
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}],
        [{}],
    ),
    "a length beside $ref": (
        {
            "properties": {"a": {"$ref": "#/$defs/S", "maxLength": 2}},
            "required": ["a"],
            "$defs": {"S": {"type": "string", "minLength": 1, "maxLength": 4}},
        },
        [{"a": "x"}, {"a": "xy"}],
        [{"a": "xyz"}, {"a": ""}],
    ),
    "properties beside $ref": (
        {
            "$ref": "#/$defs/B",
            "properties": {"x": {"enum": [1]}},
            "required": ["x"],
            "$defs": {
                "B": {"type": "object", "properties": {"y": {"enum": [2]}}, "required": ["y"]}
            },
        },
        [{"x": 1, "y": 2}],
        [{"x": 1}, {"y": 2}],
    ),
    "a name required and not declared": (
        {
            "type": "object",
            "properties": {},
            "required": ["z"],
            "additionalProperties": {"enum": [1]},
        },
        [{"z": 1}],
        [{}, {"z": 2}],
    ),
    "all of several": (
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"a": {"minimum": 3}, "b": {"type": "string"}}, "required": ["b"]},
            ]
        },
        [{"a": 3, "b": ""}],
        [{"a": 2, "b": ""}, {"a": 3}],
    ),
    "values beside a type": ({"enum": [1, "a", None], "type": ["string", "null"]}, ["a"], [1]),
    "a list of itself": (
        {
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                    "required": ["next"],
                }
            },
        },
        [{"next": {"next": None}}],
        [{"next": {}}],
    ),
}


@pytest.mark.parametrize("name", MERGED)
def test_words_that_stand_together_are_all_kept(name: str) -> None:
    """What the engine is given says the same as what was asked for, in words it can hold to."""
    schema, fits, misfits = MERGED[name]
    taken = json.loads(grammar(schema)["source"])
    assert "allOf" not in str(taken)
    for value in fits:
        assert is_valid(value, schema)
        assert is_valid(value, taken)
    assert not any(is_valid(value, taken) for value in misfits)


def test_a_pattern_made_to_take_for_ever_is_given_up() -> None:
    began = time.process_time()
    assert not is_valid("a" * 5000 + "!", {"type": "string", "pattern": "^(a|a)*(a|a)*$"})
    assert time.process_time() - began < 2


def test_a_short_schema_that_stands_for_a_huge_one_is_refused() -> None:
    parts = {
        f"d{level}": {
            "type": "object",
            "properties": {
                name: {"$ref": f"#/$defs/d{level + 1}", "minProperties": 0} for name in "abcdefgh"
            },
        }
        for level in range(12)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": {**parts, "d12": {"type": "object"}}}
    with pytest.raises(FieldError, match="cannot be held"):
        grammar(schema)


def asked(**more: Any) -> dict[str, Any]:
    serializer = ChatSerializer(data={**HELLO, **more})
    serializer.is_valid(raise_exception=True)
    return payload(serializer.validated_data)


def test_all_that_the_engine_samples_by_can_be_asked_for() -> None:
    work = asked(top_k=5, min_p=0.1, repetition_penalty=1.1, guided_choice=["yes", " no"])
    assert work["grammar"] == {"kind": "choice", "source": '["yes", " no"]'}
    sampling = chat_sampling(work["sampling"], 0)
    assert (sampling.top_k, sampling.min_p, sampling.repetition_penalty) == (5, 0.1, 1.1)
    assert asked(guided_regex="[ab]+")["grammar"] == {"kind": "regex", "source": "[ab]+"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_k": -2},
        {"min_p": 1.5},
        {"repetition_penalty": 0.1},
        {"guided_choice": [""]},
        {"guided_regex": "a", "guided_choice": ["a"]},
        {"guided_regex": "a", "response_format": {"type": "json_object"}},
    ],
)
def test_what_cannot_be_asked_for_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, Invalid)):
        asked(**wrong)


def test_only_a_length_that_nobody_asked_for_may_be_cut() -> None:
    assert (asked()["max_tokens"], asked()["may_cut"]) == (DEFAULT_TOKENS, True)
    assert asked(max_tokens=40)["may_cut"] is False


def test_the_choices_of_neighbouring_seeds_are_not_the_same() -> None:
    seeds = [chat_sampling({"seed": seed}, index).seed for seed in range(50) for index in range(8)]
    assert len(set(seeds)) == len(seeds)
    assert chat_sampling({"seed": 7}, 0).seed == 7
