"""Rows of datasets with labels or marked places, as heads learn from them and are measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.datasets.splitting import TEST, TRAIN, VALIDATION
from training.heads.classifier import ClassificationData
from training.heads.tagger import TaggingData
from training.heads.words import TextSpan, tags_of, words
from training.models import DatasetRow

Split = Mapping[str, Sequence[DatasetRow]]


@dataclass(frozen=True, slots=True)
class TestSet:
    """What a head is measured on: texts with the sets of their labels, or words with their tags.

    `usual` are the labels that most training rows have.
    """

    __test__ = False  # pytest would take it for a test

    texts: Sequence[str] = ()
    labels: Sequence[frozenset[str]] = ()
    usual: frozenset[str] = frozenset()
    tokens: Sequence[Sequence[str]] = ()
    tags: Sequence[Sequence[str]] = field(default=())

    @property
    def rows(self) -> int:
        return len(self.texts) or len(self.tokens)


def classification_data(split: Split) -> ClassificationData:
    several = any(len(labels_of(row)) > 1 for part in split.values() for row in part)

    def labels(rows: Sequence[DatasetRow]) -> Any:
        found = [labels_of(row) for row in rows]
        return found if several else [own[0] for own in found]

    return ClassificationData(
        [row.text() for row in split[TRAIN]],
        labels(split[TRAIN]),
        [row.text() for row in split[VALIDATION]],
        labels(split[VALIDATION]),
    )


def labels_of(row: DatasetRow) -> list[str]:
    return list(dict.fromkeys(row.content["labels"]))


def tagging_data(split: Split) -> TaggingData:
    training, validation = ([tagged(row) for row in split[name]] for name in (TRAIN, VALIDATION))
    return TaggingData(
        [tokens for tokens, _ in training],
        [tags for _, tags in training],
        [tokens for tokens, _ in validation],
        [tags for _, tags in validation],
    )


def tagged(row: DatasetRow) -> tuple[list[str], list[str]]:
    """A row's words and their BIO tags; places in a text are brought to whole words."""
    content = row.content
    if "tokens" in content:
        return list(content["tokens"]), list(content["tags"])
    own = words(content["text"])
    spans = [TextSpan(each["start"], each["end"], each["label"]) for each in content["spans"]]
    return [word.text for word in own], tags_of(own, spans)


def classification_test(split: Split) -> TestSet:
    rows = split[TEST] or split[VALIDATION]
    usual = Counter(frozenset(labels_of(row)) for row in split[TRAIN]).most_common(1)
    return TestSet(
        texts=[row.text() for row in rows],
        labels=[frozenset(labels_of(row)) for row in rows],
        usual=usual[0][0],
    )


def tagging_test(split: Split) -> TestSet:
    pairs = [tagged(row) for row in split[TEST] or split[VALIDATION]]
    return TestSet(tokens=[tokens for tokens, _ in pairs], tags=[tags for _, tags in pairs])
