"""How texts compare with references and with one another. Free of torch; sacrebleu counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import cast

from training.heads.words import words

COPIED_WORDS = 8


def bleu(texts: Sequence[str], references: Sequence[Sequence[str]], language: str = "en") -> float:
    """Corpus BLEU from 0 to 100 (sacrebleu); each text has any number of references."""
    from sacrebleu.metrics.bleu import BLEU  # sacrebleu takes a second to import

    metric = BLEU(tokenize="zh" if language.startswith("zh") else "13a")
    return float(metric.corpus_score(list(texts), streams(references)).score)


def chrf(texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Corpus chrF2 from 0 to 100 (Popovic, 2015), which needs no words and so fits Chinese too."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(list(texts), streams(references)).score)


def streams(references: Sequence[Sequence[str]]) -> list[list[str]]:
    """First references, second ones, ...; where a text has fewer there is None.

    sacrebleu leaves a None out, which its types do not say.
    """
    return [cast("list[str]", list(each)) for each in zip_longest(*references)]


def rouge_l(text: str, references: Iterable[str]) -> float:
    """The best F1 of the longest common subsequence of words, 0 to 1 (Lin, 2004)."""
    own = lowered(text)
    return max((f1(own, lowered(reference)) for reference in references), default=0.0)


def lowered(text: str) -> list[str]:
    return [word.text.lower() for word in words(text)]


def f1(one: list[str], other: list[str]) -> float:
    if not one or not other:
        return 0.0
    return 2 * common(one, other) / (len(one) + len(other))


def common(one: list[str], other: list[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = row
        row = [0]
        for place, own in enumerate(other):
            row.append(before[place] + 1 if word == own else max(row[-1], before[place + 1]))
    return row[-1]


def distinct_n(texts: Iterable[str], n: int = 2) -> float:
    """The share of different ones among all n-grams of the texts (arXiv:1510.03055)."""
    found = [gram for text in texts for gram in ngrams(lowered(text), n)]
    return len(set(found)) / len(found) if found else 0.0


def ngrams(own: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(own[place : place + n]) for place in range(len(own) - n + 1)]


def copied_share(
    texts: Sequence[str], training_texts: Iterable[str], length: int = COPIED_WORDS
) -> float:
    """The share of words that stand in runs of `length` words which a training text has too."""
    known = {gram for text in training_texts for gram in ngrams(lowered(text), length)}
    total = copied = 0
    for text in texts:
        own = lowered(text)
        marked = [False] * len(own)
        for place, gram in enumerate(ngrams(own, length)):
            if gram in known:
                marked[place : place + length] = [True] * length
        total, copied = total + len(own), copied + sum(marked)
    return copied / total if total else 0.0
