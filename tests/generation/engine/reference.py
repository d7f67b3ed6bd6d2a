"""What transformers makes of a conversation, without the words that the template adds."""

from typing import Any

OPENS = "<|im_start|>"


def chat_ids(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """Its tokens; the template's own system message is left out, as the engine leaves it out."""
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    if messages[0]["role"] != "system" and text.startswith(f"{OPENS}system"):
        text = text[text.index(OPENS, len(OPENS)) :]
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
