"""JSON schemas as the grammar engine can hold a text to them, no word of theirs dropped in silence.

A schema is rewritten until each of its parts is one that the engine keeps whole: references with
words beside them, `allOf` and words beside `anyOf` are merged. What is left over is refused by the
name of its words; every text that is let through is validated against the schema as it was sent.
"""

import re
from collections.abc import Iterator
from functools import reduce
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator, SchemaError
from rest_framework import serializers

from generation.api.openai.schema_merging import NotMerged, merged
from generation.serving.json_validation import is_valid

Schema = dict[str, Any]

NOTES = {
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
    *("$comment", "$schema", "$id", "$defs", "definitions"),
}
# What a grammar that goes from left to right cannot promise.
NOT_KEPT = {
    *("not", "if", "then", "else", "contains", "minContains", "maxContains", "multipleOf"),
    *("propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "uniqueItems"),
    *("unevaluatedItems", "unevaluatedProperties", "additionalItems"),
    *("$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"),
    *("contentEncoding", "contentMediaType", "contentSchema"),
}
# Each type's own words; a schema that names no type means the one whose words it uses.
WORDS: dict[str, tuple[str, ...]] = {
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties"),
        *("minProperties", "maxProperties"),
    ),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
FORMATS = {"date", "time", "date-time", "uuid", "email", "ipv4", "ipv6", "hostname", "duration"}
# Only together with these do a grammar's words for one string stay as they are.
ALONE = ("pattern", "format")
REPEATED_CLASS = re.compile(r"\^?(\[(?:[^\]\\]|\\.)+\]|\\[dw])([+*])\$")
UNKEPT_PATTERN = re.compile(r"\(\?[=!<]|\\[1-9bBkpP]")
MOST_BRANCHES = 64
DEEPEST = 64
# References with words beside them are written out: a short schema can stand for a huge one.
MOST_PARTS = 5_000


class Unkept(ValueError):
    """Words that the text could not be held to, or not together."""

    def __init__(self, *words: str) -> None:
        super().__init__(", ".join(sorted(words)))
        self.words = sorted(words)


def kept(schema: Schema) -> Schema:
    """The schema as the engine takes it: each text of it is one of `schema`.

    Raises ValidationError that names the words which cannot be kept.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        message = str(getattr(error, "message", ""))[:200]
        raise serializers.ValidationError(
            _("This is no JSON schema: %s") % message, code="invalid"
        ) from error
    try:
        return Rewriting(schema).whole()
    except Unkept as error:
        raise serializers.ValidationError(
            _("The text cannot be held to these words of the schema: %s.") % error, code="invalid"
        ) from error
    except NotMerged as error:
        raise serializers.ValidationError(
            _("The text cannot be held to these words of the schema together: %s.") % error,
            code="invalid",
        ) from error


class Rewriting:
    """One schema on its way; definitions that refer to themselves stay references."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.definitions: Schema = {}
        self.names: dict[str, str] = {}
        self.parts = 0

    def whole(self) -> Schema:
        found = self.part(self.root, depth=0)
        return {**found, "$defs": self.definitions} if self.definitions else found

    def part(self, schema: Any, depth: int) -> Schema:
        """One part as it can be held to."""
        self.parts += 1
        if depth > DEEPEST or self.parts > MOST_PARTS:
            raise Unkept("$ref")
        if schema is True:
            return {}
        if schema is False:
            raise Unkept("false")
        refuse_unkept(schema)
        words = {word: value for word, value in schema.items() if word not in NOTES}
        if "$ref" in words:
            return self.reference(words, depth)
        if "allOf" in words:
            parts = [self.opened(part, depth) for part in words.pop("allOf")]
            return self.part(reduce(merged, parts, words), depth + 1)
        for branching in ("anyOf", "oneOf"):
            if branching in words:
                return self.branches(branching, words, depth)
        return self.plain(words, depth)

    def reference(self, words: Schema, depth: int) -> Schema:
        target = words.pop("$ref")
        if words:
            return self.part(merged(self.found(target), words), depth + 1)
        if target not in self.names:
            self.names[target] = f"d{len(self.names)}"
            self.definitions[self.names[target]] = self.part(self.found(target), depth + 1)
        return {"$ref": f"#/$defs/{self.names[target]}"}

    def opened(self, schema: Any, depth: int) -> Schema:
        """A part of `allOf` as words that can be merged with others."""
        if schema is True:
            return {}
        if not isinstance(schema, dict) or depth > DEEPEST:
            raise Unkept("allOf")
        words = {word: value for word, value in schema.items() if word not in NOTES}
        if "$ref" in words:
            return merged(self.opened(self.found(words.pop("$ref")), depth + 1), words)
        return words

    def found(self, target: str) -> Schema:
        """What a reference within the schema points to, without its notes."""
        if not target.startswith("#"):
            raise serializers.ValidationError(
                _("A schema is whole in itself; “%s” is elsewhere.") % target[:80], code="invalid"
            )
        place: Any = self.root
        for step in target.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place[int(name)] if isinstance(place, list) and name.isdigit() else place
            place = place.get(name) if isinstance(place, dict) else place
        if place is True:
            return {}
        if not isinstance(place, dict) or (target != "#" and "/" not in target):
            raise Unkept("$ref")
        return {word: value for word, value in place.items() if word not in NOTES}

    def branches(self, branching: str, words: Schema, depth: int) -> Schema:
        """The words beside `anyOf` go into each of its branches."""
        choices = words.pop(branching)
        if not words:
            return {"anyOf": [self.part(choice, depth + 1) for choice in choices]}
        found = list(self.possible(words, choices, depth))
        if not found or len(found) > MOST_BRANCHES:
            raise Unkept(branching)
        return {"anyOf": found}

    def possible(self, words: Schema, choices: list[Any], depth: int) -> Iterator[Schema]:
        for choice in choices:
            try:
                yield self.part(merged(words, self.opened(choice, depth)), depth + 1)
            except NotMerged as error:
                if not error.empty:
                    raise

    def plain(self, words: Schema, depth: int) -> Schema:
        """A part with words of its own type alone."""
        if "enum" in words or "const" in words:
            return self.values(words)
        types = types_of(words)
        if len(types) > 1:
            return {"anyOf": [self.typed(name, words, depth) for name in types]}
        return self.typed(types[0], words, depth) if types else {}

    def values(self, words: Schema) -> Schema:
        """Those of the values that fit the words beside them."""
        given = words.pop("enum", None) or [words["const"]]
        beside = {**words, "$defs": self.root.get("$defs", {})}
        fits = [value for value in given if is_valid(value, beside)]
        if not fits:
            raise Unkept("enum" if "const" not in words else "const")
        return {"enum": fits}

    def typed(self, name: str, words: Schema, depth: int) -> Schema:
        own = {word: words[word] for word in words_of(name) if word in words}
        if name == "object":
            return self.object(own, depth)
        if name == "array":
            return self.array(own, depth)
        if name == "string":
            return string(own)
        return {"type": name, **own}

    def object(self, words: Schema, depth: int) -> Schema:
        others = words.get("additionalProperties", True)
        patterns = words.get("patternProperties")
        if patterns and (words.keys() & {"properties", "required"}):
            raise Unkept("patternProperties", *(words.keys() & {"properties", "required"}))
        declared = dict(words.get("properties", {}))
        for name in words.get("required", ()):
            if name not in declared and others is False:
                raise Unkept("required", "additionalProperties")
            declared.setdefault(name, others)
        found: Schema = {"type": "object", **words}
        found.pop("properties", None)
        if declared:  # none at all would have the engine write an empty object
            found["properties"] = {
                name: self.part(each, depth + 1) for name, each in declared.items()
            }
        if patterns:
            found["patternProperties"] = {
                name: self.part(each, depth + 1) for name, each in patterns.items()
            }
        if isinstance(others, dict):
            found["additionalProperties"] = self.part(others, depth + 1)
        return found

    def array(self, words: Schema, depth: int) -> Schema:
        found: Schema = {"type": "array", **words}
        if "prefixItems" in words:
            found["prefixItems"] = [self.part(each, depth + 1) for each in words["prefixItems"]]
        if isinstance(words.get("items"), dict):
            found["items"] = self.part(words["items"], depth + 1)
        return found


def refuse_unkept(schema: Schema) -> None:
    found = {word for word in NOT_KEPT & schema.keys() if schema[word] not in (False, {}, [])}
    if UNKEPT_PATTERN.search(str(schema.get("pattern", ""))):
        found.add("pattern")
    if found:
        raise Unkept(*found)


def types_of(words: Schema) -> list[str]:
    """The types that a part may have: those that it names, or that of the words which it uses."""
    named = words.get("type")
    if named is not None:
        return [named] if isinstance(named, str) else list(named)
    return [name for name, own in WORDS.items() if words.keys() & set(own)][:1]


def words_of(name: str) -> tuple[str, ...]:
    return WORDS.get("number" if name == "integer" else name, ())


def string(words: Schema) -> Schema:
    """A pattern or a format alone; a repeated class of characters may be counted."""
    lengths = words.keys() & {"minLength", "maxLength"}
    if "format" in words and words["format"] not in FORMATS:
        raise Unkept("format")
    if "pattern" in words and "format" in words:
        raise Unkept("format", "pattern")
    if lengths and "format" in words:
        raise Unkept("format", *lengths)
    if lengths and "pattern" in words:
        return {"type": "string", "pattern": counted(words, lengths)}
    return {"type": "string", **words}


def counted(words: Schema, lengths: set[str]) -> str:
    found = REPEATED_CLASS.fullmatch(words["pattern"])
    if found is None or not words["pattern"].startswith("^"):
        raise Unkept("pattern", *lengths)
    least = max(words.get("minLength", 0), 1 if found[2] == "+" else 0)
    most = words.get("maxLength", "")
    return f"^{found[1]}{{{least},{most}}}$"
