"""Examples of what an OpenAPI document describes: the given ones, else values that it allows."""

import json
from typing import Any

Schema = dict[str, Any]

PLAIN = {
    "uuid": "0197f3c2-6a51-7d0e-9c41-5f0c7d1e2a3b",
    "date-time": "2026-11-22T09:30:00Z",
    "uri": "https://lumen.example",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "string": "…",
}


class Sampler:
    """Makes values of one document's schemas, with the words of one tag's own examples."""

    def __init__(self, schema: Schema, tag: str) -> None:
        self.schemas: dict[str, Schema] = schema["components"]["schemas"]
        self.words: Schema = {}
        for operations in schema["paths"].values():
            for operation in operations.values():
                if tag in operation["tags"]:
                    self.learn(media_of(operation.get("requestBody", {})))

    def learn(self, media: Schema) -> None:
        for each in media.get("examples", {}).values():
            if isinstance(each["value"], dict):
                self.words = {**each["value"], **self.words}

    def resolved(self, schema: Schema) -> Schema:
        """The schema itself, where it is only a reference or wraps a single one."""
        while "$ref" in schema or len(schema.get("allOf", ())) == 1:
            inner = schema["allOf"][0] if "allOf" in schema else {}
            name = (inner or schema).get("$ref", "").rpartition("/")[2]
            rest = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
            schema = {**self.schemas.get(name, inner), **rest}
        return schema

    def body(self, media: Schema, *, partial: bool = False) -> Any:
        """The media type's first example, else a made-up one; of `partial` ones one property."""
        for each in media.get("examples", {}).values():
            return each["value"]
        made = self.value(media.get("schema", {}))
        return dict(list(made.items())[:1]) if partial and isinstance(made, dict) else made

    def value(self, schema: Schema) -> Any:
        schema = self.resolved(schema)
        for given in ("example", "const", "default"):
            if schema.get(given) is not None:
                return schema[given]
        if "enum" in schema:
            return schema["enum"][0]
        if options := schema.get("oneOf") or schema.get("anyOf"):
            return self.value(options[0])
        if "properties" in schema:
            return {name: self.named(name, each) for name, each in schema["properties"].items()}
        return self.plain(schema)

    def named(self, name: str, schema: Schema) -> Any:
        """The tag's own word for a property of this name where it has the same sort of value."""
        made, word = self.value(schema), self.words.get(name)
        return word if word is not None and isinstance(word, type(made)) else made

    def plain(self, schema: Schema) -> Any:
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            return None
        if kind == "array":
            return [self.value(schema.get("items", {}))]
        return PLAIN.get(schema.get("format", ""), PLAIN.get(kind, {}))


def media_of(carrier: Schema) -> Schema:
    """The first media type of a request body or a response; empty where there is none."""
    return next(iter(carrier.get("content", {}).values()), {})


def pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
