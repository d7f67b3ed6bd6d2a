"""From sequences' logits to their next tokens, within what their requests ask for and forbid."""

from __future__ import annotations

import torch
from torch import Tensor

from generation.engine import sampling
from generation.engine.config import ModelConfig, OtherConfig
from generation.engine.grammar import Masks
from generation.engine.native.library import library
from generation.engine.native.sampler import NativeSampler
from generation.engine.sampling import PlainSampler, Sampler
from generation.engine.sequence import Sequence
from generation.engine.tokenizer import Tokenizer
from generation.engine.types import EngineError, TokenLogprob


class LogitsProcessor:
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

    def begin(self, seqs: list[Sequence]) -> None:
        """Told before a step which sequences it leads to the next token of."""
        self.masks.begin({seq.id: seq.matcher for seq in seqs if seq.matcher is not None})

    @torch.inference_mode()
    def next_tokens(self, seqs: list[Sequence], logits: Tensor) -> list[int | EngineError]:
        """The next tokens for the logits (n, V), which this uses up; or why there is none."""
        # What is reported beside a token are the model's own numbers.
        kept = {
            seq.id: own.clone()
            for seq, own in zip(seqs, logits, strict=True)
            if seq.request.sampling.logprobs is not None
        }
        flags = self.sampler.finite(logits)
        faults = [
            self.fault(seq, own) if finite else not_finite()
            for seq, own, finite in zip(seqs, logits, flags, strict=True)
        ]
        going = [place for place, fault in enumerate(faults) if fault is None]
        tokens = iter(self.sample([seqs[place] for place in going], picked(logits, going)))
        return [
            self.settle(seq, next(tokens), kept.get(seq.id)) if fault is None else fault
            for seq, fault in zip(seqs, faults, strict=True)
        ]

    def fault(self, seq: Sequence, logits: Tensor) -> EngineError | None:
        """Limit the sequence's logits (V) to what may come; the error where that is nothing."""
        try:
            self.limit(seq, logits)
        except EngineError as error:
            return error
        return None

    def sample(self, seqs: list[Sequence], logits: Tensor) -> list[int]:
        rules = [seq.request.sampling for seq in seqs]
        return self.sampler.choose(logits, rules, [seq.rng.random() for seq in seqs])

    def settle(self, seq: Sequence, token: int, logits: Tensor | None) -> int | EngineError:
        """Note the token's log-probability by the model's own logits (V), and its grammar."""
        if logits is not None:
            count = seq.request.sampling.logprobs or 0
            seq.logprobs.append(self.logprob(logits, token, count))
        if seq.matcher is not None:
            if not seq.matcher.accept_token(token):
                return EngineError("output_blocked", "The grammar refused its own token.")
            seq.matched += 1
        return token

    def limit(self, seq: Sequence, logits: Tensor) -> None:
        """Set the logits (V) of all that must not come to minus infinity."""
        sampling.penalise(logits, seq.request.sampling, seq.prompt, seq.output)
        if seq.matcher is not None:
            self.constrain(seq, logits)
        tokens = seq.forbidden.get(len(seq.output), set())
        if tokens:
            sampling.forbid(logits, tokens)
        limited = seq.matcher is not None or bool(tokens)
        if len(seq.output) < seq.request.min_tokens:
            ends = list(self.config.stop_ids)
            kept = logits[ends]
            sampling.forbid(logits, ends)
            # A grammar that is complete leaves only the end; then the end it is.
            if limited and not bool(logits.max() > -torch.inf):
                logits[ends] = kept
        if limited and not bool(logits.max() > -torch.inf):
            raise dead_end(seq, by_grammar=not tokens)

    def constrain(self, seq: Sequence, logits: Tensor) -> None:
        """Leave only what the grammar allows."""
        bits = self.masks.of(seq.id)
        if bits is not None:
            self.sampler.mask(logits[None], bits)
        if seq.request.grammar is not None and seq.request.grammar.kind == "json_schema":
            # xgrammar lets control characters into strings, JSON does not.
            logits[self.control_tokens] = -torch.inf

    def logprob(self, logits: Tensor, token: int, count: int) -> TokenLogprob:
        own, top = sampling.top_logprobs(logits, token, count)
        pieces = self.tokenizer.pieces
        return TokenLogprob(pieces[token], own, tuple((pieces[t], odds) for t, odds in top))

    def close(self) -> None:
        self.masks.close()


def sampler_on(device: torch.device) -> Sampler:
    """The quickest sampler for logits that are there."""
    if device.type == "cpu":
        return NativeSampler() if library() else PlainSampler()
    # What a GPU needs is not read elsewhere.
    from generation.engine.gpu.sampling import DeviceSampler

    return DeviceSampler()


def dead_end(seq: Sequence, *, by_grammar: bool) -> EngineError:
    """Why nothing may come next: another try helps only where the grammar is not alone in it."""
    if by_grammar:
        written = "after what is written" if seq.output else "at all"
        return EngineError("grammar_invalid", f"The grammar allows no text {written}.")
    message = "Grammar and banned phrases leave nothing to write."
    return EngineError("output_blocked", message)


def not_finite() -> EngineError:
    message = "The model produced numbers that are not finite."
    return EngineError("model_numerical_error", message)


def picked(logits: Tensor, places: list[int]) -> Tensor:
    """These rows of logits (n, V); nothing is copied where they are all of them."""
    return logits if len(places) == len(logits) else logits[places]
