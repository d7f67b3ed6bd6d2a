"""The answers' shapes: whole ones and chunks, for chats and for plain completions."""

import json
from dataclasses import dataclass
from typing import Any

from tenants.jobs.models import Job

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """What became of a request: its job, and how the answer is wanted. Kept for retries."""

    job: str
    model: str
    chat: bool
    n: int
    stream: bool
    include_usage: bool


class ResponseFormatter:
    """Puts a job's text into the form that the caller's client reads."""

    def __init__(self, options: ResponseOptions, job: Job) -> None:
        self.options = options
        self.job = job

    def whole(self) -> dict[str, Any]:
        """The finished job as one answer."""
        kind = "chat.completion" if self.options.chat else "text_completion"
        choices = [self._choice(choice) for choice in self.job.result["choices"]]
        return {**self._head(kind), "choices": choices, "usage": self.usage()}

    def _choice(self, choice: dict[str, Any]) -> dict[str, Any]:
        text = choice["text"]
        body = (
            {"message": {"role": "assistant", "content": text, "refusal": None}}
            if self.options.chat
            else {"text": text}
        )
        head = {"index": choice["index"], "finish_reason": choice["finish_reason"]}
        return {**head, **body, "logprobs": openai_logprobs(choice.get("logprobs"))}

    def usage(self) -> dict[str, Any]:
        result = self.job.result
        # Each choice reads the prompt anew; OpenAI counts it once.
        prompt = result["prompt_tokens"] // max(1, len(result["choices"]))
        completion = result["completion_tokens"]
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }

    def opening(self, index: int) -> bytes:
        """The first chunk of a choice; plain completions have none."""
        delta = {"role": "assistant", "content": "", "refusal": None}
        return self._chunk([self._piece(index, delta=delta)]) if self.options.chat else b""

    def text(self, index: int, text: str, logprobs: list[Any] | None = None) -> bytes:
        part = {"delta": {"content": text}} if self.options.chat else {"text": text}
        return self._chunk([self._piece(index, **part, logprobs=openai_logprobs(logprobs))])

    def closing(self) -> bytes:
        """The chunks that end each choice, with the usage where it was asked for."""
        empty: dict[str, Any] = {"delta": {}} if self.options.chat else {"text": ""}
        ends = [
            self._chunk([self._piece(choice["index"], choice["finish_reason"], **empty)])
            for choice in self.job.result["choices"]
        ]
        usage = [self._chunk([], self.usage())] if self.options.include_usage else []
        return b"".join([*ends, *usage, DONE])

    def _piece(self, index: int, finish_reason: str | None = None, **part: Any) -> dict[str, Any]:
        return {"index": index, "logprobs": None, **part, "finish_reason": finish_reason}

    def _chunk(self, choices: list[dict[str, Any]], usage: Any = None) -> bytes:
        kind = "chat.completion.chunk" if self.options.chat else "text_completion"
        body = {**self._head(kind), "choices": choices}
        if self.options.include_usage:
            body["usage"] = usage
        return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()

    def _head(self, kind: str) -> dict[str, Any]:
        prefix = "chatcmpl" if self.options.chat else "cmpl"
        return {
            "id": f"{prefix}-{self.job.pk.hex}",
            "object": kind,
            "created": int(self.job.created_at.timestamp()),
            "model": self.options.model,
            "system_fingerprint": fingerprint(self.job.result),
        }


def openai_logprobs(kept: list[Any] | None) -> dict[str, Any] | None:
    """What handlers.logprobs_to_json stored, as OpenAI's chats have it."""
    if not kept:
        return None
    content = [
        {**token_logprob(token, logprob), "top_logprobs": [token_logprob(*pair) for pair in beside]}
        for token, logprob, beside in kept
    ]
    return {"content": content, "refusal": None}


def token_logprob(token: str, logprob: float) -> dict[str, Any]:
    """A part of a character has no text of its own, and so no bytes that could be told."""
    known = None if "\ufffd" in token else list(token.encode())
    return {"token": token, "logprob": logprob, "bytes": known}


def fingerprint(result: dict[str, Any]) -> str | None:
    """The weights that really wrote a text, base and adapter, each by how its hash begins.

    Nothing while the text is still being written.
    """
    if not (base := result.get("base_sha256")):
        return None
    adapter = result.get("adapter_sha256")
    return f"fp_{base[:12]}" + (f"_{adapter[:12]}" if adapter else "")
