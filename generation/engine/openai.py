"""The engine over any server that speaks OpenAI's API; its calls run on a loop in one thread."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import queue
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx

from generation.engine.text import Phrases, TextStream, fold
from generation.engine.types import (
    EngineError,
    EngineStats,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Grammar,
    Reason,
    Token,
)

log = logging.getLogger(__name__)

STEP_WAIT = 0.05
BYTES_PER_TOKEN = 4
# What no honest server goes beyond: an answer's bytes, one line's, an error's, a token's.
LONGEST_ANSWER = 16 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
LONGEST_ERROR = 64 * 1024
LONGEST_TOKEN = 128
PIECES_PER_TOKEN = 4
MOST_TOKENS = 10_000_000
DIALECTS = ("openai", "vllm")
STATUS_CODES = {
    400: "engine_rejected",
    401: "engine_unauthorized",
    403: "engine_unauthorized",
    404: "model_missing",
    422: "engine_rejected",
    429: "engine_rate_limited",
}


@dataclass(slots=True)
class Call:
    """One request under way. The server's text passes the same gate as our own model's."""

    request: GenerationRequest
    task: asyncio.Task[None] | None = None
    reason: Reason = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    began: float = field(default_factory=monotonic)
    stream: TextStream = field(init=False)

    def __post_init__(self) -> None:
        banned = tuple(fold(phrase) for phrase in self.request.banned)
        self.stream = TextStream(Phrases(self.request.sampling.stop), Phrases(banned))

    @property
    def overflows(self) -> bool:
        """Whether the server does not keep to the limit that it was given."""
        most, stream = self.request.max_tokens, self.stream
        return (
            len(stream.pieces) > PIECES_PER_TOKEN * most or len(stream.text) > LONGEST_TOKEN * most
        )


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    """A remote model cannot be hashed: `base_sha256` is what the operator states, or its name's."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    dialect: str = "openai"
    rows: int = 32
    timeout: float = 120.0
    deadline: float = 900.0
    base_sha256: str = ""
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise ValueError(f"Unknown dialect {self.dialect!r}; known: {', '.join(DIALECTS)}.")

    @property
    def sha256(self) -> str:
        return self.base_sha256 or hashlib.sha256(f"remote:{self.model}".encode()).hexdigest()

    def client(self) -> httpx.AsyncClient:
        headers = {"Accept-Encoding": "identity"}  # a small answer could unpack to a huge one
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return httpx.AsyncClient(
            base_url=self.base_url,
            headers=headers,
            timeout=httpx.Timeout(self.timeout, connect=10.0),
            transport=self.transport,
            follow_redirects=False,
        )


