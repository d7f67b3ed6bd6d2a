"""The API's description as a page shows it: groups of operations, each with its call and answer."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from saas.api.samples import Sampler, Schema, media_of, pretty
from saas.api.sections import section_of

DEEPEST = 2
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "default": "default {}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a table: a parameter, or a property of a body by its dotted name."""

    name: str
    type: str
    required: bool
    about: SafeString
    limits: str


@dataclass(frozen=True, slots=True)
class Refusal:
    status: str
    about: SafeString


@dataclass(frozen=True, slots=True)
class Operation:
    """`command` is the call as a shell makes it, `sample` what comes back when all goes well."""

    id: str
    method: str
    path: str
    summary: str
    about: SafeString
    parameters: list[Field]
    body: list[Field]
    command: str
    sample: str
    refusals: list[Refusal]


@dataclass(slots=True)
class Group:
    name: str
    title: str
    operations: list[Operation] = field(default_factory=list)


def groups(schema: Schema, server: str) -> list[Group]:
    """Every operation of an OpenAPI 3.1 document by its tag; `server` ends with a slash."""
    found: dict[str, Group] = {}
    for path, operations in schema["paths"].items():
        for method, raw in operations.items():
            tag = raw["tags"][0]
            group = found.setdefault(tag, Group(tag, str(section_of(tag).title)))
            reader = Reader(Sampler(schema, tag), server)
            group.operations.append(reader.operation(method.upper(), path, raw))
    return sorted(found.values(), key=lambda group: section_of(group.name).order)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the operations of one tag."""

    sampler: Sampler
    server: str

    def operation(self, method: str, path: str, raw: Schema) -> Operation:
        about, body = raw.get("description", ""), media_of(raw.get("requestBody", {}))
        summary = raw["summary"].replace("`", "")
        return Operation(
            id=raw["operationId"],
            method=method,
            path=path,
            summary=summary,
            about=inline("" if about.rstrip(".") == raw["summary"] else about),
            parameters=[self.parameter(each) for each in raw.get("parameters", ())],
            body=list(self.fields(body.get("schema", {}))),
            command=self.command(method, path, raw),
            sample=self.answer(raw["responses"]),
            refusals=[
                Refusal(status, inline(each["description"]))
                for status, each in raw["responses"].items()
                if status >= "400"
            ],
        )

    def parameter(self, raw: Schema) -> Field:
        schema = self.sampler.resolved(raw["schema"])
        schema = {**schema, "description": raw.get("description", schema.get("description", ""))}
        return self.field(raw["name"], schema, required=raw.get("required", False))

    def fields(self, schema: Schema, prefix: str = "", depth: int = 0) -> Iterator[Field]:
        schema = self.sampler.resolved(schema)
        required = schema.get("required", ())
        for name, raw in schema.get("properties", {}).items():
            inner = self.sampler.resolved(raw)
            yield self.field(prefix + name, inner, required=name in required)
            item = self.sampler.resolved(inner.get("items", {}))
            if depth < DEEPEST:
                below = f"{prefix}{name}{'[]' if item else ''}."
                yield from self.fields(item or inner, below, depth + 1)

    def field(self, name: str, schema: Schema, *, required: bool) -> Field:
        known = {key: text.format(schema[key]) for key, text in LIMITS.items() if key in schema}
        if schema.get("default") in ("", None, [], {}):
            known.pop("default", None)
        return Field(
            name=name,
            type=self.type_of(schema),
            required=required,
            about=inline(schema.get("description", "")),
            limits=", ".join(known.values()),
        )

    def type_of(self, schema: Schema) -> str:
        if "enum" in schema:
            return " | ".join(str(each) for each in schema["enum"] if each != "")
        if options := schema.get("oneOf") or schema.get("anyOf"):
            kinds = [self.type_of(self.sampler.resolved(each)) for each in options]
            return " | ".join(dict.fromkeys(kind for kind in kinds if kind))
        kind = schema.get("type", "any")
        if kind == "array":
            return f"array of {self.type_of(self.sampler.resolved(schema.get('items', {})))}"
        name = kind if isinstance(kind, str) else " | ".join(kind)
        return name.replace("string", schema.get("format", "string"))

    def command(self, method: str, path: str, raw: Schema) -> str:
        """How a shell asks for it; the key stands in a variable of the shell's."""
        headers = {each["name"] for each in raw.get("parameters", ()) if each["in"] == "header"}
        body = media_of(raw.get("requestBody", {}))
        verb = "" if method == "GET" or (method == "POST" and body) else f"-X {method} "
        words = [f"curl {verb}{self.server}{self.address(path, raw)}"]
        words.append('-H "Authorization: Bearer $KINDLING_KEY"')
        if "Idempotency-Key" in headers:
            words.append('-H "Idempotency-Key: $(uuidgen)"')
        if "If-Match" in headers:
            words.append("-H 'If-Match: \"…\"'")
        if body:
            words.append("-H 'Content-Type: application/json'")
            example = self.sampler.body(body, partial=method == "PATCH")
            words.append(f"-d {shlex.quote(pretty(example))}")
        return " \\\n  ".join(words)

    def address(self, path: str, raw: Schema) -> str:
        """The path with an example in each of its places."""
        places = {each["name"]: each["schema"] for each in raw.get("parameters", ())}

        def example(found: re.Match[str]) -> str:
            return str(self.sampler.value(places[found[1]]))

        return re.sub(r"{(\w+)}", example, path.lstrip("/"))

    def answer(self, responses: dict[str, Any]) -> str:
        good = [media_of(each) for status, each in responses.items() if status < "300"]
        return pretty(self.sampler.body(good[0])) if good and good[0] else ""


def inline(text: str) -> SafeString:
    """Paragraphs with `code` and **strong** words; everything else is plain text."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip()))
    safe = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe)
    return mark_safe("".join(f"<p>{part}</p>" for part in re.split(r"\n\n+", safe) if part))
