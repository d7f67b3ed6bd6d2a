"""Functions that a model may call: as clients declare them, and as the engine is told of them."""

import json
import re
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.api.openai.json_schemas import kept

MOST_TOOLS = 64
MOST_TOOL_CHARS = 64_000
NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
ANYTHING: dict[str, Any] = {"type": "object", "properties": {}}
CHOICES = ("none", "auto", "required")

TOOL = {
    "type": "object",
    "required": ["type", "function"],
    "properties": {
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "pattern": "^[a-zA-Z0-9_.-]{1,64}$"},
                "description": {"type": "string"},
                "parameters": {"type": "object"},
                "strict": {"type": ["boolean", "null"]},
            },
        },
    },
}


@extend_schema_field({"type": "array", "minItems": 1, "maxItems": MOST_TOOLS, "items": TOOL})
class ToolsField(serializers.Field):  # type: ignore[type-arg]
    """The functions, each with the schema that its arguments are held to."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not 0 < len(data) <= MOST_TOOLS:
            raise serializers.ValidationError(_("1 to %d functions.") % MOST_TOOLS, code="invalid")
        tools = [function_of(item) for item in data]
        if len({tool["name"] for tool in tools}) < len(tools):
            raise serializers.ValidationError(_("Each function has its own name."), code="invalid")
        if len(json.dumps(tools)) > MOST_TOOL_CHARS:
            raise serializers.ValidationError(
                _("At most %d characters in all.") % MOST_TOOL_CHARS, code="invalid"
            )
        return tools


def function_of(item: Any) -> dict[str, Any]:
    """A declared function as its job keeps it: name, description, schema and what it promises."""
    given = item.get("function") if isinstance(item, dict) else None
    if not isinstance(given, dict) or item.get("type", "function") != "function":
        raise serializers.ValidationError(
            _("Only functions can be called: {“type”: “function”, “function”: …}."), code="invalid"
        )
    name, parameters = given.get("name"), given.get("parameters") or ANYTHING
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise serializers.ValidationError(
            _("A function's name has 1 to 64 letters, digits, dots, dashes."), code="invalid"
        )
    if not isinstance(parameters, dict):
        raise serializers.ValidationError(_("`parameters` is a JSON schema."), code="invalid")
    return {
        "name": name,
        "description": str(given.get("description") or ""),
        "schema": kept({"type": "object", **parameters}),
        "parameters": parameters,
    }


@extend_schema_field(
    {
        "oneOf": [
            {"enum": list(CHOICES)},
            {
                "type": "object",
                "required": ["type", "function"],
                "properties": {"type": {"const": "function"}, "function": {"type": "object"}},
            },
        ]
    }
)
class ToolChoiceField(serializers.Field):  # type: ignore[type-arg]
    """Whether a function may or must be called, or which one."""

    def to_internal_value(self, data: Any) -> str:
        """`none`, `auto`, `required` or `=name`."""
        if data in CHOICES:
            return str(data)
        function = data.get("function") if isinstance(data, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str):
            raise serializers.ValidationError(
                _("none, auto, required, or a function by its name."), code="invalid"
            )
        return f"={name}"


def asked_tools(asked: dict[str, Any]) -> dict[str, Any]:
    """Which functions may be called and whether one must be, for the job; empty where none may.

    Raises ValidationError for a choice among functions that are not there.
    """
    tools, choice = asked.get("tools") or [], asked.get("tool_choice") or "auto"
    if choice.startswith("="):
        tools = [tool for tool in tools if tool["name"] == choice.removeprefix("=")]
    if not tools and choice not in ("none", "auto"):
        raise serializers.ValidationError(
            {"tool_choice": [_("There is no such function in `tools`.")]}, code="invalid"
        )
    if not tools or choice == "none":
        return {}
    return {"tools": tools, "must_call": choice != "auto"}
