"""The engine on this machine: continuous batching in torch over one base model."""

from __future__ import annotations

import re
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch
import xgrammar
from torch import Tensor

from generation.engine import adapter_cache
from generation.engine.adapters import Adapter
from generation.engine.calls import in_plain_messages
from generation.engine.config import OtherConfig, read_config
from generation.engine.grammar import GrammarCache
from generation.engine.logits_processor import LogitsProcessor, picked
from generation.engine.model import Batch, PromptChunk
from generation.engine.precision import Base
from generation.engine.scheduler import Scheduler, Work
from generation.engine.sequence import Sequence
from generation.engine.settings import LocalSettings, affordable
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
)

READY_WAIT = 0.01
# So many other ways to begin are tried before only a phrase's last token is avoided.
FIRST_TOKENS_TRIED = 8
TOKENS_TRIED = 256
# Beside each so many sequences there is one slot more, for the beginnings of texts that are done.
PREFIX_SHARE = 4
# Another try would meet the same weights or the same grammar.
LASTING = frozenset({"model_numerical_error", "grammar_invalid"})


class LocalEngine:
    """Takes the fields of LocalSettings as keywords."""

    def __init__(self, **options: Any) -> None:
        self.settings = settings = LocalSettings(**options)
        torch.set_num_threads(settings.threads)
        folder = Path(settings.model)
        self.config = read_config(folder)
        base = Base(folder, self.config, settings.precision, settings.device)
        affords = settings.cache_tokens or affordable(self.config.cache_bytes, settings.device)
        self.context = min(settings.context, self.config.context, affords)
        self.tokenizer = Tokenizer(folder)
        slots = settings.rows + max(1, settings.rows // PREFIX_SHARE)
        self.model = base.load(slots, self.context)
        self.base_sha256 = base.sha256
        self.logits_processor = LogitsProcessor(
            self.tokenizer, self.config, self.model.logits_device
        )
        self.grammars = GrammarCache(
            self.tokenizer.names, list(self.config.stop_ids), vocab_size=self.config.vocab_size
        )
        self.scheduler = Scheduler(Slots(slots), settings.limits(affords))
        self.adapters = adapter_cache.AdapterCache(self.load_adapter, settings.adapters)
        self.prompt_tokens = self.completion_tokens = self.cached_tokens = 0

    def load_adapter(self, ref: AdapterRef) -> Adapter:
        if isinstance(self.config, OtherConfig):
            raise EngineError("adapter_not_available", "This base model takes no adapters.")
        self.settings.fetch(ref)
        return adapter_cache.load(ref, self.config, self.base_sha256, self.model)

    @property
    def free_rows(self) -> int:
        return max(0, self.settings.rows - len(self.scheduler.sequences))

    @property
    def busy(self) -> bool:
        return bool(self.scheduler.sequences)

    def submit(self, request: GenerationRequest) -> None:
        request = in_plain_messages(request)
        prompt = self.tokenizer.encode_request(request)
        room = self.context - len(prompt)
        if request.may_cut and request.min_tokens < room < request.max_tokens:
            request = replace(request, max_tokens=room)
        requested = len(prompt) + request.max_tokens
        if requested > self.context:
            raise EngineError(
                "context_length_exceeded",
                f"Prompt and answer need {requested} tokens, the model has {self.context}.",
                limit=self.context,
                requested=requested,
            )
        adapter = request.adapter
        # Equal weights with other settings beside them are another adapter.
        variant = f"{adapter.sha256} {adapter.path}" if adapter else None
        key = (self.base_sha256, variant, request.tenant)
        seq = Sequence(request, prompt, key)
        self.scheduler.add(seq)
        if adapter is not None:
            seq.adapter = self.adapters.request(adapter, request.tenant)
        if request.grammar is not None:
            seq.grammar = self.grammars.request(request.grammar, request.tenant)

    def cancel(self, request_id: str) -> None:
        if seq := self.scheduler.sequences.get(request_id):
            seq.cancelled = True

    def step(self) -> list[Event]:
        events: list[Event] = []
        for seq in self.scheduler.find(lambda seq: seq.cancelled):
            events.append(self.finish(seq, "cancelled"))
        for seq in self.scheduler.admit():
            again = seq.starts > 0
            self.place(seq)
            events += [] if again else self.start(seq)
        work = sorted(self.scheduler.plan(), key=lambda item: item.seq.key[1] or "")
        if not work:
            self.await_ready()
            return events
        batch = self.batch(work)
        self.logits_processor.begin(writing(work))
        logits = self.model.forward(batch)
        events += self.verify(work, batch)
        seqs, scores = self.advance(work, logits)
        for seq, chosen in zip(seqs, self.logits_processor.next_tokens(seqs, scores), strict=True):
            events += self.write(seq, chosen)
        return events

    def place(self, seq: Sequence) -> None:
        """Give the sequence a slot, with what the cache has of its tokens."""
        place = self.scheduler.slots.take(seq.key, seq.tokens, reuse=self.settings.prefix_cache)
        seq.start(place.slot, place.length)
        if place.source != place.slot:
            self.model.cache.copy(place.source, place.slot, place.length)

    def start(self, seq: Sequence) -> list[Event]:
        """Count the sequence's prompt and give it its matcher, now that what it needs is loaded."""
        self.prompt_tokens += len(seq.prompt)
        self.cached_tokens += seq.cached
        if seq.adapter is not None and (error := seq.adapter.exception()):
            return [self.fail(seq, *reason(error, "adapter_invalid"))]
        if seq.grammar is not None and (error := seq.grammar.exception()):
            return [self.fail(seq, *reason(error, "grammar_invalid"))]
        if seq.grammar is not None:
            seq.matcher = xgrammar.GrammarMatcher(seq.grammar.result())
        return []

    def await_ready(self) -> None:
        """With nothing to compute, wait a moment for grammars and adapters instead of spinning."""
        futures = [
            future
            for seq in self.scheduler.find(lambda seq: not seq.ready)
            for future in (seq.grammar, seq.adapter)
            if future is not None and not future.done()
        ]
        wait(futures, timeout=READY_WAIT, return_when=FIRST_COMPLETED)

    def batch(self, work: list[Work]) -> Batch:
        """The step's tokens; `work` has the sequences with the same adapter together."""
        tokens: list[int] = []
        wanted: list[int] = []
        for item in work:
            tokens += item.seq.upcoming(item.count)
            if item.count == item.seq.pending:
                wanted.append(len(tokens) - 1)
        chunks = [PromptChunk(item.seq.slot, item.seq.computed, item.count) for item in work]
        futures = [item.seq.adapter for item in work]
        adapters = [None if future is None else future.result() for future in futures]
        return Batch(tokens, chunks, wanted, adapters)

    def verify(self, work: list[Work], batch: Batch) -> list[Event]:
        """Note the adapter that each sequence ran with; fail those that ran with another's."""
        events: list[Event] = []
        for item, hashes in zip(work, batch.hashes(), strict=True):
            seq, asked = item.seq, item.seq.request.adapter
            if hashes == {asked.sha256 if asked else None}:
                (seq.adapter_sha256,) = hashes
            else:
                message = "The step ran with another adapter than the one asked for."
                events.append(self.fail(seq, "adapter_mismatch", message))
        return events

    def advance(self, work: list[Work], logits: Tensor) -> tuple[list[Sequence], Tensor]:
        """The sequences whose last token is now known, and their logits (sequences, V)."""
        known = writing(work)
        for item in work:
            if item.seq.id in self.scheduler.sequences:
                self.scheduler.done(item)
        going = [place for place, seq in enumerate(known) if seq.id in self.scheduler.sequences]
        scores = picked(logits[:, : self.tokenizer.size], going)
        return [known[place] for place in going], scores

    def write(self, seq: Sequence, chosen: int | EngineError) -> list[Event]:
        """Say what the sequence's next token led to, or that there is none."""
        if isinstance(chosen, EngineError):
            return [self.fail(seq, chosen.code, chosen.message)]
        self.completion_tokens += 1
        return self.append(seq, chosen)

    def append(self, seq: Sequence, token: int) -> list[Event]:
        if token in self.config.stop_ids:
            return self.end(seq, "stop")
        seq.output.append(token)
        check = seq.stream.push(self.tokenizer.pieces[token])
        if check.banned_at is not None:
            return self.back_off(seq, check.banned_at)
        if check.stopped:
            return self.end(seq, "stop")
        if len(seq.output) == seq.request.max_tokens:
            return self.end(seq, "length")
        return self.show(seq)

    def end(self, seq: Sequence, reason: Reason) -> list[Event]:
        """Complete the text, unless its last word is a banned one."""
        banned = seq.stream.banned_at_end()
        return self.complete(seq, reason) if banned is None else self.back_off(seq, banned)

    def back_off(self, seq: Sequence, first: int) -> list[Event]:
        """Return to where a banned phrase began and take another way from there."""
        tried = seq.forbidden.setdefault(first, set())
        if len(tried) >= FIRST_TOKENS_TRIED:
            first = len(seq.output) - 1
            tried = seq.forbidden.setdefault(first, set())
        tried.add(seq.output[first])
        if len(tried) > TOKENS_TRIED or seq.rewinds > TOKENS_TRIED + 4 * seq.request.max_tokens:
            return [self.fail(seq, "output_blocked", "The banned phrases cannot be avoided.")]
        seq.forbidden = {place: kept for place, kept in seq.forbidden.items() if place <= first}
        self.scheduler.rewind(seq, first)
        return []

    def show(self, seq: Sequence, *, final: bool = False) -> list[Event]:
        text = seq.stream.take(final=final)
        # The token that only says that the text ends is not a part of it.
        fresh = tuple(seq.logprobs[seq.shown_logprobs : len(seq.output)])
        if not text and not (final and fresh):
            return []
        seq.shown_logprobs += len(fresh)
        return [Token(seq.id, text, fresh)]

    def complete(self, seq: Sequence, reason: Reason) -> list[Event]:
        return [*self.show(seq, final=True), self.finish(seq, reason)]

    def finish(self, seq: Sequence, reason: Reason) -> Finished:
        self.scheduler.remove(seq)
        unread = reason == "cancelled" and not seq.paid
        return Finished(
            request_id=seq.id,
            text=seq.stream.text[: seq.stream.shown],
            reason=reason,
            prompt_tokens=0 if unread else len(seq.prompt),
            completion_tokens=len(seq.output),
            seconds=monotonic() - seq.began,
            base_sha256=self.base_sha256,
            adapter_sha256=seq.adapter_sha256,
            cached_tokens=seq.cached,
            logprobs=tuple(seq.logprobs[: len(seq.output)]),
        )

    def fail(self, seq: Sequence, code: str, message: str) -> Failed:
        self.scheduler.remove(seq, keep_cache=False)
        return Failed(seq.id, code, message, retry=code not in LASTING)

    def count_tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))

    def stats(self) -> EngineStats:
        return EngineStats(
            rows_busy=len(self.scheduler.running),
            rows_total=self.settings.rows,
            queued=self.scheduler.queued,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens,
            adapter_swaps=self.adapters.swaps,
            preemptions=self.scheduler.preemptions,
            room_for_others=max(0, self.settings.rows - self.scheduler.queued),
        )

    def close(self) -> None:
        self.logits_processor.close()
        self.grammars.close()
        self.adapters.close()


def writing(work: list[Work]) -> list[Sequence]:
    """The sequences whose last token the step computes, so that their next one can be chosen."""
    return [item.seq for item in work if item.count == item.seq.pending]


# Where in its own source a library found the fault, which is nothing for a caller to read.
PLACE = re.compile(r"^\[[\d:]+\] \S+:\d+: ")


def reason(error: BaseException, code: str) -> tuple[str, str]:
    """An error from beside the batch as the code and the message of a failed request."""
    if isinstance(error, EngineError):
        return error.code, error.message
    return code, PLACE.sub("", str(error))
