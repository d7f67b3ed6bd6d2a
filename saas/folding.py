"""Words as people look for them: without capitals, accents, and differences of quotation marks."""

import re
import unicodedata

ACCENTS = re.compile("[\u0300-\u036f]")
QUOTES = str.maketrans(dict.fromkeys("‘’‚‛′`´", "'") | dict.fromkeys("“”„‟″«»", '"'))


def folded(text: str) -> str:
    """The text as it is compared; `generation.search.FOLD` is its twin in the database."""
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(QUOTES)))
    return unicodedata.normalize("NFKC", plain).lower()


def holds(text: str, words: str) -> bool:
    """Whether each of the words stands somewhere in the text."""
    whole = folded(text)
    return all(word in whole for word in folded(words).split())
