"""What can happen: each app registers the names of its events, with words for people."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_labels: dict[str, Any] = {}


def register(labels: Mapping[str, Any]) -> None:
    """Declare events by name ("content.approved"), in an app's AppConfig.ready().

    Raises ImproperlyConfigured where a name is taken.
    """
    if taken := _labels.keys() & labels.keys():
        raise ImproperlyConfigured(f"There are events with these names: {', '.join(taken)}.")
    _labels.update(labels)


def registered() -> dict[str, Any]:
    """All names with their labels, in the names' order."""
    return dict(sorted(_labels.items()))


def label_of(name: str) -> str:
    """An event in words; one that no app declares any more is called by its name."""
    return str(_labels.get(name, name))
