"""One JSON schema that says what two of them say."""

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]


class NotMerged(ValueError):
    """No one schema says it: `empty` where no value at all fits both."""

    def __init__(self, *words: str, empty: bool = False) -> None:
        super().__init__(", ".join(sorted(words)))
        self.empty = empty


def merged(one: Schema, other: Schema) -> Schema:
    """What both ask for. Raises NotMerged with the words that do not go together."""
    if closed(one) != closed(other) or ("additionalProperties" in one) != (
        "additionalProperties" in other
    ):
        return merged_objects(one, other)
    return {
        word: both(word, one[word], other[word]) if word in one and word in other else value
        for word, value in {**one, **other}.items()
    }


def closed(schema: Schema) -> bool:
    return schema.get("additionalProperties", True) is not True


def merged_objects(one: Schema, other: Schema) -> Schema:
    """Where only one of them says what other properties may be, that holds for the other's too."""
    strict, open_one = (one, other) if closed(one) else (other, one)
    others = strict.get("additionalProperties", True)
    known = strict.get("properties", {})
    extra = open_one.get("properties", {}).keys() - known.keys()
    if others is False and extra & set(open_one.get("required", ())):
        raise NotMerged("additionalProperties", "required", empty=True)
    if "patternProperties" in strict or "patternProperties" in open_one:
        raise NotMerged("additionalProperties", "patternProperties")
    kept = {
        name: value if name in known or others is True else both_schemas(value, others)
        for name, value in open_one.get("properties", {}).items()
        if name in known or others is not False
    }
    rest = {word: value for word, value in strict.items() if word != "additionalProperties"}
    narrowed = {**open_one, "properties": kept} if "properties" in open_one else dict(open_one)
    narrowed.pop("additionalProperties", None)
    found = merged(rest, narrowed)
    return found if others is True else {**found, "additionalProperties": others}


def both(word: str, one: Any, other: Any) -> Any:
    if one == other:
        return one
    if word not in RULES:
        raise NotMerged(word)
    return RULES[word](one, other)


def both_types(one: Any, other: Any) -> Any:
    first, second = as_list(one), as_list(other)
    found = [name for name in first if name in second]
    if "integer" in first + second and "number" in first + second and "integer" not in found:
        found.append("integer")
    if not found:
        raise NotMerged("type", empty=True)
    return found[0] if len(found) == 1 else found


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def both_properties(one: Schema, other: Schema) -> Schema:
    return {
        name: both_schemas(one[name], other[name]) if name in one and name in other else value
        for name, value in {**one, **other}.items()
    }


def both_schemas(one: Any, other: Any) -> Any:
    """As `allOf` where it takes more than these words to merge them."""
    if one is True or one == other:
        return other
    if other is True:
        return one
    return {"allOf": [one, other]}


def both_values(one: list[Any], other: list[Any]) -> list[Any]:
    found = [value for value in one if value in other]
    if not found:
        raise NotMerged("enum", empty=True)
    return found


def different(one: Any, other: Any) -> Any:
    raise NotMerged("const", empty=True)


def union(one: list[str], other: list[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def one_after_the_other(one: list[Any], other: list[Any]) -> list[Any]:
    return [*one, *other]


RULES: dict[str, Callable[[Any, Any], Any]] = {
    "type": both_types,
    "properties": both_properties,
    "required": union,
    "enum": both_values,
    "const": different,
    "items": both_schemas,
    "additionalProperties": both_schemas,
    "allOf": one_after_the_other,
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"), max),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"), min),
}
