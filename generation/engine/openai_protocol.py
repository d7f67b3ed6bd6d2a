"""OpenAI's protocol: what is sent, and answers that are read with suspicion."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Collection
from typing import Any

import httpx

from generation.engine.calls import text_of
from generation.engine.types import EngineError, GenerationRequest, Grammar, Message

# What no honest server goes beyond, in bytes and in tokens.
LONGEST_ANSWER = 16 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
LONGEST_ERROR = 64 * 1024
MOST_TOKENS = 10_000_000
MOST_CALLS = 128
STATUS_CODES = {
    400: "engine_rejected",
    401: "engine_unauthorized",
    403: "engine_unauthorized",
    404: "model_missing",
    422: "engine_rejected",
    429: "engine_rate_limited",
}


# What newer models refuse to be told; the first has another name there.
REFUSABLE = ("max_tokens", "temperature", "top_p", "presence_penalty", "frequency_penalty",
             "stop", "seed", "logit_bias")  # fmt: skip
UNSUPPORTED = re.compile(r"unsupported|not support|unknown|unrecognized|not permitted", re.I)
NEWER = {"max_tokens": "max_completion_tokens"}


def spoken(body: dict[str, Any], refused: Collection[str]) -> dict[str, Any]:
    """The body in the dialect of a server that refuses these fields."""
    renamed = {NEWER[name]: body[name] for name in refused if name in NEWER and name in body}
    return {name: value for name, value in body.items() if name not in refused} | renamed


def field_refused(status: int, answer: bytes) -> str:
    """The field of a request that a server says it does not take; nothing where it names none."""
    if status not in {400, 422}:
        return ""
    text = answer.decode("utf-8", "replace")
    if not re.search(
        r"unsupported|not supported|does not support|unknown|unrecognized", text, re.I
    ):
        return ""
    places = {name: text.find(name) for name in REFUSABLE if re.search(rf"\b{name}\b", text)}
    return min(places, key=lambda name: places[name], default="")


def request_body(request: GenerationRequest, dialect: str) -> dict[str, Any]:
    """The request as JSON, but for the model's name; raises EngineError where it cannot be."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "max_tokens": request.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= text_fields(request)
    optional: dict[str, Any] = {"seed": sampling.seed, "stop": list(sampling.stop) or None}
    if sampling.logit_bias:
        optional["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias}
    body |= {name: value for name, value in optional.items() if value is not None}
    if dialect == "vllm":
        body |= vllm_fields(request)
    if request.grammar is not None:
        body |= grammar_fields(request.grammar, dialect)
    if request.functions:
        body |= function_fields(request)
    return body


def function_fields(request: GenerationRequest) -> dict[str, Any]:
    """The functions as the server is told of them; how it writes a call is its own business."""
    tools = [
        {
            "type": "function",
            "function": {
                "name": function.name,
                "description": function.description,
                "parameters": json.loads(function.parameters),
            },
        }
        for function in request.functions
    ]
    only = {"type": "function", "function": {"name": request.functions[0].name}}
    must = only if len(tools) == 1 else "required"
    return {"tools": tools, "tool_choice": must if request.must_call else "auto"}


def grammar_fields(grammar: Grammar, dialect: str) -> dict[str, Any]:
    if grammar.kind == "json_schema":
        # OpenAI's own servers refuse most schemas where they are to follow them strictly.
        strict = dialect == "vllm"
        schema = {"name": "answer", "schema": json.loads(grammar.source), "strict": strict}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if dialect != "vllm":
        raise EngineError("grammar_unsupported", "This server follows JSON schemas only.")
    if grammar.kind == "choice":
        return {"structured_outputs": {"choice": json.loads(grammar.source)}}
    name = "grammar" if grammar.kind == "ebnf" else "regex"
    return {"structured_outputs": {name: grammar.source}}


async def lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """The answer's lines; raises where one of them, or all together, are too long to be kept."""
    rest, size = b"", 0
    async for piece in response.aiter_raw():
        size += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        if size > LONGEST_ANSWER or len(rest) > LONGEST_LINE:
            raise EngineError("engine_protocol_error", "The model server's answer never ends.")
        for line in whole:
            yield line.rstrip(b"\r")
    yield rest


async def beginning(response: httpx.Response, most: int = LONGEST_ERROR) -> bytes:
    """As much of an answer as is worth reading."""
    found = b""
    async for piece in response.aiter_raw():
        found += piece
        if len(found) > most:
            break
    return found


def count(given: Any) -> int:
    """A number of tokens as a server states it; 0 where it makes no sense."""
    sound = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MOST_TOKENS
    return given if sound else 0


def text_fields(request: GenerationRequest) -> dict[str, Any]:
    if request.prompt:
        return {"prompt": request.prompt}
    return {"messages": [message_fields(message) for message in request.messages]}


def message_fields(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        found["tool_call_id"] = message.tool_call_id
    return found


class CallsBeingMade:
    """The calls of functions in a server's stream, put together piece by piece."""

    def __init__(self) -> None:
        self.calls: dict[int, list[str]] = {}
        self.size = 0

    def take(self, deltas: Any) -> None:
        """Use the pieces of one chunk."""
        for delta in deltas if isinstance(deltas, list) else ():
            function = delta.get("function") or {}
            call = self.calls.setdefault(int(delta.get("index", 0)), ["", ""])
            call[0] += str(function.get("name") or "")
            call[1] += str(function.get("arguments") or "")
            self.size += len(call[0]) + len(call[1])
        if len(self.calls) > MOST_CALLS or self.size > LONGEST_ANSWER:
            raise EngineError("engine_protocol_error", "The model server's calls never end.")

    @property
    def text(self) -> str:
        """The calls in the form that our own engine writes them in."""
        return "".join(
            text_of(name, arguments or "{}") for name, arguments in self.calls.values() if name
        )


def vllm_fields(request: GenerationRequest) -> dict[str, Any]:
    """What vLLM adds; its cache salt keeps one tenant's prefixes out of another's timing."""
    sampling = request.sampling
    return {
        "top_k": sampling.top_k or -1,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "min_tokens": request.min_tokens,
        "bad_words": list(request.banned),
        "cache_salt": hashlib.sha256(f"tenant:{request.tenant}".encode()).hexdigest(),
    }


def refused(status: int, answer: bytes) -> EngineError:
    """A server's error as ours; its text stays out, it may hold another system's details."""
    code = STATUS_CODES.get(status, "engine_failed")
    if b"context_length_exceeded" in answer or b"maximum context length" in answer:
        code = "context_length_exceeded"
    field = field_refused(status, answer)
    details = {"field": field} if field else {}
    return EngineError(code, f"The model server answered {status}.", status=status, **details)


def prompt_text(request: GenerationRequest) -> str:
    return request.prompt or "\n".join(message.text for message in request.messages)
