"""From the logits of rows to their next tokens. V is the vocabulary's size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
import xgrammar
from torch import Tensor

from generation.engine.types import Sampling

GREEDY_BELOW = 1e-4
FIRST_CANDIDATES = 256


def penalise(logits: Tensor, sampling: Sampling, prompt: list[int], output: list[int]) -> None:
    """Change the logits (V) in place by what was already said."""
    if sampling.repetition_penalty != 1.0:
        # A token that stands there twice is written twice, with the same number.
        seen = torch.tensor(prompt + output, device=logits.device)
        values = logits[seen]
        factor = sampling.repetition_penalty
        logits[seen] = torch.where(values > 0, values / factor, values * factor)
    if output and (sampling.presence_penalty or sampling.frequency_penalty):
        output_ids = torch.tensor(output, device=logits.device)
        said, counts = torch.unique(output_ids, return_counts=True)
        logits[said] -= sampling.presence_penalty + sampling.frequency_penalty * counts
    for token, bias in sampling.logit_bias:
        if token < len(logits):
            logits[token] += bias


def forbid(logits: Tensor, tokens: Iterable[int]) -> None:
    logits[torch.tensor(list(tokens), dtype=torch.long)] = -torch.inf


class Sampler(Protocol):
    """What is done in every step with the logits (n, V) of its n rows."""

    def finite(self, logits: Tensor) -> list[bool]:
        """Of each row, whether all of its numbers are."""

    def mask(self, logits: Tensor, bits: Tensor) -> None:
        """Minus infinity for the tokens of logits (n, V) whose bits (n, V / 32) are not set."""

    def choose(
        self, logits: Tensor, rules: Sequence[Sampling], uniforms: Sequence[float]
    ) -> list[int]:
        """Each row's token by its own rule; its number in [0, 1) decides."""


class PlainSampler:
    """The sampler in torch, one row after the other."""

    def finite(self, logits: Tensor) -> list[bool]:
        found: list[bool] = logits.isfinite().all(-1).tolist()
        return found

    def mask(self, logits: Tensor, bits: Tensor) -> None:
        xgrammar.apply_token_bitmask_inplace(logits, bits)

    def choose(
        self, logits: Tensor, rules: Sequence[Sampling], uniforms: Sequence[float]
    ) -> list[int]:
        return [choose(*each) for each in zip(logits, rules, uniforms, strict=True)]


def choose(logits: Tensor, sampling: Sampling, uniform: float) -> int:
    """The token that `uniform` in [0, 1) picks; the same number picks the same token."""
    if sampling.temperature < GREEDY_BELOW:
        return int(logits.argmax())
    scaled = logits / sampling.temperature
    if not sampling.top_k and sampling.top_p == 1.0 and not sampling.min_p:
        return pick(scaled.softmax(-1), uniform)
    probabilities, tokens = candidates(scaled, sampling)
    return int(tokens[pick(probabilities, uniform)])


def candidates(scaled: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """The tokens that top-k, then top-p, then min-p leave, likeliest first."""
    size = len(scaled)
    values, tokens = scaled.topk(min(sampling.top_k or FIRST_CANDIDATES, size))
    if sampling.top_k:
        probabilities = values.softmax(-1)
    else:
        total = scaled.logsumexp(-1)
        probabilities = (values - total).exp()
        if not reaches(probabilities, sampling) and len(values) < size:
            values, tokens = scaled.sort(descending=True)
            probabilities = (values - total).exp()
    before = probabilities.cumsum(-1) - probabilities
    kept = (before < sampling.top_p) & (probabilities >= sampling.min_p * probabilities[0])
    kept[0] = True
    return probabilities[kept], tokens[kept]


def reaches(probabilities: Tensor, sampling: Sampling) -> bool:
    """Whether everything that top-p and min-p could keep is among these."""
    if sampling.top_p < 1.0 and float(probabilities.sum()) >= sampling.top_p:
        return True
    return bool(probabilities[-1] < sampling.min_p * probabilities[0])


def pick(probabilities: Tensor, uniform: float) -> int:
    sums = probabilities.double().cumsum(-1)
    place = int(torch.searchsorted(sums, float(sums[-1]) * uniform, right=True))
    return min(place, len(sums) - 1)


def top_logprobs(logits: Tensor, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    """The token's own log-probability, and the `count` likeliest tokens with theirs."""
    scores = logits.log_softmax(-1)
    values, tokens = scores.topk(count)
    return float(scores[token]), list(zip(tokens.tolist(), values.tolist(), strict=True))
