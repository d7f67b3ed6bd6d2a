"""The form that a request asks its text to have: a schema, a pattern or options."""

import json
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.api.openai.json_schemas import kept
from generation.engine.types import MAX_GRAMMAR_CHARS, Grammar, LimitError
from saas.errors import Invalid

# No two of them go together.
GRAMMARS = ("guided_regex", "guided_choice", "guided_json", "response_format")


@extend_schema_field(
    {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": ["text", "json_object", "json_schema"]},
            "json_schema": {"type": "object"},
        },
    }
)
class ResponseFormatField(serializers.Field):  # type: ignore[type-arg]
    """Plain text, any JSON object, or JSON that follows a schema."""

    def to_internal_value(self, data: Any) -> dict[str, str] | None:
        kind = data.get("type") if isinstance(data, dict) else None
        if kind == "text":
            return None
        if kind == "json_object":
            return grammar({"type": "object"})
        if kind == "json_schema":
            return grammar(self._schema(data.get("json_schema")))
        raise serializers.ValidationError(
            _("`type` is text, json_object or json_schema."), code="invalid"
        )

    def _schema(self, given: Any) -> dict[str, Any]:
        schema = given.get("schema") if isinstance(given, dict) else None
        if not isinstance(schema, dict):
            raise serializers.ValidationError(_("`json_schema.schema` is missing."), code="invalid")
        return schema


@extend_schema_field({"type": "object"})
class GuidedJsonField(serializers.Field):  # type: ignore[type-arg]
    """A schema as vLLM's clients send it: an object, or the same as text."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except ValueError:
                data = None
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("A JSON schema."), code="invalid")
        return grammar(data)


def grammar(schema: dict[str, Any]) -> dict[str, str]:
    """What the engine holds the text to, and what the finished text is checked against."""
    promised = json.dumps(schema, ensure_ascii=False)
    if len(promised) > MAX_GRAMMAR_CHARS:
        raise serializers.ValidationError(
            _("A schema of at most %d characters.") % MAX_GRAMMAR_CHARS, code="invalid"
        )
    source = json.dumps(kept(schema), ensure_ascii=False)
    if len(source) > MAX_GRAMMAR_CHARS:
        raise serializers.ValidationError(
            _("A schema of at most %d characters once its references are written out.")
            % MAX_GRAMMAR_CHARS,
            code="invalid",
        )
    return {"kind": "json_schema", "source": source, "promised": promised}


def asked_grammar(asked: dict[str, Any]) -> dict[str, str] | None:
    """The grammar of a request, in whichever of the ways it asks for one."""
    try:
        if asked["guided_regex"] is not None:
            return told(Grammar.regex(asked["guided_regex"]))
        if asked["guided_choice"] is not None:
            return told(Grammar.choice(asked["guided_choice"]))
    except LimitError as error:
        raise Invalid(error.message) from error
    found: dict[str, str] | None = asked["guided_json"] or asked.get("response_format")
    return found


def told(grammar: Grammar) -> dict[str, str]:
    """The grammar as a job keeps it."""
    return {"kind": grammar.kind, "source": grammar.source}
