"""From a row's logits to its next token, within all that its request asks for and forbids."""

from __future__ import annotations

import torch
import xgrammar
from torch import Tensor

from generation.engine import sampling
from generation.engine.config import ModelConfig, OtherConfig
from generation.engine.native.library import library
from generation.engine.native.sampler import NativeSampler
from generation.engine.row import Row
from generation.engine.sampling import PlainSampler, Sampler
from generation.engine.tokenizer import Tokenizer
from generation.engine.types import EngineError, TokenLogprob


class Chooser:
    """Penalties, grammar, banned beginnings and least length first, then the sampler."""

    def __init__(self, tokenizer: Tokenizer, config: ModelConfig | OtherConfig) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.sampler: Sampler = NativeSampler() if library() else PlainSampler()
        self.control_tokens = torch.tensor(tokenizer.control_tokens, dtype=torch.long)

    def next_token(self, row: Row, logits: Tensor) -> int:
        """The token for logits (V); EngineError where they are not finite or leave none."""
        if not self.sampler.finite(logits):
            message = "The model produced numbers that are not finite."
            raise EngineError("model_numerical_error", message)
        settings = row.request.sampling
        # What is reported beside the token are the model's own numbers; torch locks its own.
        kept = settings.logprobs is not None or logits.is_inference()
        scores = logits.clone() if kept else logits
        self.limit(row, scores)
        token = self.sampler.choose(scores, settings, row.noise.random())
        if settings.logprobs is not None:
            row.logprobs.append(self.logprob(logits, token, settings.logprobs))
        if row.matcher is not None and not row.matcher.accept_token(token):
            raise EngineError("output_blocked", "The grammar refused its own token.")
        return token

    def limit(self, row: Row, logits: Tensor) -> None:
        """Set the logits (V) of all that must not come to minus infinity."""
        sampling.penalise(logits, row.request.sampling, row.prompt, row.output)
        if row.matcher is not None:
            self.constrain(row, logits)
        tokens = row.forbidden.get(len(row.output), set())
        if tokens:
            sampling.forbid(logits, tokens)
        limited = row.matcher is not None or bool(tokens)
        if len(row.output) < row.request.min_tokens:
            ends = list(self.config.stop_ids)
            kept = logits[ends]
            sampling.forbid(logits, ends)
            # A grammar that is complete leaves only the end; then the end it is.
            if limited and not bool(logits.max() > -torch.inf):
                logits[ends] = kept
        if limited and not bool(logits.max() > -torch.inf):
            message = "Grammar and banned phrases leave nothing to write."
            raise EngineError("output_blocked", message)

    def constrain(self, row: Row, logits: Tensor) -> None:
        """Leave only what the grammar allows."""
        mask = xgrammar.allocate_token_bitmask(1, self.config.vocab_size)
        if row.matcher.fill_next_token_bitmask(mask):
            self.sampler.mask(logits, mask[0])
        if row.request.grammar is not None and row.request.grammar.kind == "json_schema":
            # xgrammar lets control characters into strings, JSON does not.
            logits[self.control_tokens] = -torch.inf

    def logprob(self, logits: Tensor, token: int, count: int) -> TokenLogprob:
        own, top = sampling.top_logprobs(logits, token, count)
        return TokenLogprob(self.word(token), own, tuple((self.word(t), p) for t, p in top))

    def word(self, token: int) -> str:
        return self.tokenizer.pieces[token].decode(errors="replace")
