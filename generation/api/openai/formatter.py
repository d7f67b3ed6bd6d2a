"""The answers' shapes: whole ones and chunks, for chats and for plain completions."""

import json
from dataclasses import dataclass
from typing import Any

from generation.api.openai import logprobs
from generation.api.openai.call_stream import CallStream, calls_to_json
from generation.engine import calls
from tenants.jobs.models import Job

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """What became of a request: its job, and how the answer is wanted. Kept for retries."""

    job: str
    model: str
    chat: bool
    stream: bool
    include_usage: bool
    tools: bool = False
    fingerprint: str | None = None
    about: dict[str, Any] | None = None


class ResponseFormatter:
    """Puts a job's text into the form that the caller's client reads."""

    def __init__(self, options: ResponseOptions, job: Job) -> None:
        self.options = options
        self.job = job
        self.call_streams: dict[int, CallStream] = {}
        self.offsets: dict[int, int] = {}

    def whole(self) -> dict[str, Any]:
        """The finished job as one answer."""
        kind = "chat.completion" if self.options.chat else "text_completion"
        choices = [self._choice(choice) for choice in self.job.result["choices"]]
        return {**self._head(kind), "choices": choices, "usage": self.usage()}

    def _choice(self, choice: dict[str, Any]) -> dict[str, Any]:
        index, kept = choice["index"], choice.get("logprobs")
        if not self.options.chat:
            odds = logprobs.legacy(kept)
            text = {"text": choice["text"], "logprobs": odds}
            return {"index": index, "finish_reason": choice["finish_reason"], **text}
        message, reason = self.message(choice)
        odds = logprobs.of_chat(kept)
        return {"index": index, "finish_reason": reason, "message": message, "logprobs": odds}

    def message(self, choice: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """A choice as the assistant's message, and why it ended."""
        text, called = calls.read(choice["text"]) if self.options.tools else (choice["text"], [])
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if not called:
            return message, choice["finish_reason"]
        made = calls_to_json(called, self.job.pk.hex, choice["index"])
        return {**message, "content": text or None, "tool_calls": made}, "tool_calls"

    def usage(self) -> dict[str, Any]:
        result = self.job.result
        prompt, completion = result["prompt_tokens"], result["completion_tokens"]
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }

    def opening(self, index: int) -> bytes:
        """The first chunk of a choice; plain completions have none."""
        delta = {"role": "assistant", "content": "", "refusal": None}
        return self._chunk([self._piece(index, delta=delta)]) if self.options.chat else b""

    def text(self, index: int, text: str, kept: list[Any] | None = None) -> bytes:
        """More of a choice's text, and of the functions that it calls."""
        if not self.options.chat:
            odds = logprobs.legacy(kept, self.offsets.get(index, 0))
            self.offsets[index] = self.offsets.get(index, 0) + len(text)
            return self._chunk([self._piece(index, text=text, logprobs=odds)])
        odds = logprobs.of_chat(kept)
        if not self.options.tools:
            return self._chunk([self._piece(index, delta={"content": text}, logprobs=odds)])
        stream = self.call_streams.setdefault(index, CallStream(self.job.pk.hex, index))
        pieces = [self._piece(index, delta=delta) for delta in stream.more(text)]
        if odds:
            pieces.append(self._piece(index, delta={}, logprobs=odds))
        return b"".join(self._chunk([piece]) for piece in pieces)

    def closing(self) -> bytes:
        """The chunks that end each choice, with the usage where it was asked for."""
        ends = [self._end(choice) for choice in self.job.result["choices"]]
        usage = [self._chunk([], self.usage())] if self.options.include_usage else []
        return b"".join([*ends, *usage, DONE])

    def error(self, problem: dict[str, Any]) -> bytes:
        """An error after the status was sent, as OpenAI's clients look for it."""
        return f"data: {json.dumps(problem, ensure_ascii=False)}\n\n".encode()

    def _end(self, choice: dict[str, Any]) -> bytes:
        index, reason = choice["index"], choice["finish_reason"]
        if not self.options.chat:
            return self._chunk([self._piece(index, reason, text="")])
        rest: list[dict[str, Any]] = []
        if stream := self.call_streams.get(index):
            rest, reason = stream.rest(), "tool_calls" if stream.called else reason
        chunks = [self._chunk([self._piece(index, delta=delta)]) for delta in rest]
        return b"".join([*chunks, self._chunk([self._piece(index, reason, delta={})])])

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
            "system_fingerprint": self.fingerprint,
        }

    @property
    def fingerprint(self) -> str | None:
        """The weights that wrote it; while it is being written, those that were asked for."""
        result = self.job.result
        found = fingerprint(result.get("base_sha256"), result.get("adapter_sha256"))
        return found or self.options.fingerprint


def fingerprint(base: str | None, adapter: str | None) -> str | None:
    """The weights of base and adapter, each by how its hash begins."""
    if not base:
        return None
    return f"fp_{base[:12]}" + (f"_{adapter[:12]}" if adapter else "")
