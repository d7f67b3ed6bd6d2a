"""How a scenario answers: sources, filter, booster, diversity and the rest, checked on entry."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from django.utils.translation import gettext as _

from saas.errors import Invalid

SOURCES = (
    *("sequence", "transitions", "item_to_item", "text", "popular", "trending"),
    *("newest", "taste", "exploration"),
)
MAX_RULE = 2000


@dataclass(frozen=True, slots=True)
class ScenarioSettings:
    """Numbers are from 0 to 1. `sources` scales what each source counts; without one it is 1."""

    sources: Mapping[str, float] = field(default_factory=dict)
    filter: str = ""
    booster: str = ""
    diversity: float = 0.0
    rotation_rate: float = 0.0
    rotation_hours: float = 24.0
    min_relevance: float = 0.0
    exploration: float = 0.1
    filter_seen: bool = False

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise Invalid(errors=problems)

    def _problems(self) -> Iterator[dict[str, str]]:
        for name in ("diversity", "rotation_rate", "min_relevance", "exploration"):
            if not _within(getattr(self, name), 1.0):
                yield _problem(name, _("Give a number from 0 to 1."))
        if not _within(self.rotation_hours, 24.0 * 365):
            yield _problem("rotation_hours", _("Give a number of hours, at most a year."))
        for name in ("filter", "booster"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > MAX_RULE:
                yield _problem(name, _("Give a text of at most %d characters.") % MAX_RULE)
        if not isinstance(self.filter_seen, bool):
            yield _problem("filter_seen", _("Give true or false."))
        yield from self._source_problems()

    def _source_problems(self) -> Iterator[dict[str, str]]:
        if not isinstance(self.sources, Mapping):
            yield _problem("sources", _("Give a number for each source's name."))
            return
        for name, scale in self.sources.items():
            if name not in SOURCES:
                yield _problem(f"sources/{name}", _("Choose of: %s.") % ", ".join(SOURCES))
            elif not _within(scale, 10.0):
                yield _problem(f"sources/{name}", _("Give a number from 0 to 10."))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From stored or sent JSON; raises Invalid for what is unknown or out of range."""
        known = {each.name for each in fields(cls)}
        if strange := sorted(values.keys() - known):
            raise Invalid(errors=[_problem(name, _("This is not known here.")) for name in strange])
        return cls(**values)

    def with_(self, **values: Any) -> Self:
        """The same with what a question says itself."""
        given = {name: value for name, value in values.items() if value is not None}
        return type(self).of({**asdict(self), **given})

    def scale(self, source: str) -> float:
        return float(self.sources.get(source, 1.0))


def _within(value: Any, most: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= most


def _problem(name: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/{name}", "code": "invalid", "detail": detail}
