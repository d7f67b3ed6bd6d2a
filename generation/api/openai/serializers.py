"""What OpenAI's clients send, within our limits and before anything is tokenised."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.api.openai.messages import MessagesField
from generation.engine.types import (
    LEAST_TOP_P,
    MAX_BIASES,
    MAX_GRAMMAR_CHARS,
    MAX_LOGPROBS,
    MAX_PROMPT_CHARS,
    MAX_STOP_CHARS,
    MAX_STOP_STRINGS,
    MAX_TOKENS,
    GenerationRequest,
    Grammar,
    LimitError,
    Message,
)
from saas.api.fields import BooleanField, CharField, FloatField, IntegerField
from saas.api.serializers import StrictSerializer
from saas.errors import Invalid

MAX_CHOICES = 8
DEFAULT_TOKENS = 512
TOKEN_IDS = 2**31
MAX_OPTIONS, MAX_OPTION_CHARS = 256, 400
GRAMMARS = ("guided_regex", "guided_choice", "response_format")


STOP = {"type": "string", "minLength": 1, "maxLength": MAX_STOP_CHARS}


class OffField(BooleanField):
    """Something that we do not have and that clients may say they do not want."""

    def to_internal_value(self, data: Any) -> bool:
        if super().to_internal_value(data):
            raise serializers.ValidationError(_("This is not to be had here."), code="invalid")
        return False


@extend_schema_field(
    {"oneOf": [STOP, {"type": "array", "items": STOP, "maxItems": MAX_STOP_STRINGS}]}
)
class StopField(serializers.Field):  # type: ignore[type-arg]
    """One string or several, at which the text ends."""

    def to_internal_value(self, data: Any) -> list[str]:
        words = [data] if isinstance(data, str) else data
        if not isinstance(words, list) or len(words) > MAX_STOP_STRINGS:
            raise serializers.ValidationError(
                _("A string, or at most %d of them.") % MAX_STOP_STRINGS, code="invalid"
            )
        if not all(isinstance(word, str) and 0 < len(word) <= MAX_STOP_CHARS for word in words):
            raise serializers.ValidationError(
                _("Each has 1 to %d characters.") % MAX_STOP_CHARS, code="invalid"
            )
        return words


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MAX_BIASES,
        "propertyNames": {"pattern": "^[0-9]{1,9}$"},
        "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
    }
)
class LogitBiasField(serializers.Field):  # type: ignore[type-arg]
    """Token ids, and how much likelier each becomes."""

    def to_internal_value(self, data: Any) -> list[tuple[int, float]]:
        if not isinstance(data, dict) or len(data) > MAX_BIASES:
            raise serializers.ValidationError(
                _("An object of at most %d token ids.") % MAX_BIASES, code="invalid"
            )
        return [self._pair(token, bias) for token, bias in data.items()]

    def _pair(self, token: str, bias: Any) -> tuple[int, float]:
        number = isinstance(bias, int | float) and not isinstance(bias, bool)
        known = token.isascii() and token.isdigit() and len(token) < 11 and int(token) < TOKEN_IDS
        if not known or not number or not -100 <= bias <= 100:
            raise serializers.ValidationError(_("A token id to -100 to 100."), code="invalid")
        return int(token), float(bias)


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


def grammar(schema: dict[str, Any]) -> dict[str, str]:
    source = json.dumps(schema, ensure_ascii=False)
    parts = list(subschemas(schema))
    whole = all(str(part.get("$ref", "#")).startswith("#") for part in parts)
    if len(source) > MAX_GRAMMAR_CHARS or not whole:
        raise serializers.ValidationError(
            _("A schema of at most %d characters, whole in itself.") % MAX_GRAMMAR_CHARS,
            code="invalid",
        )
    if unkept := sorted({word for part in parts for word in not_kept(part)}):
        raise serializers.ValidationError(
            _("The text cannot be held to these words of the schema: %s.") % ", ".join(unkept),
            code="invalid",
        )
    return {"kind": "json_schema", "source": source}


# Words of JSON Schema whose values are schemas by name, and those whose values are plain data.
BY_NAME = {"properties", "patternProperties", "$defs", "definitions"}
DATA = {"enum", "const", "default", "examples"}
# What a grammar that goes from left to right cannot promise.
NOT_KEPT = {
    *("not", "if", "then", "else", "contains", "multipleOf", "propertyNames"),
    *("dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"),
}
LOOKS_AROUND = ("(?=", "(?!", "(?<")


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and every one within it; a property may have any name, that of a word too."""
    if isinstance(schema, list):
        for item in schema:
            yield from subschemas(item)
    elif isinstance(schema, dict):
        yield schema
        for word, value in schema.items():
            if word in BY_NAME and isinstance(value, dict):
                yield from subschemas(list(value.values()))
            elif word not in DATA:
                yield from subschemas(value)


def not_kept(schema: dict[str, Any]) -> set[str]:
    """The words of one schema that the text would not be held to."""
    found = NOT_KEPT & schema.keys()
    if schema.get("uniqueItems"):
        found.add("uniqueItems")
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) > 1:
        found.add("allOf")
    if any(look in str(schema.get("pattern", "")) for look in LOOKS_AROUND):
        found.add("pattern")
    return found


class StreamOptionsSerializer(StrictSerializer):
    """How a streamed answer is sent."""

    include_usage = BooleanField(default=False)
    include_obfuscation = BooleanField(default=False)


