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

from generation.engine.openai_protocol import (
    CallsBeingMade,
    beginning,
    count,
    lines,
    prompt_text,
    refused,
    request_body,
    spoken,
)
from generation.engine.remote import adapters_of
from generation.engine.text import BannedChecker, StopChecker, TextStream, fold
from generation.engine.types import (
    AdapterRef,
    EngineError,
    EngineStats,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Reason,
    Token,
)

log = logging.getLogger(__name__)

STEP_WAIT = 0.05
BYTES_PER_TOKEN = 4
# An honest token is no longer, and comes in no more pieces.
LONGEST_TOKEN = 128
PIECES_PER_TOKEN = 4
BLOCKED = "The model wrote a banned phrase."
DIALECTS = ("openai", "vllm")
ADAPTERS = ("none", "listed", "loaded")


@dataclass(slots=True)
class Call:
    """One request under way. The server's text passes the same gate as our own model's."""

    request: GenerationRequest
    task: asyncio.Task[None] | None = None
    reason: Reason = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    began: float = field(default_factory=monotonic)
    acquired: AdapterRef | None = None
    called: CallsBeingMade = field(default_factory=CallsBeingMade)
    stream: TextStream = field(init=False)

    def __post_init__(self) -> None:
        banned = tuple(fold(phrase) for phrase in self.request.banned)
        self.stream = TextStream(StopChecker(self.request.sampling.stop), BannedChecker(banned))

    @property
    def overflows(self) -> bool:
        """Whether the server does not keep to the limit that it was given."""
        most, stream = self.request.max_tokens, self.stream
        return (
            len(stream.pieces) > PIECES_PER_TOKEN * most or len(stream.text) > LONGEST_TOKEN * most
        )


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    """A remote model cannot be hashed: `base_sha256` is what the operator states, or its name's.

    `adapters`: "loaded" by us (vLLM with run-time updating, which sees the same files), "listed"
    by the server itself (anybody's vLLM), or "none". Left empty, it follows from the dialect.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    dialect: str = "openai"
    rows: int = 32
    timeout: float = 120.0
    deadline: float = 900.0
    base_sha256: str = ""
    adapters: str = ""
    most_adapters: int = 64
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise ValueError(f"Unknown dialect {self.dialect!r}; known: {', '.join(DIALECTS)}.")
        if self.adapters not in ("", *ADAPTERS):
            raise ValueError(f"Unknown way with adapters {self.adapters!r}.")

    @property
    def way_with_adapters(self) -> str:
        return self.adapters or ("loaded" if self.dialect == "vllm" else "none")

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
        self.refused: set[str] = set()
        self.client = self.settings.client()
        self.adapters = adapters_of(
            self.settings.way_with_adapters, self.client, self.settings.most_adapters
        )
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
        body = request_body(request, self.settings.dialect)
        call = self.calls[request.id] = Call(request)
        self.loop.call_soon_threadsafe(self.launch, call, body)

    def launch(self, call: Call, body: dict[str, Any]) -> None:
        call.task = self.loop.create_task(self.follow(call, body))
        call.task.add_done_callback(lambda task: self.end_unstarted(call, task))

    def end_unstarted(self, call: Call, task: asyncio.Task[None]) -> None:
        """A call that was cancelled before its first step could not say so itself."""
        if task.cancelled():
            self.events.put(self.finished(call, "cancelled"))

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
        """Have it written; again where the adapter was gone from the server meanwhile, or where
        the server names a field that it does not take: that is kept in mind."""
        while True:
            try:
                await self.write(call, spoken(body, self.refused))
            except EngineError as error:
                field = str(error.details.get("field", ""))
                if field and field not in self.refused:
                    self.refused.add(field)
                elif error.code == "model_missing" and call.acquired is not None:
                    await self.write(call, spoken(body, self.refused))
                    return
                else:
                    raise
            else:
                return

    async def write(self, call: Call, body: dict[str, Any]) -> None:
        async with self.adapters.acquire(call.request) as name:
            call.acquired = call.request.adapter if name else None
            try:
                await self.stream(call, body | {"model": name or self.settings.model})
            except EngineError as error:
                if name and error.code == "model_missing":
                    self.adapters.lost(name)
                raise

    async def stream(self, call: Call, body: dict[str, Any]) -> None:
        async for chunk in self.chunks(body):
            if self.take(call, chunk):
                break
        if call.stream.banned_at_end() is not None:
            raise EngineError("output_blocked", BLOCKED)
        if call.called.text:
            self.push(call, call.called.text)

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
            call.called.take((choice.get("delta") or {}).get("tool_calls"))
        return False

    def push(self, call: Call, text: str) -> bool:
        call.completion_tokens += 1  # The server's own count replaces this one when it comes.
        check = call.stream.push(text.replace("\0", "").encode())  # no database stores a NUL
        if check.banned_at is not None:
            raise EngineError("output_blocked", BLOCKED)
        if not check.stopped and (fresh := call.stream.take()):
            self.events.put(Token(call.request.id, fresh))
        if call.overflows:
            call.reason = "length"
        return check.stopped or call.overflows

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
            adapter_sha256=call.acquired.sha256 if call.acquired else None,
        )

    def count_tokens(self, text: str) -> int:
        """An estimate: the server's tokenizer is not here."""
        return -(-len(text.encode()) // BYTES_PER_TOKEN)

    def stats(self) -> EngineStats:
        return EngineStats(
            rows_busy=len(self.calls),
            rows_total=self.settings.rows,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            adapter_swaps=self.adapters.swaps,
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
