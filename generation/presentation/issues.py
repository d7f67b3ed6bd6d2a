"""The checks' findings in the reader's language, each with the words that it is about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from generation.kinds.kind import Kind

AROUND = 40


@dataclass(frozen=True, slots=True)
class IssueView:
    """One finding, and its words with a little of what stands around them."""

    code: str
    message: str
    place: str
    before: str
    marked: str
    after: str
    severity: str
    suggestion: str
    # Where it stands, for the editor to mark and to lead to; `number` is its place in the list.
    part: str
    start: int
    end: int
    number: int

    @property
    def serious(self) -> bool:
        return self.severity == "error"


def in_order(issues: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Errors before doubts, each as they stand in the text."""
    return sorted(issues, key=lambda issue: issue["severity"] != "error")


def issue_views(
    issues: Sequence[Mapping[str, Any]], kind: Kind, data: Mapping[str, Any]
) -> list[IssueView]:
    return [issue_view(issue, kind, data, number) for number, issue in enumerate(issues)]


def issue_view(
    issue: Mapping[str, Any], kind: Kind, data: Mapping[str, Any], number: int = 0
) -> IssueView:
    """A stored issue as a person reads it."""
    text = part_text(data, issue["part"])
    start, end = issue["start"], issue["end"]
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    return IssueView(
        code=issue["code"],
        message=gettext(issue["message"]).format(**issue["params"]),
        place=part_label(kind, issue["part"]),
        before=("…" if start > AROUND else "") + before,
        marked=text[start:end],
        after=after + ("…" if end + AROUND < len(text) else ""),
        severity=issue["severity"],
        suggestion=issue["suggestion"],
        part=issue["part"],
        start=start,
        end=end,
        number=number,
    )


def part_text(data: Mapping[str, Any], part: str) -> str:
    """The text of a part such as "subject" or "headlines.2"."""
    value: Any = data
    for step in part.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return value if isinstance(value, str) else ""


def part_label(kind: Kind, part: str) -> str:
    """What people call a part: "Headlines 3" for "headlines.2"."""
    name, _, rest = part.partition(".")
    labels = {each.name: gettext(each.label) for each in kind.parts}
    number = rest.partition(".")[0]
    label = labels.get(name, "")
    return f"{label} {int(number) + 1}" if label and number.isdigit() else label