class SampledSerializer(StrictSerializer):
    """What chats and plain completions have in common."""

    model = CharField(max_length=200)
    max_tokens = IntegerField(min_value=1, max_value=MAX_TOKENS, allow_null=True, default=None)
    temperature = FloatField(min_value=0, max_value=2, allow_null=True, default=None)
    top_p = FloatField(min_value=0, max_value=1, allow_null=True, default=None)
    n = IntegerField(min_value=1, max_value=MAX_CHOICES, allow_null=True, default=None)
    stop = StopField(allow_null=True, default=None)
    seed = IntegerField(min_value=-(2**63), max_value=2**63 - 1, allow_null=True, default=None)
    top_k = IntegerField(min_value=0, max_value=1000, allow_null=True, default=None)
    min_p = FloatField(min_value=0, max_value=1, allow_null=True, default=None)
    repetition_penalty = FloatField(min_value=0.5, max_value=2, allow_null=True, default=None)
    presence_penalty = FloatField(min_value=-2, max_value=2, allow_null=True, default=None)
    frequency_penalty = FloatField(min_value=-2, max_value=2, allow_null=True, default=None)
    logit_bias = LogitBiasField(allow_null=True, default=None)
    guided_regex = CharField(max_length=MAX_GRAMMAR_CHARS, allow_null=True, default=None)
    guided_choice = serializers.ListField(
        child=CharField(max_length=MAX_OPTION_CHARS, trim_whitespace=False),
        min_length=1,
        max_length=MAX_OPTIONS,
        allow_null=True,
        default=None,
    )
    stream = BooleanField(allow_null=True, default=None)
    stream_options = StreamOptionsSerializer(allow_null=True, default=None)
    user = CharField(max_length=256, allow_null=True, allow_blank=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["stream_options"] is not None and not attrs["stream"]:
            raise serializers.ValidationError(
                {"stream_options": [_("Only together with `stream`.")]}, code="invalid"
            )
        if sum(attrs.get(name) is not None for name in GRAMMARS) > 1:
            raise serializers.ValidationError(
                {GRAMMARS[0]: [_("One form at a time: a schema, a pattern or options.")]},
                code="invalid",
            )
        return attrs


class ChatSerializer(SampledSerializer):
    """A conversation to be continued."""

    messages = MessagesField()
    max_completion_tokens = IntegerField(
        min_value=1, max_value=MAX_TOKENS, allow_null=True, default=None
    )
    response_format = ResponseFormatField(allow_null=True, default=None)
    metadata = serializers.DictField(allow_null=True, default=None)
    store = BooleanField(allow_null=True, default=None)
    logprobs = BooleanField(allow_null=True, default=None)
    top_logprobs = IntegerField(min_value=0, max_value=MAX_LOGPROBS, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["top_logprobs"] is not None and not attrs["logprobs"]:
            raise serializers.ValidationError(
                {"top_logprobs": [_("Only together with `logprobs`.")]}, code="invalid"
            )
        return super().validate(attrs)


class CompletionSerializer(SampledSerializer):
    """A text to be continued."""

    prompt = CharField(max_length=MAX_PROMPT_CHARS, trim_whitespace=False)
    echo = OffField(allow_null=True, default=None)


def guided(asked: dict[str, Any]) -> dict[str, str] | None:
    """The grammar of a pattern or of options, as vLLM's clients ask for one."""
    try:
        if asked["guided_regex"] is not None:
            return asdict(Grammar.regex(asked["guided_regex"]))
        if asked["guided_choice"] is not None:
            return asdict(Grammar.choice(asked["guided_choice"]))
    except LimitError as error:
        raise Invalid(error.message) from error
    return None


def sampling(asked: dict[str, Any]) -> dict[str, Any]:
    """The request's sampling as the engine names it."""
    given = {
        "temperature": asked["temperature"],
        "top_k": asked["top_k"],
        "min_p": asked["min_p"],
        "repetition_penalty": asked["repetition_penalty"],
        "presence_penalty": asked["presence_penalty"],
        "frequency_penalty": asked["frequency_penalty"],
        "stop": asked["stop"],
        "logit_bias": asked["logit_bias"],
    }
    found = {name: value for name, value in given.items() if value is not None}
    if asked["top_p"] is not None:
        found["top_p"] = max(asked["top_p"], LEAST_TOP_P)
    if asked.get("logprobs"):
        found["logprobs"] = asked["top_logprobs"] or 0
    if asked["seed"] is not None:
        found["seed"] = asked["seed"] % 2**63
    return found


def payload(asked: dict[str, Any]) -> dict[str, Any]:
    """The request as its job keeps it."""
    text = {"messages": asked["messages"]} if "messages" in asked else {"prompt": asked["prompt"]}
    given = asked.get("max_completion_tokens") or asked["max_tokens"]
    most = given or DEFAULT_TOKENS
    return {
        **text,
        "may_cut": given is None,
        "n": asked["n"] or 1,
        "max_tokens": most,
        "expected_tokens": most * (asked["n"] or 1),
        "sampling": sampling(asked),
        "grammar": asked.get("response_format") or guided(asked),
    }


def check(work: dict[str, Any]) -> None:
    """Raise for what no field can see alone, such as a prompt without a visible character."""
    try:
        GenerationRequest(
            id="",
            tenant="",
            max_tokens=work["max_tokens"],
            messages=tuple(Message(**turn) for turn in work.get("messages", ())),
            prompt=work.get("prompt", ""),
        )
    except LimitError as error:
        field = "messages" if "messages" in work else error.field
        fault = {"pointer": f"/{field}", "code": error.code, "detail": error.message}
        raise Invalid(error.message, code=error.code, errors=[fault]) from error
