"""The answers of OpenAI's endpoints, for the API's description."""

from typing import Any

from tenants.jobs.api import EVENT

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NULLABLE = {"type": ["string", "null"]}
REASON = {"type": ["string", "null"], "enum": ["stop", "length", None]}


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


USAGE = record(prompt_tokens=INTEGER, completion_tokens=INTEGER, total_tokens=INTEGER)
MESSAGE = record(role={"const": "assistant"}, content=STRING, refusal=NULLABLE)


LOGPROB = record(
    token=STRING,
    logprob={"type": "number"},
    bytes={"type": ["array", "null"], "items": INTEGER},
)
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


def answer(kind: str, **part: Any) -> dict[Any, Any]:
    """A whole answer, and the stream of `data:` lines that it comes as when asked for."""
    choice = record(index=INTEGER, finish_reason=REASON, logprobs=LOGPROBS, **part)
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
COMPLETION_ANSWER = answer("text_completion", text=STRING)
