"""What the model says while it learns: greedy answers to fixed prompts, by the engine's decoder."""

from __future__ import annotations

from collections.abc import Sequence

from generation.engine.model import Batch, Llama, PromptChunk
from training.lora.adapter import LoraParameters
from training.lora.decoder import Decoder
from training.lora.merging import merged_weights
from training.lora.types import SamplePrompt


def answers(
    decoder: Decoder, adapter: LoraParameters, prompts: Sequence[SamplePrompt]
) -> list[list[int]]:
    """The tokens of each greedy answer, without the stop token; all prompts are one batch."""
    context = max(len(prompt.tokens) + prompt.max_new_tokens for prompt in prompts)
    weights = merged_weights(decoder, adapter)
    model = Llama(decoder.config, weights, slots=len(prompts), context=context)
    tokens = [list(prompt.tokens) for prompt in prompts]
    chunks = [PromptChunk(slot, 0, len(own)) for slot, own in enumerate(tokens)]
    while chunks:
        chosen = step(model, chunks, tokens)
        chunks = [
            PromptChunk(chunk.slot, chunk.stop, 1)
            for chunk, token in zip(chunks, chosen, strict=True)
            if goes_on(token, tokens[chunk.slot], prompts[chunk.slot], decoder.config.stop_ids)
        ]
    return [own[len(prompt.tokens) :] for own, prompt in zip(tokens, prompts, strict=True)]


def goes_on(token: int, own: list[int], prompt: SamplePrompt, stops: tuple[int, ...]) -> bool:
    """Keep the token unless it ends the answer; whether there is more to come."""
    if token in stops:
        return False
    own.append(token)
    return len(own) - len(prompt.tokens) < prompt.max_new_tokens


def step(model: Llama, chunks: list[PromptChunk], tokens: list[list[int]]) -> list[int]:
    """The likeliest next token of each chunk."""
    parts = [tokens[chunk.slot][chunk.start : chunk.stop] for chunk in chunks]
    ends, end = [], 0
    for part in parts:
        end += len(part)
        ends.append(end - 1)
    batch = Batch([token for part in parts for token in part], chunks, ends)
    return [int(token) for token in model.forward(batch).argmax(-1)]
