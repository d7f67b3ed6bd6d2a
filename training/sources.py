"""Rows that the product itself has: each app that has some registers where they come from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """Where rows of a task come from. `rows` gives the values of each, with a `row_id` that stays.

    Both are called in the scope of a workspace; `count` says how many rows there are at most.
    """

    name: str
    label: Any
    description: Any
    task: str
    count: Callable[[], int]
    rows: Callable[[], Iterator[Values]]


_sources: dict[str, RowSource] = {}


def register(source: RowSource) -> None:
    """Add a source, in your AppConfig.ready()."""
    if source.name in _sources:
        raise ImproperlyConfigured(f"There are two sources of rows called {source.name}.")
    _sources[source.name] = source


def sources(task: str = "") -> list[RowSource]:
    """Those for datasets of a task, or all of them."""
    return [source for source in _sources.values() if task in ("", source.task)]


def source_of(name: str) -> RowSource | None:
    return _sources.get(name)
