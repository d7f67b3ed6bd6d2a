"""A chat's messages as the engine takes them, in whatever order they come."""

import json
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.api.openai.fields import refuse_too_long
from generation.engine.types import MAX_MESSAGES

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
KNOWN = {"role", "content", "name", "refusal", "tool_calls", "tool_call_id"}
# What an answer's message brings along when it goes back into the history.
ANSWERED = {"annotations", "audio", "function_call", "reasoning", "reasoning_content", "parsed"}
Turn = dict[str, Any]


TEXT_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
}
MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant"]},
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
        chars = sum(len(json.dumps(turn, ensure_ascii=False)) for turn in turns)
        refuse_too_long(chars, "messages")
        return joined(turns)


def read(item: Any, place: int, errors: dict[str, Any]) -> Turn | None:
    """One message; what is wrong with it goes to `errors` under its place."""
    try:
        return turn_of(item)
    except serializers.ValidationError as error:
        errors[str(place)] = error.detail
        return None


def turn_of(item: Any) -> Turn:
    role = role_of(item)
    calls = [call_of(call) for call in item.get("tool_calls") or ()]
    empty = role in ("assistant", "tool") and not item.get("content")
    content = str(item.get("refusal") or "") if empty else text_of(item.get("content"))
    turn: Turn = {"role": role, "content": content}
    if calls:
        turn["tool_calls"] = calls
    if role == "tool":
        turn["tool_call_id"] = str(item.get("tool_call_id") or item.get("name") or "")
    return turn


def role_of(item: Any) -> str:
    role = item.get("role") if isinstance(item, dict) else None
    if not isinstance(role, str) or role not in ROLES:
        raise serializers.ValidationError(
            {"role": [_("system, user, assistant or tool.")]}, "invalid"
        )
    for name, value in item.items():
        if name not in KNOWN | ANSWERED and value is not None:
            raise serializers.ValidationError({name: [_("Not taken here.")]}, "unknown_field")
    return ROLES[role]


def text_of(content: Any) -> str:
    """A message's text: as it stands, or as the text parts that it comes in."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [text for part in parts if (text := part_text(part)) is not None]
    if not texts or len(texts) < len(parts):
        raise serializers.ValidationError({"content": [_("Text, or parts of text.")]}, "invalid")
    return "\n".join(texts)


def part_text(part: Any) -> str | None:
    if not isinstance(part, dict):
        return None
    names = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
    text = part.get(names.get(str(part.get("type")), ""))
    return text if isinstance(text, str) else None


def call_of(call: Any) -> dict[str, str]:
    """A function that was called before: its id, its name and its arguments as JSON."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise serializers.ValidationError({"tool_calls": [_("Calls of functions.")]}, "invalid")
    arguments = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": str(call.get("id") or ""), "name": function["name"], "arguments": text}


def joined(turns: list[Turn]) -> list[Turn]:
    """Those of one role that follow each other as one, since many templates want it so."""
    found: list[Turn] = []
    for turn in turns:
        last = found[-1] if found else None
        plain = turn.keys() == {"role", "content"}
        if last and plain and last.keys() == turn.keys() and last["role"] == turn["role"]:
            last["content"] += "\n\n" + turn["content"]
        else:
            found.append(turn)
    return found
