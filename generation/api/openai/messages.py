"""A chat's messages as the model takes them: one system message, then user and assistant."""

from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.engine.types import MAX_MESSAGES, MAX_PROMPT_CHARS

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
KNOWN = {"role", "content", "name", "refusal"}
Turn = dict[str, str]


TEXT_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
}
MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": list(ROLES)},
        "content": {
            "oneOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": TEXT_PART}]
        },
        "name": {"type": "string"},
    },
    "additionalProperties": False,
}


@extend_schema_field({"type": "array", "minItems": 1, "maxItems": MAX_MESSAGES, "items": MESSAGE})
class MessagesField(serializers.Field):  # type: ignore[type-arg]
    """Reads the messages; those of one role that follow each other become one."""

    def to_internal_value(self, data: Any) -> list[Turn]:
        if not isinstance(data, list) or not 0 < len(data) <= MAX_MESSAGES:
            raise serializers.ValidationError(_("1 to %d messages.") % MAX_MESSAGES, code="invalid")
        errors: dict[str, Any] = {}
        turns = [turn for place, item in enumerate(data) if (turn := read(item, place, errors))]
        if errors:
            raise serializers.ValidationError(errors)
        return in_order(turns)


def read(item: Any, place: int, errors: dict[str, Any]) -> Turn | None:
    """One message; what is wrong with it goes to `errors` under its place."""
    try:
        return {"role": role_of(item), "content": text_of(item.get("content"))}
    except serializers.ValidationError as error:
        errors[str(place)] = error.detail
        return None


def role_of(item: Any) -> str:
    role = item.get("role") if isinstance(item, dict) else None
    if not isinstance(role, str) or role not in ROLES:
        raise serializers.ValidationError({"role": [_("system, user or assistant.")]}, "invalid")
    if unknown := sorted(item.keys() - KNOWN):
        name = unknown[0]
        raise serializers.ValidationError({name: [_("Not taken here.")]}, "unknown_field")
    return ROLES[role]


def text_of(content: Any) -> str:
    """A message's text: as it stands, or as the text parts that it comes in."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if is_text(part)]
    if not texts or len(texts) < len(parts):
        raise serializers.ValidationError({"content": [_("Text, or parts of text.")]}, "invalid")
    return "\n".join(texts)


def is_text(part: Any) -> bool:
    plain = isinstance(part, dict) and part.get("type") == "text"
    return plain and isinstance(part.get("text"), str)


def in_order(turns: list[Turn]) -> list[Turn]:
    """System first, then user and assistant in turn, the user last."""
    joined = [
        {"role": role, "content": "\n\n".join(turn["content"] for turn in same)}
        for role, same in groupby(turns, key=lambda turn: turn["role"])
    ]
    rest = joined[1:] if joined[0]["role"] == "system" else joined
    expected = [("user", "assistant")[place % 2] for place in range(len(rest))]
    if [turn["role"] for turn in rest] != expected or len(rest) % 2 == 0:
        raise serializers.ValidationError(
            _("After the system message, user and assistant take turns; the user is last."),
            code="invalid",
        )
    if sum(len(turn["content"]) for turn in joined) > MAX_PROMPT_CHARS:
        raise serializers.ValidationError(
            _("At most %d characters.") % MAX_PROMPT_CHARS, code="context_length_exceeded"
        )
    return joined
