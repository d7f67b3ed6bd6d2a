"""Fields of requests in the shapes that OpenAI's clients send."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.engine.types import (
    MAX_BIASES,
    MAX_PROMPT_CHARS,
    MAX_STOP_CHARS,
    MAX_STOP_STRINGS,
)
from generation.errors import ContextLengthExceeded

TOKEN_IDS = 2**31
MAX_PROMPTS = 32
STOP = {"type": "string", "minLength": 1, "maxLength": MAX_STOP_CHARS}


def refuse_too_long(chars: int, field: str) -> None:
    """Raise where a prompt has more characters than any model here could read."""
    if chars <= MAX_PROMPT_CHARS:
        return
    detail, code = _("At most %d characters.") % MAX_PROMPT_CHARS, ContextLengthExceeded.code
    errors = [{"pointer": f"/{field}", "code": code, "detail": detail}]
    raise ContextLengthExceeded(detail, errors=errors, limit=MAX_PROMPT_CHARS, requested=chars)


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


PROMPT = {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARS}


@extend_schema_field(
    {"oneOf": [PROMPT, {"type": "array", "minItems": 1, "maxItems": MAX_PROMPTS, "items": PROMPT}]}
)
class PromptField(serializers.Field):  # type: ignore[type-arg]
    """A beginning, or several that are continued each by itself."""

    def to_internal_value(self, data: Any) -> list[str]:
        prompts = [data] if isinstance(data, str) else data
        if not isinstance(prompts, list) or not 0 < len(prompts) <= MAX_PROMPTS:
            raise serializers.ValidationError(
                _("A text, or 1 to %d of them.") % MAX_PROMPTS, code="invalid"
            )
        if not all(isinstance(prompt, str) for prompt in prompts):
            raise serializers.ValidationError(
                _("Prompts are text here; tokens by their numbers are not taken."), code="invalid"
            )
        refuse_too_long(sum(map(len, prompts)), "prompt")
        return prompts
