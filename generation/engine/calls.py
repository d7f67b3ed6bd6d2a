"""Calls of functions as text: how a model is told of them, how it makes one, how that is read.

A call stands at the end of a text, in the form in which most open models were taught to call:
`<tool_call>{"name": "find", "arguments": {"what": "tea"}}</tool_call>`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from generation.engine.types import (
    Function,
    FunctionCall,
    GenerationRequest,
    Grammar,
    Message,
)

BEGIN, END = "<tool_call>", "</tool_call>"
ARGUMENTS = '"arguments": '
TOLD = (
    "You may call one of these functions, each with its arguments as JSON:\n{functions}\n"
    "To call one, end your answer with\n"
    f'{BEGIN}{{{{"name": "its name", {ARGUMENTS}{{{{…}}}}}}}}{END}'
)


def opening(name: str) -> str:
    """How a call of this function begins, up to its arguments."""
    return f"{BEGIN}{{{json.dumps('name')}: {json.dumps(name)}, {ARGUMENTS}"


def text_of(name: str, arguments: str) -> str:
    """A call as text; the arguments are JSON already."""
    return f"{opening(name)}{arguments}}}{END}"


def in_plain_messages(request: GenerationRequest) -> GenerationRequest:
    """The request for a model that knows nothing of functions but what its messages say."""
    messages = tuple(map(plain, request.messages))
    if not request.functions:
        return replace(request, messages=messages)
    told = TOLD.format(functions="\n".join(map(described, request.functions)))
    if messages and messages[0].role == "system":
        first = replace(messages[0], content=f"{messages[0].content}\n\n{told}")
        messages = (first, *messages[1:])
    else:
        messages = (Message("system", told), *messages)
    grammar = Grammar.calls(request.functions, must_call=request.must_call)
    return replace(request, messages=messages, functions=(), must_call=False, grammar=grammar)


def described(function: Function) -> str:
    """A function as one line of JSON."""
    parameters = json.loads(function.parameters)
    about = {"name": function.name, "description": function.description, "parameters": parameters}
    return json.dumps(about, ensure_ascii=False)


def plain(message: Message) -> Message:
    """A turn without calls of its own: they stand in its text, and a result is the user's turn."""
    if message.role == "tool":
        return Message("user", f"<tool_response>{message.content}</tool_response>")
    calls = "".join(text_of(call.name, call.arguments) for call in message.tool_calls)
    return Message(message.role, "\n".join(filter(None, (message.content, calls))))


def read(text: str) -> tuple[str, list[FunctionCall]]:
    """The text before the calls, and the calls, which have no ids yet."""
    content, *rest = text.split(BEGIN)
    calls = list(made(rest))
    return (content.strip(), calls) if calls else (text, [])


def made(parts: list[str]) -> Iterator[FunctionCall]:
    for part in parts:
        try:
            call = json.loads(part.partition(END)[0])
            yield FunctionCall("", str(call["name"]), json.dumps(call["arguments"]))
        except (ValueError, KeyError, TypeError):
            continue
