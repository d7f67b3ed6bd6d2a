"""Texts as they are compared: normalised, exact and near duplicates found (MinHash)."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from datasketch import MinHash, MinHashLSH

# Unicode's joiners and variation selectors stay: emoji and Persian are made of them.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
SPACES = re.compile(r"[^\S\n]+")
WORD = re.compile(r"\w+", re.UNICODE)
PERMUTATIONS = 64
SIMILAR = 0.8
SHINGLE = 3


def cleaned(value: Any) -> Any:
    """Texts in NFC without control characters and odd spaces; all else as it is."""
    if isinstance(value, str):
        text = CONTROLS.sub("", unicodedata.normalize("NFC", value))
        return "\n".join(SPACES.sub(" ", line).strip() for line in text.splitlines()).strip()
    if isinstance(value, Mapping):
        return {name: cleaned(inner) for name, inner in value.items()}
    return [cleaned(inner) for inner in value] if isinstance(value, list) else value


def fingerprint(content: Mapping[str, Any]) -> str:
    """The hash by which the same row is known, whatever the order of its fields."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def shingles(text: str) -> set[str]:
    """Runs of three words; of characters where a text has too few words, as in Chinese."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = WORD.findall(folded)
    units = words if len(words) >= SHINGLE + 2 else list("".join(words))
    if len(units) <= SHINGLE:
        return {" ".join(units)} if units else set()
    return {" ".join(units[at : at + SHINGLE]) for at in range(len(units) - SHINGLE + 1)}


def min_hash(text: str) -> MinHash:
    found = MinHash(num_perm=PERMUTATIONS, seed=1)
    found.update_batch([shingle.encode() for shingle in shingles(text)])
    return found


def near_duplicates(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(id, earlier id) for each text that is nearly one before it; texts come as (id, text).

    Locality-sensitive hashing over MinHash of word trigrams (Broder, 1997), then the estimate of
    the Jaccard similarity itself, so that a chance meeting in a bucket does not count.
    """
    index = MinHashLSH(threshold=SIMILAR, num_perm=PERMUTATIONS)
    hashes: dict[str, MinHash] = {}
    for key, text in texts:
        own = min_hash(text)
        close = (other for other in index.query(own) if own.jaccard(hashes[other]) >= SIMILAR)
        earlier = next(iter(sorted(close)), None)
        if earlier is not None:
            yield key, earlier
        index.insert(key, own)
        hashes[key] = own
