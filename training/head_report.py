"""How good a head is, for people: a sentence, measures, plots as SVG points, tables beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from training.models import TrainingRun

WIDTH, HEIGHT = 600, 200
# Of a word, in log-odds.
SLIGHT, STRONG = 0.2, 0.7
MOST_CLASSES, MOST_CONFUSIONS, WIDEST_MATRIX = 200, 12, 12

Numbers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measure:
    """A share of 0 to 1 under its name, with the ends of its interval where they are known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def percent(self) -> str:
        return percent(self.value)

    @property
    def between(self) -> str:
        if self.low is None or self.high is None:
            return ""
        return _("%(low)s to %(high)s") % {"low": percent(self.low), "high": percent(self.high)}


@dataclass(frozen=True, slots=True)
class Confusion:
    """Texts of one label that were given another."""

    true: str
    given: str
    count: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of the confusion matrix; `shade` is its share of its row, 0 to 1."""

    count: int
    shade: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page of a run shows of its head."""

    measures: list[Measure]
    classes: list[tuple[str, Numbers]]
    confusions: list[Confusion]
    matrix: list[tuple[str, list[Cell]]]
    labels: list[str]
    reliability: str
    bins: Sequence[Numbers]
    abstention: str
    coverages: Sequence[Numbers]

    @property
    def side(self) -> int:
        """Of the matrix, in units of its fields."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: an entity's label, or how strongly it speaks for (+) or against (-)."""

    text: str
    label: str = ""
    strength: str = ""
    weight: float = 0.0

    @property
    def marked(self) -> bool:
        return bool(self.label or self.strength)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a head says of a text, and the text in its pieces."""

    answer: Numbers
    pieces: list[Piece]
    odds: list[tuple[str, str]]

    @property
    def telling(self) -> list[Piece]:
        """The words that count most, for the table beside the text."""
        return sorted((p for p in self.pieces if p.strength), key=lambda p: -abs(p.weight))[:8]


def tried(text: str, answer: Numbers) -> Tried:
    if "entities" in answer:
        places = [(e["start"], e["end"], Piece(e["text"], e["label"])) for e in answer["entities"]]
    else:
        found = answer.get("explanation", {}).get("words", [])
        places = [(w["start"], w["end"], weighed(w)) for w in found]
    pieces, before = [], 0
    for start, end, piece in places:
        pieces += [Piece(text[before:start]), piece]
        before = end
    odds = [(label, percent(share)) for label, share in answer.get("probabilities", {}).items()]
    return Tried(answer, [*pieces, Piece(text[before:])], odds)


def weighed(word: Numbers) -> Piece:
    """A word whose absence changes the odds: by a fifth a little, by twice a lot."""
    weight = word["weight"]
    strength = ""
    if abs(weight) >= SLIGHT:
        side = "for" if weight > 0 else "against"
        strength = side if abs(weight) >= STRONG else f"{side}-slightly"
    return Piece(word["text"], strength=strength, weight=weight)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def report(run: TrainingRun) -> Report | None:
    """None where the run taught no head, or has not been measured."""
    found = run.evaluation.get("metrics")
    if not found:
        return None
    labels = list(found.get("labels", []))
    confusion = found.get("confusion") or []
    bins, coverages = found.get("reliability") or [], found.get("abstention") or []
    return Report(
        measures=measures(found, run.evaluation.get("intervals", {})),
        classes=classes(found),
        confusions=confusions(labels, confusion),
        matrix=matrix(labels, confusion) if len(labels) <= WIDEST_MATRIX else [],
        labels=labels,
        reliability=points((each["confidence"], each["accuracy"]) for each in bins),
        bins=bins,
        abstention=points((each["coverage"], each["accuracy"]) for each in coverages),
        coverages=coverages,
    )


def measures(found: Numbers, intervals: Mapping[str, Sequence[float]]) -> list[Measure]:
    names = {
        "accuracy": _("Right"),
        "macro_f1": _("F1, each label alike"),
        "micro_f1": _("F1, each text alike"),
        "f1": _("F1 of whole places"),
        "precision": _("Of what it found, right"),
        "recall": _("Of what is there, found"),
        "ece": _("Off in how sure it is"),
        "answered": _("Sure enough to answer"),
        "accuracy_answered": _("Right where it answers"),
    }
    return [
        Measure(label, found[name], *intervals.get(name, (None, None)))
        for name, label in names.items()
        if found.get(name) is not None
    ]


def classes(found: Numbers) -> list[tuple[str, Numbers]]:
    """Each label with its precision, recall, F1 and how often it is there; the worst first."""
    per_class = found.get("per_class") or found.get("per_label") or {}
    there = [(label, each) for label, each in per_class.items() if each["support"]]
    return sorted(there, key=lambda pair: pair[1]["f1"])[:MOST_CLASSES]


def confusions(labels: Sequence[str], table: Sequence[Sequence[int]]) -> list[Confusion]:
    found = [
        Confusion(labels[row], labels[column], count)
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        if count and row != column
    ]
    return sorted(found, key=lambda each: -each.count)[:MOST_CONFUSIONS]


def matrix(labels: Sequence[str], table: Sequence[Sequence[int]]) -> list[tuple[str, list[Cell]]]:
    return [
        (
            labels[row],
            [
                Cell(count, f"{count / max(1, sum(counts)):.2f}", column, row)
                for column, count in enumerate(counts)
            ],
        )
        for row, counts in enumerate(table)
    ]


def points(pairs: Iterable[tuple[float, float]]) -> str:
    """Points of a polyline over both axes from 0 to 1."""
    return " ".join(f"{WIDTH * x:.1f},{HEIGHT * (1 - y):.1f}" for x, y in pairs)


def head_verdict(run: TrainingRun) -> str:
    """Whether the head is good, and better, in a sentence that says how sure that is."""
    found = run.evaluation
    told = {
        "rows": found["rows"],
        "now": percent(found["candidate"]),
        "before": percent(found["base"]),
    }
    if found["measure"] == "f1":
        return finding_verdict(found, told)
    if found["against"] == "champion":
        won = _(
            "It sorts %(now)s of the %(rows)d texts kept aside rightly, the one that works now "
            "%(before)s."
        )
        open_ = _(
            "It sorts %(now)s of the %(rows)d texts kept aside rightly, the one that works now "
            "%(before)s. That may be chance; more rows help most."
        )
    else:
        won = _(
            "It sorts %(now)s of the %(rows)d texts kept aside rightly; always giving the most "
            "frequent label would be right in %(before)s."
        )
        open_ = _(
            "It sorts %(now)s of the %(rows)d texts kept aside rightly; always giving the most "
            "frequent label would be right in %(before)s. These are too few texts to be sure."
        )
    return (won if found["won"] else open_) % told


def finding_verdict(found: Numbers, told: Mapping[str, Any]) -> str:
    if found["against"] == "champion":
        text = _(
            "In the %(rows)d texts kept aside it finds things with an F1 of %(now)s, the one that "
            "works now with %(before)s."
        )
    else:
        text = _("In the %(rows)d texts kept aside it finds things with an F1 of %(now)s.")
    more = "" if found["won"] else " " + _("That may be chance; more rows help most.")
    return text % told + more
