"""English verbs by their third person."""

from __future__ import annotations

from generation.kinds import lexicon


def base_verb(word: str) -> str:
    """The verb whose third person this can only be, or nothing."""
    return "" if word in lexicon.NOT_VERBS else third_person(word)


def third_person(word: str) -> str:
    """The verb whose third person this may be, or nothing."""
    tries = [word[:-1], word[:-2] if word.endswith("es") else "", word.removesuffix("ies") + "y"]
    return next((verb for verb in tries if word.endswith("s") and verb in lexicon.VERBS), "")
