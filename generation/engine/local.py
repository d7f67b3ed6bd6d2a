"""The engine on this machine: continuous batching in torch over one base model."""

from __future__ import annotations

import os
import re
from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import torch
import xgrammar
from torch import Tensor

from generation.engine import sampling
from generation.engine.adapters import Adapter, AdapterCache, read_adapter
from generation.engine.config import ModelConfig
from generation.engine.grammar import GrammarCache
from generation.engine.model import Batch, Span, weights_sha256
from generation.engine.native.library import library
from generation.engine.native.sampler import NativeSampler
from generation.engine.precision import PRECISIONS, load_model
from generation.engine.sampling import PlainSampler, Sampler
from generation.engine.scheduler import Row, Scheduler, SchedulerLimits, Work
from generation.engine.slots import Slots
from generation.engine.tokenizer import Tokenizer
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
    TokenLogprob,
)

READY_WAIT = 0.01
MAX_THREADS = 8
# So many other ways to begin are tried before only a phrase's last token is avoided.
FIRST_TOKENS_TRIED = 8
TOKENS_TRIED = 256
RATE_STEPS = 32


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """`model` is a folder with safetensors, config and tokenizer; `rows` run at a time.

    A step takes `chunk` tokens of prompts, or `busy_chunk` when it would keep writers waiting.
    """

    model: str | Path
    rows: int = 8
    context: int = 4096
    precision: str = "auto"
    threads: int = min(os.cpu_count() or 1, MAX_THREADS)
    max_queue: int = 1024
    rows_per_tenant: int = 0
    chunk: int = 512
    busy_chunk: int = 64
    adapters: int = 32
    weights: dict[str, float] = field(default_factory=dict)
    prefix_cache: bool = True

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"Unknown precision {self.precision!r}; known: {known}.")
        for name in ("rows", "context", "threads", "max_queue", "chunk", "busy_chunk", "adapters"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1.")


class LocalEngine:
    """Takes the fields of LocalSettings as keywords."""

    def __init__(self, **options: Any) -> None:
        self.settings = settings = LocalSettings(**options)
        torch.set_num_threads(settings.threads)
        folder = Path(settings.model)
        self.config = ModelConfig.read(folder)
        self.context = min(settings.context, self.config.context)
        self.tokenizer = Tokenizer(folder)
        self.base_sha256 = weights_sha256(folder)
        self.model = load_model(
            folder, self.config, settings.precision, settings.rows, self.context
        )
        self.sampler: Sampler = NativeSampler() if library() else PlainSampler()
        self.grammars = GrammarCache(
            self.tokenizer.names, list(self.config.stop_ids), vocab_size=self.config.vocab_size
        )
        self.scheduler = Scheduler(
            Slots(settings.rows),
            SchedulerLimits(
                max_queue=settings.max_queue,
                rows_per_tenant=settings.rows_per_tenant or settings.rows,
                chunk=settings.chunk,
                busy_chunk=settings.busy_chunk,
                weights=settings.weights,
            ),
        )
        self.adapters = AdapterCache(self.load_adapter, settings.adapters)
        self.control_tokens = torch.tensor(self.tokenizer.control_tokens, dtype=torch.long)
        self.prompt_tokens = self.completion_tokens = self.cached_tokens = 0
        self.recent: deque[tuple[float, int]] = deque(maxlen=RATE_STEPS)

    def load_adapter(self, ref: AdapterRef) -> Adapter:
        sha256, pairs = read_adapter(ref, self.config, self.base_sha256)
        return Adapter(sha256, self.model.bind(pairs))

    @property
    def free_rows(self) -> int:
        return max(0, self.settings.rows - len(self.scheduler.rows))

    @property
    def busy(self) -> bool:
        return bool(self.scheduler.rows)

    def submit(self, request: GenerationRequest) -> None:
        prompt = self.tokenizer.encode_request(request)
        requested = len(prompt) + request.max_tokens
        if requested > self.context:
            raise EngineError(
                "context_length_exceeded",
                f"Prompt and answer need {requested} tokens, the model has {self.context}.",
                limit=self.context,
                requested=requested,
            )
        adapter = request.adapter
        key = (self.base_sha256, adapter.sha256 if adapter else None, request.tenant)
        row = Row(request, prompt, key)
        self.scheduler.add(row)
        if adapter is not None:
            row.adapter = self.adapters.request(adapter)
        if request.grammar is not None:
            row.grammar = self.grammars.request(request.grammar)

    def cancel(self, request_id: str) -> None:
        if row := self.scheduler.rows.get(request_id):
            row.cancelled = True

    def step(self) -> list[Event]:
        events: list[Event] = []
        for row in self.scheduler.find(lambda row: row.cancelled):
            events.append(self.finish(row, "cancelled"))
        for row in self.scheduler.admit():
            events += self.start(row)
        work = self.scheduler.plan()
        if not work:
            self.await_ready()
            return events
        for row, logits in self.run(work):
            events += self.write(row, logits)
        return events

    def start(self, row: Row) -> list[Event]:
        """Give the row its slot, with what the cache has of its prompt, and its matcher."""
        place = self.scheduler.slots.take(row.key, row.prompt, reuse=self.settings.prefix_cache)
        row.slot, row.computed, row.cached = place.slot, place.length, place.length
        if place.source != place.slot:
            self.model.cache.copy(place.source, place.slot, place.length)
        self.prompt_tokens += len(row.prompt)
        self.cached_tokens += place.length
        if row.adapter is not None and (error := row.adapter.exception()):
            return [self.fail(row, *reason(error, "adapter_invalid"))]
        if row.grammar is not None and (error := row.grammar.exception()):
            return [self.fail(row, *reason(error, "grammar_invalid"))]
        if row.grammar is not None:
            row.matcher = xgrammar.GrammarMatcher(row.grammar.result())
        return []

    def await_ready(self) -> None:
        """With nothing to compute, wait a moment for grammars and adapters instead of spinning."""
        futures = [
            future
            for row in self.scheduler.find(lambda row: not row.ready)
            for future in (row.grammar, row.adapter)
            if future is not None and not future.done()
        ]
        wait(futures, timeout=READY_WAIT, return_when=FIRST_COMPLETED)

    def run(self, work: list[Work]) -> list[tuple[Row, Tensor]]:
        """Compute the step; the rows whose last token is now known, each with its logits (V)."""
        work = sorted(work, key=lambda item: item.row.key[1] or "")
        tokens: list[int] = []
        wanted: list[int] = []
        for item in work:
            tokens += item.row.upcoming(item.count)
            if item.count == item.row.pending:
                wanted.append(len(tokens) - 1)
        spans = [Span(item.row.slot, item.row.computed, item.count) for item in work]
        adapters = [item.row.adapter and item.row.adapter.result().bound for item in work]
        logits = self.model.forward(Batch(tokens, spans, wanted, adapters))
        for item in work:
            self.scheduler.done(item)
        complete = [item.row for item in work if item.row.pending == 0]
        self.recent.append((monotonic(), len(complete)))
        return list(zip(complete, logits[:, : self.tokenizer.size], strict=True))

    def write(self, row: Row, logits: Tensor) -> list[Event]:
        """Sample the row's next token and say what it led to."""
        if not self.sampler.finite(logits):
            message = "The model produced numbers that are not finite."
            return [self.fail(row, "model_numerical_error", message)]
        scores = self.allowed(row, logits.clone())
        if scores is None:
            message = "Grammar and banned phrases leave nothing to write."
            return [self.fail(row, "output_blocked", message)]
        settings = row.request.sampling
        token = self.sampler.choose(scores, settings, row.noise.random())
        if settings.logprobs is not None:
            row.logprobs.append(self.logprob(logits, token, settings.logprobs))
        if row.matcher is not None and not row.matcher.accept_token(token):
            return [self.fail(row, "output_blocked", "The grammar refused its own token.")]
        self.completion_tokens += 1
        return self.append(row, token)

    def allowed(self, row: Row, logits: Tensor) -> Tensor | None:
        """The logits (V) with everything that must not come set to minus infinity."""
        sampling.penalise(logits, row.request.sampling, row.prompt, row.output)
        if row.matcher is not None:
            self.constrain(row, logits)
        if tokens := row.forbidden.get(len(row.output)):
            sampling.forbid(logits, tokens)
        if len(row.output) < row.request.min_tokens:
            longer = logits.clone()
            sampling.forbid(longer, self.config.stop_ids)
            # A grammar that is complete leaves only the end; then the end it is.
            logits = longer if bool(longer.max() > -torch.inf) else logits
        return logits if bool(logits.max() > -torch.inf) else None

    def constrain(self, row: Row, logits: Tensor) -> None:
        """Leave only what the grammar allows."""
        mask = xgrammar.allocate_token_bitmask(1, self.config.vocab_size)
        if row.matcher.fill_next_token_bitmask(mask):
            self.sampler.mask(logits, mask[0])
        if row.request.grammar is not None and row.request.grammar.kind == "json_schema":
            # xgrammar lets control characters into strings, JSON does not.
            logits[self.control_tokens] = -torch.inf

    def append(self, row: Row, token: int) -> list[Event]:
        if token in self.config.stop_ids:
            return self.complete(row, "stop")
        row.output.append(token)
        verdict = row.stream.push(self.tokenizer.pieces[token])
        if verdict.banned_at is not None:
            return self.back_off(row, verdict.banned_at)
        if verdict.stopped:
            return self.complete(row, "stop")
        if len(row.output) == row.request.max_tokens:
            return self.complete(row, "length")
        return self.show(row)

    def back_off(self, row: Row, first: int) -> list[Event]:
        """Return to where a banned phrase began and take another way from there."""
        tried = row.forbidden.setdefault(first, set())
        if len(tried) >= FIRST_TOKENS_TRIED:
            first = len(row.output) - 1
            tried = row.forbidden.setdefault(first, set())
        tried.add(row.output[first])
        if len(tried) > TOKENS_TRIED or row.rewinds > TOKENS_TRIED + 4 * row.request.max_tokens:
            return [self.fail(row, "output_blocked", "The banned phrases cannot be avoided.")]
        row.forbidden = {place: kept for place, kept in row.forbidden.items() if place <= first}
        self.scheduler.rewind(row, first)
        return []

    def logprob(self, logits: Tensor, token: int, count: int) -> TokenLogprob:
        own, top = sampling.top_logprobs(logits, token, count)
        return TokenLogprob(self.word(token), own, tuple((self.word(t), p) for t, p in top))

    def word(self, token: int) -> str:
        return self.tokenizer.pieces[token].decode(errors="replace")

    def show(self, row: Row, *, final: bool = False) -> list[Event]:
        text = row.stream.take(final=final)
        fresh = tuple(row.logprobs[row.shown_logprobs :])
        if not text and not (final and fresh):
            return []
        row.shown_logprobs = len(row.logprobs)
        return [Token(row.id, text, fresh)]

    def complete(self, row: Row, reason: Reason) -> list[Event]:
        return [*self.show(row, final=True), self.finish(row, reason)]

    def finish(self, row: Row, reason: Reason) -> Finished:
        self.scheduler.remove(row)
        return Finished(
            request_id=row.id,
            text=row.stream.text[: row.stream.shown],
            reason=reason,
            prompt_tokens=len(row.prompt),
            completion_tokens=len(row.output),
            seconds=monotonic() - row.began,
            base_sha256=self.base_sha256,
            adapter_sha256=bound_sha256(row),
            cached_tokens=row.cached,
        )

    def fail(self, row: Row, code: str, message: str) -> Failed:
        self.scheduler.remove(row, keep_cache=False)
        return Failed(row.id, code, message)

    def count_tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))

    def stats(self) -> EngineStats:
        written = sum(count for _, count in list(self.recent)[1:])
        seconds = self.recent[-1][0] - self.recent[0][0] if len(self.recent) > 1 else 0.0
        return EngineStats(
            rows_busy=len(self.scheduler.running),
            rows_total=self.settings.rows,
            queued=self.scheduler.queued,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens,
            adapter_swaps=self.adapters.swaps,
            tokens_per_second=written / seconds if seconds else 0.0,
        )

    def close(self) -> None:
        self.grammars.close()
        self.adapters.close()


# Where in its own source a library found the fault, which is nothing for a caller to read.
PLACE = re.compile(r"^\[[\d:]+\] \S+:\d+: ")


def reason(error: BaseException, code: str) -> tuple[str, str]:
    """An error from beside the batch as the code and the message of a failed request."""
    if isinstance(error, EngineError):
        return error.code, error.message
    return code, PLACE.sub("", str(error))


def bound_sha256(row: Row) -> str | None:
    """The hash of the adapter that the row's steps really used; None if it never started."""
    if row.adapter is None or row.slot < 0:
        return None
    sha256: str = row.adapter.result().sha256
    return sha256