class OpenAIEngine:
    """Takes the fields of OpenAISettings as keywords."""

    def __init__(self, **options: Any) -> None:
        self.settings = OpenAISettings(**options)
        self.calls: dict[str, Call] = {}
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.prompt_tokens = self.completion_tokens = 0
        self.client = self.settings.client()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="openai", daemon=True)
        self.thread.start()

    @property
    def free_rows(self) -> int:
        return max(0, self.settings.rows - len(self.calls))

    @property
    def busy(self) -> bool:
        return bool(self.calls)

    def submit(self, request: GenerationRequest) -> None:
        if request.id in self.calls:
            raise EngineError("request_duplicate", "This request is already running.")
        body = self.body(request)
        call = self.calls[request.id] = Call(request)
        self.loop.call_soon_threadsafe(self.launch, call, body)

    def launch(self, call: Call, body: dict[str, Any]) -> None:
        call.task = self.loop.create_task(self.follow(call, body))

    def cancel(self, request_id: str) -> None:
        if call := self.calls.get(request_id):
            self.loop.call_soon_threadsafe(self.interrupt, call)

    def interrupt(self, call: Call) -> None:
        """Cancelling the task closes the connection, which ends the work on the server."""
        if call.task is not None:
            call.task.cancel()

    def step(self) -> list[Event]:
        """The events since the last step; waits a moment for the first."""
        return self.poll(wait=STEP_WAIT if self.busy else 0.0)

    def poll(self, wait: float = 0.0) -> list[Event]:
        """The events that there are, or the first within so many seconds."""
        events: list[Event] = []
        try:
            events.append(self.events.get(block=wait > 0, timeout=wait or None))
            while True:
                events.append(self.events.get_nowait())
        except queue.Empty:
            pass
        for event in events:
            if not isinstance(event, Token):
                self.forget(event)
        return events

    def forget(self, event: Finished | Failed) -> None:
        self.calls.pop(event.request_id, None)
        if isinstance(event, Finished):
            self.prompt_tokens += event.prompt_tokens
            self.completion_tokens += event.completion_tokens

    async def follow(self, call: Call, body: dict[str, Any]) -> None:
        """Run one call to its last event, whatever happens."""
        try:
            async with asyncio.timeout(self.settings.deadline):
                await self.read(call, body)
            self.events.put(self.finished(call, call.reason))
        except asyncio.CancelledError:
            self.events.put(self.finished(call, "cancelled"))
        except EngineError as error:
            self.fail(call, error.code, error.message)
        except (httpx.TimeoutException, TimeoutError):
            self.fail(call, "engine_timeout", "The model server took too long.")
        except httpx.HTTPError:
            self.fail(call, "engine_unreachable", "The model server cannot be reached.")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.fail(call, "engine_protocol_error", "The model server's answer is not readable.")
        except Exception:  # without a last event the caller would wait for ever; it is logged
            log.exception("call_crashed")
            self.fail(call, "engine_failed", "The call to the model server went wrong.")

    async def read(self, call: Call, body: dict[str, Any]) -> None:
        async for chunk in self.chunks(body):
            if self.take(call, chunk):
                return

    def fail(self, call: Call, code: str, message: str) -> None:
        self.events.put(Failed(call.request.id, code, message))

    async def chunks(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        path = "chat/completions" if "messages" in body else "completions"
        async with self.client.stream("POST", path, json=body) as response:
            if response.status_code != httpx.codes.OK:
                raise refused(response.status_code, await beginning(response))
            async for line in lines(response):
                data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
                if data == b"[DONE]":
                    return
                if data:
                    yield json.loads(data)

    def take(self, call: Call, chunk: dict[str, Any]) -> bool:
        """Use one chunk of the answer; whether the text is complete with it."""
        if "error" in chunk:
            raise EngineError("engine_failed", "The model server broke off.")
        if usage := chunk.get("usage"):
            call.prompt_tokens = count(usage.get("prompt_tokens"))
            call.completion_tokens = count(usage.get("completion_tokens")) or call.completion_tokens
        for choice in chunk.get("choices", [])[:1]:
            text = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
            if choice.get("finish_reason") == "length":
                call.reason = "length"
            if text and self.push(call, text):
                return True
        return False

    def push(self, call: Call, text: str) -> bool:
        call.completion_tokens += 1  # The server's own count replaces this one when it comes.
        verdict = call.stream.push(text.replace("\0", "").encode())  # no database stores a NUL
        if verdict.banned_at is not None:
            raise EngineError("output_blocked", "The model wrote a banned phrase.")
        if not verdict.stopped and (fresh := call.stream.take()):
            self.events.put(Token(call.request.id, fresh))
        if call.overflows:
            call.reason = "length"
        return verdict.stopped or call.overflows

    def finished(self, call: Call, reason: Reason) -> Finished:
        request, stream = call.request, call.stream
        if reason != "cancelled" and (rest := stream.take(final=True)):
            self.events.put(Token(request.id, rest))
        return Finished(
            request_id=request.id,
            text=stream.text[: stream.shown],
            reason=reason,
            prompt_tokens=call.prompt_tokens or self.count_tokens(prompt_text(request)),
            completion_tokens=call.completion_tokens,
            seconds=monotonic() - call.began,
            base_sha256=self.settings.sha256,
            adapter_sha256=request.adapter.sha256 if request.adapter else None,
        )

    def body(self, request: GenerationRequest) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": request.adapter.id if request.adapter else self.settings.model,
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
        if self.settings.dialect == "vllm":
            body |= vllm_fields(request)
        if request.grammar is not None:
            body |= self.grammar_fields(request.grammar)
        return body

    def grammar_fields(self, grammar: Grammar) -> dict[str, Any]:
        if grammar.kind == "json_schema":
            # OpenAI's own servers refuse most schemas where they are to follow them strictly.
            strict = self.settings.dialect == "vllm"
            schema = {"name": "answer", "schema": json.loads(grammar.source), "strict": strict}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        if self.settings.dialect != "vllm":
            raise EngineError("grammar_unsupported", "This server follows JSON schemas only.")
        if grammar.kind == "choice":
            return {"structured_outputs": {"choice": json.loads(grammar.source)}}
        name = "grammar" if grammar.kind == "ebnf" else "regex"
        return {"structured_outputs": {name: grammar.source}}

    def count_tokens(self, text: str) -> int:
        """An estimate: the server's tokenizer is not here."""
        return -(-len(text.encode()) // BYTES_PER_TOKEN)

    def stats(self) -> EngineStats:
        return EngineStats(
            rows_busy=len(self.calls),
            rows_total=self.settings.rows,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
        )

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.shut(), self.loop).result(timeout=10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=10)
        self.loop.close()

    async def shut(self) -> None:
        tasks = [call.task for call in self.calls.values() if call.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.aclose()


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


async def beginning(response: httpx.Response) -> bytes:
    """As much of an error's text as is worth reading."""
    found = b""
    async for piece in response.aiter_raw():
        found += piece
        if len(found) > LONGEST_ERROR:
            break
    return found


def count(given: Any) -> int:
    """A number of tokens as a server states it; 0 where it makes no sense."""
    sound = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MOST_TOKENS
    return given if sound else 0


def text_fields(request: GenerationRequest) -> dict[str, Any]:
    if request.prompt:
        return {"prompt": request.prompt}
    messages = [{"role": each.role, "content": each.content} for each in request.messages]
    return {"messages": messages}


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
    return EngineError(code, f"The model server answered {status}.", status=status)


def prompt_text(request: GenerationRequest) -> str:
    return request.prompt or "\n".join(message.content for message in request.messages)
