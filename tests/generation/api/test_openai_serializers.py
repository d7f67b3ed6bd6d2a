"""What clients ask for and what the engine is told: schemas, patterns, options, lengths."""

from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import ValidationError as FieldError

from generation.api.openai.serializers import DEFAULT_TOKENS, ChatSerializer, grammar, payload
from generation.serving.handlers import chat_sampling
from saas.errors import Invalid

HELLO = {"model": "kindling", "messages": [{"role": "user", "content": "Hello"}]}
WORD = {"type": "string"}

KEPT: dict[str, dict[str, Any]] = {
    "a property called $ref": {"type": "object", "properties": {"$ref": WORD, "not": WORD}},
    "words as data": {"enum": ["not", {"if": 1}], "default": {"multipleOf": 2}},
    "a part of itself": {"$defs": {"a": WORD}, "$ref": "#/$defs/a"},
    "unique only by name": {"type": "array", "items": WORD, "uniqueItems": False},
    "one of all": {"allOf": [WORD]},
}
UNKEPT: dict[str, tuple[dict[str, Any], str]] = {
    "unique items": ({"type": "array", "items": WORD, "uniqueItems": True}, "uniqueItems"),
    "deep inside": ({"properties": {"a": {"items": {"not": WORD}}}}, "not"),
    "two of all": ({"allOf": [WORD, {"minLength": 2}]}, "allOf"),
    "conditions": ({"if": WORD, "then": WORD, "else": WORD}, "else, if, then"),
    "a look ahead": ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
    "multiples": ({"$defs": {"a": {"type": "integer", "multipleOf": 7}}}, "multipleOf"),
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
    with pytest.raises(FieldError, match="whole in itself"):
        grammar({"properties": {"a": {"$ref": where}}})


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
        {"top_k": -1},
        {"min_p": 1.5},
        {"repetition_penalty": 0.1},
        {"guided_choice": []},
        {"guided_choice": [""]},
        {"guided_regex": ""},
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
