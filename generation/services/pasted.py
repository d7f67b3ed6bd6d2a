"""What the checks say to a text that somebody brings, with places counted in that text."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext

from generation import kinds
from generation.kinds.brief import BrandData, BriefData, Issue
from generation.kinds.checks import check_text, coverage
from generation.kinds.kind import Data, Kind
from generation.models import Audience, Brand


def text_check(  # noqa: PLR0913
    *,
    text: str,
    brand: Brand | None = None,
    audience: Audience | None = None,
    kind: str = "",
    fields: Mapping[str, Any] | None = None,
    language: str = "en",
) -> list[dict[str, Any]]:
    """The findings on a text: as a piece of a kind where it is one, else as it stands.

    Without a brand the workspace's own is taken, as everywhere.
    """
    brand = brand or Brand.objects.order_by("-is_default", "created_at").first()
    brief = BriefData(
        kind=kind,
        brand=brand.data() if brand else BrandData(""),
        fields=dict(fields or {}),
        audience=audience.data() if audience else None,
        language=language,
    )
    spec = kinds.load(kind) if kind else None
    found = _of_piece(spec, text, brief) if spec else _of_text(text, brief)
    return [_to_json(issue, start, end) for issue, start, end in found]


Placed = Iterator[tuple[Issue, int, int]]


def _of_text(text: str, brief: BriefData) -> Placed:
    for issue in (*check_text(text, brief), *coverage([text], brief)):
        yield issue, issue.start, issue.end


def _of_piece(kind: Kind, text: str, brief: BriefData) -> Placed:
    data = kind.parse(text)
    places = dict(_places(data, text))
    for issue in kind.check(data, brief):
        start = places.get(issue.part)
        if start is None:
            yield issue, 0, 0
        else:
            yield issue, start + issue.start, start + issue.end


def _places(data: Data, text: str) -> Iterator[tuple[str, int]]:
    """Where each part's text begins in the whole, searched for in its order."""
    at = 0
    for name, words in _texts(data):
        found = text.find(words, at)
        found = text.find(words) if found < 0 else found
        if words and found >= 0:
            yield name, found
            at = found + len(words)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in () if isinstance(value, str) else pairs:
        yield from _texts(each, f"{name}.{key}" if name else str(key))


def _to_json(issue: Issue, start: int, end: int) -> dict[str, Any]:
    return {
        "from": start,
        "until": end,
        "service": issue.code,
        "severity": issue.severity,
        "part": issue.part,
        "suggestions": [issue.suggestion] if issue.suggestion else [],
        "description": gettext(issue.message).format(**dict(issue.params)),
    }
