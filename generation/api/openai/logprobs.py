"""The odds of each token, as chats and as plain completions tell them.

They are kept as [bytes, log-probability, [[bytes, log-probability] …]]: a token may be a part of a
character, and only its bytes put the text together again.
"""

from itertools import accumulate
from typing import Any

Kept = list[Any]


def of_chat(kept: Kept | None) -> dict[str, Any] | None:
    """As OpenAI's chats have them."""
    if not kept:
        return None
    content = [
        {**token_logprob(token, logprob), "top_logprobs": [token_logprob(*pair) for pair in beside]}
        for token, logprob, beside in kept
    ]
    return {"content": content, "refusal": None}


def token_logprob(token: list[int], logprob: float) -> dict[str, Any]:
    return {"token": word(token), "logprob": logprob, "bytes": token}


def legacy(kept: Kept | None, offset: int = 0) -> dict[str, Any] | None:
    """As OpenAI's plain completions have them; `offset` is where the text begins."""
    if not kept:
        return None
    lengths = [len(bytes(token).decode(errors="ignore")) for token, _, _ in kept]
    return {
        "tokens": [word(token) for token, _, _ in kept],
        "token_logprobs": [logprob for _, logprob, _ in kept],
        "top_logprobs": [{word(token): odds for token, odds in beside} for _, _, beside in kept],
        "text_offset": list(accumulate(lengths[:-1], initial=offset)),
    }


def word(token: list[int]) -> str:
    """A token to read; a part of a character as its bytes are written in many languages."""
    return bytes(token).decode(errors="backslashreplace")
