"""The answers of OpenAI's endpoints, for the API's description."""

from typing import Any

from tenants.jobs.api import EVENT

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NULLABLE = {"type": ["string", "null"]}
REASON = {"type": ["string", "null"], "enum": ["stop", "length", "tool_calls", None]}


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


USAGE = record(prompt_tokens=INTEGER, completion_tokens=INTEGER, total_tokens=INTEGER)
CALL = record(id=STRING, type={"const": "function"}, function=record(name=STRING, arguments=STRING))
MESSAGE = record(role={"const": "assistant"}, content=NULLABLE, refusal=NULLABLE)
MESSAGE["properties"]["tool_calls"] = {"type": "array", "items": CALL}


LOGPROB = record(
    token=STRING,
    logprob={"type": "number"},
    bytes={"type": ["array", "null"], "items": INTEGER},
)
LEGACY_LOGPROBS = {
    **record(
        tokens={"type": "array", "items": STRING},
        token_logprobs={"type": "array", "items": {"type": "number"}},
        top_logprobs={"type": "array", "items": {"type": "object"}},
        text_offset={"type": "array", "items": INTEGER},
    ),
    "type": ["object", "null"],
}
LOGPROBS = {
    **record(
        content={
            "type": "array",
            "items": {
                **LOGPROB,
                "properties": {
                    **LOGPROB["properties"],
                    "top_logprobs": {"type": "array", "items": LOGPROB},
                },
            },
        },
        refusal=NULLABLE,
    ),
    "type": ["object", "null"],
}


def answer(kind: str, logprobs: Any = LOGPROBS, **part: Any) -> dict[Any, Any]:
    """A whole answer, and the stream of `data:` lines that it comes as when asked for."""
    choice = record(index=INTEGER, finish_reason=REASON, logprobs=logprobs, **part)
    whole = record(
        id=STRING,
        object={"const": kind},
        created=INTEGER,
        model=STRING,
        system_fingerprint=NULLABLE,
        choices={"type": "array", "items": choice},
        usage=USAGE,
    )
    return {(200, "application/json"): whole, (200, "text/event-stream"): EVENT}


CHAT_ANSWER = answer("chat.completion", message=MESSAGE)
COMPLETION_ANSWER = answer("text_completion", LEGACY_LOGPROBS, text=STRING)

RESPONSE_REQUEST = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": {"type": "string", "maxLength": 200},
        "input": {"oneOf": [STRING, {"type": "array", "items": {"type": "object"}}]},
        "instructions": NULLABLE,
        "max_output_tokens": {"type": ["integer", "null"], "minimum": 1},
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
        "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "stream": {"type": ["boolean", "null"]},
        "text": {"type": ["object", "null"]},
        "tools": {"type": ["array", "null"], "items": {"type": "object"}},
        "tool_choice": {},
        "metadata": {"type": ["object", "null"]},
        "store": {"type": ["boolean", "null"]},
        "user": NULLABLE,
        "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    },
    "additionalProperties": False,
}
RESPONSE = record(
    id=STRING,
    object={"const": "response"},
    created_at=INTEGER,
    status={"enum": ["completed", "incomplete"]},
    model=STRING,
    output={"type": "array", "items": {"type": "object"}},
    usage=record(input_tokens=INTEGER, output_tokens=INTEGER, total_tokens=INTEGER),
)
RESPONSE_ANSWER = {(200, "application/json"): RESPONSE, (200, "text/event-stream"): EVENT}
