"""From rows' logits to their next tokens, within all that their requests ask for and forbid."""

from __future__ import annotations

import torch
from torch import Tensor

from generation.engine import sampling
from generation.engine.config import ModelConfig, OtherConfig
from generation.engine.grammar import Masks
from generation.engine.native.library import library
from generation.engine.native.sampler import NativeSampler
from generation.engine.row import Row
from generation.engine.sampling import PlainSampler, Sampler
from generation.engine.tokenizer import Tokenizer
from generation.engine.types import EngineError, TokenLogprob


class Chooser:
    """Penalties, grammar, banned beginnings and least length first, then the sampler."""

    def __init__(
        self, tokenizer: Tokenizer, config: ModelConfig | OtherConfig, device: torch.device
    ) -> None:
        """`device` is where the logits are."""
        self.tokenizer, self.config = tokenizer, config
        self.sampler = sampler_on(device)
        self.masks = Masks(config.vocab_size)
        controls = tokenizer.control_tokens
        self.control_tokens = torch.tensor(controls, dtype=torch.long, device=device)

    def begin(self, rows: list[Row]) -> None:
        """Told before a step which rows it leads to the next token of."""
        self.masks.begin({row.id: row.matcher for row in rows if row.matcher is not None})

    @torch.inference_mode()
    def next_tokens(self, rows: list[Row], logits: Tensor) -> list[int | EngineError]:
        """The rows' tokens for their logits (n, V), which this uses up; or why there is none."""
        # What is reported beside a token are the model's own numbers.
        kept = {
            row.id: own.clone()
            for row, own in zip(rows, logits, strict=True)
            if row.request.sampling.logprobs is not None
        }
        flags = self.sampler.finite(logits)
        faults = [
            self.fault(row, own) if finite else not_finite()
            for row, own, finite in zip(rows, logits, flags, strict=True)
        ]
        going = [place for place, fault in enumerate(faults) if fault is None]
        tokens = iter(self.sample([rows[place] for place in going], picked(logits, going)))
        return [
            self.settle(row, next(tokens), kept.get(row.id)) if fault is None else fault
            for row, fault in zip(rows, faults, strict=True)
        ]

    def fault(self, row: Row, logits: Tensor) -> EngineError | None:
        """Limit the row's logits (V) to what may come; the error where that is nothing."""
        try:
            self.limit(row, logits)
        except EngineError as error:
            return error
        return None

    def sample(self, rows: list[Row], logits: Tensor) -> list[int]:
        rules = [row.request.sampling for row in rows]
        return self.sampler.choose(logits, rules, [row.noise.random() for row in rows])

    def settle(self, row: Row, token: int, logits: Tensor | None) -> int | EngineError:
        """Note the token's log-probability by the model's own logits (V), and its grammar."""
        if logits is not None:
            count = row.request.sampling.logprobs or 0
            row.logprobs.append(self.logprob(logits, token, count))
        if row.matcher is not None and not row.matcher.accept_token(token):
            return EngineError("output_blocked", "The grammar refused its own token.")
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
            raise dead_end(row, by_grammar=not tokens)

    def constrain(self, row: Row, logits: Tensor) -> None:
        """Leave only what the grammar allows."""
        bits = self.masks.of(row.id)
        if bits is not None:
            self.sampler.mask(logits[None], bits)
        if row.request.grammar is not None and row.request.grammar.kind == "json_schema":
            # xgrammar lets control characters into strings, JSON does not.
            logits[self.control_tokens] = -torch.inf

    def logprob(self, logits: Tensor, token: int, count: int) -> TokenLogprob:
        own, top = sampling.top_logprobs(logits, token, count)
        return TokenLogprob(self.word(token), own, tuple((self.word(t), p) for t, p in top))

    def word(self, token: int) -> str:
        return self.tokenizer.pieces[token].decode(errors="replace")

    def close(self) -> None:
        self.masks.close()


def sampler_on(device: torch.device) -> Sampler:
    """The quickest sampler for logits that are there."""
    if device.type == "cpu":
        return NativeSampler() if library() else PlainSampler()
    # What a GPU needs is not read elsewhere.
    from generation.engine.gpu.sampling import DeviceSampler

    return DeviceSampler()


def dead_end(row: Row, *, by_grammar: bool) -> EngineError:
    """Why nothing may come next: another try helps only where the grammar is not alone in it."""
    if by_grammar:
        written = "after what is written" if row.output else "at all"
        return EngineError("grammar_invalid", f"The grammar allows no text {written}.")
    message = "Grammar and banned phrases leave nothing to write."
    return EngineError("output_blocked", message)


def not_finite() -> EngineError:
    message = "The model produced numbers that are not finite."
    return EngineError("model_numerical_error", message)


def picked(logits: Tensor, places: list[int]) -> Tensor:
    """These rows of logits (n, V); nothing is copied where they are all of them."""
    return logits if len(places) == len(logits) else logits[places]
