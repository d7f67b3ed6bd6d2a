"""POST /v1/responses: the answer's shape, whole and as events."""

import json
from collections.abc import Iterator
from typing import Any

from generation.api.openai import logprobs
from generation.api.openai.call_stream import CallStream, calls_to_json
from generation.api.openai.formatter import ResponseOptions
from generation.engine import calls
from generation.engine.types import FunctionCall
from tenants.jobs.models import Job

Item = dict[str, Any]


class ResponseObjectFormatter:
    """Puts a job's text into response objects and their events; one choice, and no state kept."""

    def __init__(self, options: ResponseOptions, job: Job) -> None:
        self.options = options
        self.job = job
        self.stream = CallStream(job.pk.hex, 0)
        self.number = 0
        self.items: list[Item] = []

    def whole(self) -> dict[str, Any]:
        """The finished job as one response."""
        (choice,) = self.job.result["choices"]
        return self.response(self.finished_items(choice), choice["finish_reason"])

    def response(self, output: list[Item], reason: str = "") -> dict[str, Any]:
        """The response as it stands; without a reason it is still being written."""
        cut = reason == "length"
        status = ("incomplete" if cut else "completed") if reason else "in_progress"
        created = int(self.job.created_at.timestamp())
        return {
            **(self.options.about or {}),
            "id": f"resp_{self.job.pk.hex}",
            "object": "response",
            "created_at": created,
            "completed_at": created if reason else None,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "model": self.options.model,
            "output": output,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "parallel_tool_calls": False,
            "store": False,
            "background": False,
            "service_tier": "default",
            "truncation": "disabled",
            "usage": self.usage() if reason else None,
        }

    def usage(self) -> dict[str, Any]:
        result = self.job.result
        read, written = result["prompt_tokens"], result["completion_tokens"]
        return {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }

    def finished_items(self, choice: dict[str, Any]) -> list[Item]:
        text: str = choice["text"]
        called: list[FunctionCall] = []
        if self.options.tools:
            text, called = calls.read(text)
        items = [self.message(text, "completed")] if text or not called else []
        made = calls_to_json(called, self.job.pk.hex, 0)
        return [*items, *(self.call(each["id"], **each["function"]) for each in made)]

    def message(self, text: str | None, status: str) -> Item:
        """The text as a message; None is one that has no part yet."""
        parts = [] if text is None else [part(text)]
        identity = {"id": f"msg_{self.job.pk.hex}", "type": "message", "role": "assistant"}
        return {**identity, "status": status, "content": parts}

    def call(self, call_id: str, name: str, arguments: str, status: str = "completed") -> Item:
        return {
            "id": call_id.replace("call_", "fc_"),
            "type": "function_call",
            "call_id": call_id,
            "name": name,
            "arguments": arguments,
            "status": status,
        }

    # Events

    def opening(self, index: int) -> bytes:
        response = self.response([])
        return b"".join(
            self._event(f"response.{name}", response=response)
            for name in ("created", "in_progress")
        )

    def text(self, index: int, text: str, kept: list[Any] | None = None) -> bytes:
        if not self.options.tools:
            return b"".join(self._more_text(text, kept))
        return b"".join(
            frame for delta in self.stream.more(text) for frame in self._delta(delta, kept)
        )

    def closing(self) -> bytes:
        """What was held back, the ends of all items, and the whole response."""
        (choice,) = self.job.result["choices"]
        frames = [frame for delta in self.stream.rest() for frame in self._delta(delta, None)]
        if not self.items:
            frames += self._more_text("", None)
        frames += self._item_done()
        whole = self.whole()
        name = "incomplete" if whole["status"] == "incomplete" else "completed"
        return b"".join([*frames, self._event(f"response.{name}", response=whole)])

    def error(self, problem: dict[str, Any]) -> bytes:
        """An error after the status was sent."""
        known = problem["error"]
        return self._event(
            "error", code=known["code"], message=known["message"], param=known["param"]
        )

    def _delta(self, delta: dict[str, Any], kept: list[Any] | None) -> Iterator[bytes]:
        if "content" in delta:
            yield from self._more_text(delta["content"], kept)
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                yield from self._item_done()
                item = self.call(call["id"], call["function"]["name"], "", "in_progress")
                yield self._added(item)
            if arguments := call["function"]["arguments"]:
                self.items[-1]["arguments"] += arguments
                yield self._event("response.function_call_arguments.delta", delta=arguments)

    def _more_text(self, text: str, kept: list[Any] | None) -> Iterator[bytes]:
        if not self.items:
            yield self._added(self.message(None, "in_progress"))
            yield self._event("response.content_part.added", content_index=0, part=part(""))
            self.items[-1]["content"] = [part("")]
        self.items[-1]["content"][0]["text"] += text
        if text:
            odds = (logprobs.of_chat(kept) or {"content": []})["content"]
            name = "response.output_text.delta"
            yield self._event(name, content_index=0, delta=text, logprobs=odds)

    def _added(self, item: Item) -> bytes:
        self.items.append(item)
        return self._event("response.output_item.added", item=item)

    def _item_done(self) -> Iterator[bytes]:
        """The events that end the item which is being written."""
        if not self.items or self.items[-1]["status"] == "completed":
            return
        item = self.items[-1]
        item["status"] = "completed"
        if item["type"] == "message":
            text = item["content"][0]["text"]
            name = "response.output_text.done"
            yield self._event(name, content_index=0, text=text, logprobs=[])
            yield self._event("response.content_part.done", content_index=0, part=part(text))
        else:
            arguments, name = item["arguments"], "response.function_call_arguments.done"
            yield self._event(name, name=item["name"], arguments=arguments)
        yield self._event("response.output_item.done", item=item)

    def _event(self, kind: str, /, **data: Any) -> bytes:
        body = {"type": kind, "sequence_number": self.number, **data}
        self.number += 1
        if self.items and ("." in kind.removeprefix("response.") or "item" in data):
            body["output_index"] = len(self.items) - 1
            if "item" not in data:
                body["item_id"] = self.items[-1]["id"]
        return f"event: {kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
