"""From a batch's logits to its tokens, all on the logits' device: only ids and flags leave it.

The choices are those of sampling.choose, rows side by side. n rows, V the vocabulary's size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from generation.engine.sampling import FIRST_CANDIDATES, GREEDY_BELOW
from generation.engine.types import Sampling

BITS = 32
# Rows whose sums are in memory together, in double precision.
AT_ONCE = 128


class DeviceSampler:
    @torch.inference_mode()
    def finite(self, logits: Tensor) -> list[bool]:
        """Whether all of each row's logits (n, V) are numbers."""
        # The greatest magnitude is not finite if anything is not, and makes no copy of the logits.
        found: list[bool] = torch.linalg.vector_norm(logits, torch.inf, -1).isfinite().tolist()
        return found

    @torch.inference_mode()
    def mask(self, logits: Tensor, bits: Tensor) -> None:
        """logits (n, V) become minus infinity in place where bits (n, W), 32 each, are 0."""
        places = torch.arange(BITS, dtype=torch.int32, device=logits.device)
        ones = bits.to(logits.device)[:, :, None] >> places & 1  # (n, W, 32)
        banned = (ones == 0).flatten(1)[:, : logits.shape[1]]
        logits[:, : banned.shape[1]].masked_fill_(banned, -torch.inf)

    @torch.inference_mode()
    def choose(
        self, logits: Tensor, rules: Sequence[Sampling], uniforms: Sequence[float]
    ) -> list[int]:
        """The token that each uniform in [0, 1) picks of its row in logits (n, V)."""
        ways: dict[Way, list[int]] = {}
        for row, rule in enumerate(rules):
            ways.setdefault(way(rule), []).append(row)
        ids = torch.empty(len(rules), dtype=torch.long, device=logits.device)
        for found, rows in ways.items():
            for begin in range(0, len(rows), AT_ONCE):
                some = rows[begin : begin + AT_ONCE]
                place = torch.tensor(some, device=logits.device)
                asked = [rules[row] for row in some], [uniforms[row] for row in some]
                ids[place] = found(logits[place], Rules(*asked, logits.device))
        chosen: list[int] = ids.tolist()
        return chosen


class Rules:
    """What rows that are chosen in the same way ask for: columns (n, 1), brought in one copy."""

    def __init__(
        self, rules: Sequence[Sampling], uniforms: Sequence[float], device: torch.device
    ) -> None:
        settings = [(rule.temperature, rule.top_p, rule.min_p, rule.top_k) for rule in rules]
        table = torch.tensor([*zip(*settings, strict=True), uniforms], dtype=torch.double)
        table = table.to(device)[:, :, None]
        self.temperature, self.top_p, self.min_p = table[:3].float().unbind()
        self.top_k, self.uniforms = table[3].long(), table[4]
        self.most = max(rule.top_k for rule in rules)

    def pick(self, probabilities: Tensor, count: Tensor | int) -> Tensor:
        """The places (n) that the uniforms pick of the first `count` probabilities (n, size)."""
        sums = probabilities.double().cumsum(-1)
        place = torch.searchsorted(sums, sums[:, -1:] * self.uniforms, right=True)  # (n, 1)
        return place.clamp(max=count - 1)[:, 0]


Way = Callable[[Tensor, Rules], Tensor]


def way(rule: Sampling) -> Way:
    if rule.temperature < GREEDY_BELOW:
        return greedy
    return filtered if rule.top_k or rule.top_p < 1.0 or rule.min_p else free


def greedy(logits: Tensor, _: Rules) -> Tensor:
    return logits.argmax(-1)


def free(logits: Tensor, own: Rules) -> Tensor:
    scaled = logits / own.temperature
    return own.pick(scaled.softmax(-1), logits.shape[1])


def filtered(logits: Tensor, own: Rules) -> Tensor:
    """Of the tokens that top-k, then top-p, then min-p leave, likeliest first."""
    scaled = logits / own.temperature
    values, tokens = scaled.topk(min(max(FIRST_CANDIDATES, own.most), logits.shape[1]))
    probabilities = shares(values, scaled, own)
    if values.shape[1] < logits.shape[1] and not bool(reached(probabilities, own).all()):
        # Rare: some row is so undecided that its choice reaches further than these.
        values, tokens = scaled.sort(descending=True)
        probabilities = shares(values, scaled, own)
    before = probabilities.cumsum(-1) - probabilities
    least = own.min_p * probabilities[:, :1]
    kept = (before < own.top_p) & (probabilities >= least)
    kept &= ranks(values) < limits(own)
    kept[:, 0] = True
    place = own.pick(probabilities * kept, kept.sum(-1, keepdim=True))
    return tokens.gather(1, place[:, None])[:, 0]


def ranks(values: Tensor) -> Tensor:
    return torch.arange(values.shape[1], device=values.device)


def limits(own: Rules) -> Tensor:
    """The top-k of each row (n, 1), all of the vocabulary where it is not set."""
    return torch.where(own.top_k > 0, own.top_k, torch.iinfo(torch.long).max)


def shares(values: Tensor, scaled: Tensor, own: Rules) -> Tensor:
    """The probabilities of sorted values (n, size), within a row's top-k or all it can say."""
    within = values.masked_fill(ranks(values) >= limits(own), -torch.inf)
    totals = within.logsumexp(-1, keepdim=True), scaled.logsumexp(-1, keepdim=True)
    total = torch.where(own.top_k > 0, *totals)
    return (within - total).exp()


def reached(probabilities: Tensor, own: Rules) -> Tensor:
    """Whether all that each row's rules could keep is among these (n, size)."""
    by_sum = (own.top_p < 1.0) & (probabilities.sum(-1, keepdim=True) >= own.top_p)
    by_least = probabilities[:, -1:] < own.min_p * probabilities[:, :1]
    return by_sum | by_least | (own.top_k > 0)
