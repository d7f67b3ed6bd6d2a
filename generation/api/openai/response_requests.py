"""POST /v1/responses: what it asks for, in the words of a chat."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from generation.api.openai.neutral import NEUTRAL, without_neutral

# What a response calls otherwise than a chat does; where a chat's field is wrong, this one is.
RENAMED = {"messages": "input", "max_tokens": "max_output_tokens", "response_format": "text"}
SAME = ("model", "temperature", "top_p", "stream", "metadata", "store", "user", "top_logprobs")
KNOWN = {*SAME, "input", "instructions", "max_output_tokens", "text", "tools", "tool_choice"}
STATELESS = {
    "previous_response_id": _("Nothing is kept between calls: send the whole history as `input`."),
    "conversation": _("Nothing is kept between calls: send the whole history as `input`."),
    "background": _("Leave it out and send an Idempotency-Key to come back for the answer with."),
    "prompt": _("Send its text as `instructions`."),
}
Given = Mapping[str, Any]


def chat_request(data: Any) -> dict[str, Any]:
    """The request as a chat; raises ValidationError for what no chat can do."""
    if not isinstance(data, Mapping):
        raise serializers.ValidationError(_("A JSON object."), code="invalid")
    refuse_state(data)
    given = without_neutral(data, KNOWN)
    if strange := sorted(given.keys() - KNOWN - NEUTRAL.keys() - {"stream_options"}):
        detail = serializers.ErrorDetail(str(_("This field is not known here.")), "unknown_field")
        raise serializers.ValidationError({strange[0]: [detail]})
    chat = {name: given[name] for name in SAME if name in given}
    chat["messages"] = [*told(given.get("instructions")), *messages(given.get("input"))]
    if "max_output_tokens" in given:
        chat["max_tokens"] = given["max_output_tokens"]
    if given.get("top_logprobs"):
        chat["logprobs"] = True
    return chat | form(given.get("text")) | functions(given)


def refuse_state(data: Given) -> None:
    found = {name: [why] for name, why in STATELESS.items() if data.get(name)}
    if found:
        raise serializers.ValidationError(found, code="not_supported")


def told(instructions: Any) -> list[dict[str, Any]]:
    return [{"role": "system", "content": instructions}] if instructions else []


def messages(given: Any) -> list[dict[str, Any]]:
    """The input's items: messages, calls of functions and what they gave."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise serializers.ValidationError({"input": [_("Text, or a list of items.")]}, "invalid")
    found = [message_of(item, place) for place, item in enumerate(given)]
    return [message for message in found if message]


def message_of(item: Any, place: int) -> dict[str, Any] | None:
    kind = item.get("type", "message") if isinstance(item, dict) else None
    if kind == "message":
        return {"role": item.get("role"), "content": item.get("content")}
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind == "function_call_output":
        output = item.get("output")
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": output}
    if kind == "reasoning":
        return None
    detail = _("An item is a message, a function_call or a function_call_output.")
    raise serializers.ValidationError({"input": {str(place): [detail]}}, "invalid")


def form(text: Any) -> dict[str, Any]:
    """`text.format` as a chat's `response_format`."""
    wanted = text.get("format") if isinstance(text, dict) else None
    if not isinstance(wanted, dict):
        return {}
    if wanted.get("type") != "json_schema":
        return {"response_format": wanted}
    schema = {name: wanted.get(name) for name in ("name", "schema", "strict")}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def functions(given: Given) -> dict[str, Any]:
    """Tools stand flat here, and in an object of their own in a chat."""
    found: dict[str, Any] = {}
    if tools := given.get("tools"):
        found["tools"] = [nested(tool) for tool in tools] if isinstance(tools, list) else tools
    if choice := given.get("tool_choice"):
        found["tool_choice"] = nested(choice)
    return found


def nested(tool: Any) -> Any:
    if not isinstance(tool, dict) or tool.get("type") != "function" or "function" in tool:
        return tool
    function = {name: value for name, value in tool.items() if name != "type"}
    return {"type": "function", "function": function}


def in_own_words(detail: Any) -> Any:
    """A chat's errors at the places that the caller knows."""
    if not isinstance(detail, dict):
        return detail
    return {RENAMED.get(name, name): value for name, value in detail.items()}
