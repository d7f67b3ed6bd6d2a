"""Kinds are found by name and all say what the portal and the API need."""

from __future__ import annotations

import pytest

from generation import kinds
from generation.kinds.kind import Kind


def test_an_unknown_name_raises_and_lists_the_known_ones() -> None:
    with pytest.raises(kinds.UnknownKind, match="search_ad"):
        kinds.load("haiku")


def test_a_kind_is_made_once() -> None:
    assert kinds.load("article") is kinds.load("article")


@pytest.mark.parametrize("name", kinds.KINDS)
def test_each_kind_describes_itself(name: str) -> None:
    kind = kinds.load(name)
    assert isinstance(kind, Kind)
    assert kind.name == name
    assert kind.label
    assert kind.description
    assert kind.icon
    assert kind.schema()["type"] == "object"
    assert kind.fields_schema()["required"]
