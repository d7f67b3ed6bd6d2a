"""The questions of a brief turn what people type into stored values, or say what is wrong."""

from __future__ import annotations

import pytest

from generation.kinds.fields import BriefError, Choice, Field, clean_fields, fields_schema

NAME = Field("name", "Name", required=True, max_length=10)
POINTS = Field("points", "Points", "list", max_items=2)
SIZE = Field("size", "Size", "number", minimum=1, maximum=9, default=3)
MOOD = Field("mood", "Mood", "select", choices=(Choice("a", "A"), Choice("b", "B")), default="a")
LINK = Field("link", "Link", "url")
ALL = (NAME, POINTS, SIZE, MOOD, LINK)


def test_left_out_fields_get_their_defaults() -> None:
    cleaned = clean_fields(ALL, {"name": "Kettle"})
    assert cleaned == {"name": "Kettle", "points": [], "size": 3, "mood": "a", "link": ""}


def test_a_list_is_read_from_lines() -> None:
    assert POINTS.clean(" one \r\n\n two") == ["one", "two"]


def test_a_list_is_read_from_an_array() -> None:
    assert POINTS.clean(["one", " "]) == ["one"]


def test_invisible_characters_are_taken_out() -> None:
    assert NAME.clean("Ket\u200btle\x00\n") == "Kettle"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (NAME, None),
        (NAME, "\u200b \x07"),
        (NAME, "longer than ten"),
        (NAME, 7),
        (POINTS, "a\nb\nc"),
        (POINTS, {"a": 1}),
        (POINTS, [1]),
        (SIZE, 10),
        (SIZE, "many"),
        (SIZE, True),
        (MOOD, "c"),
        (MOOD, ["a"]),
        (LINK, "javascript:alert(1)"),
        (LINK, "https://no dots"),
        (LINK, "http://[bad.example"),
    ],
)
def test_a_wrong_value_is_refused(field: Field, value: object) -> None:
    with pytest.raises(BriefError) as caught:
        field.clean(value)
    assert caught.value.problems[0].field == field.name
    assert "{" not in str(caught.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(BriefError) as caught:
        clean_fields(ALL, {"size": 99, "colour": "red"})
    assert {problem.field for problem in caught.value.problems} == {"name", "size", "colour"}


def test_the_schema_names_what_is_required() -> None:
    schema = fields_schema(ALL)
    assert schema["required"] == ["name"]
    assert schema["properties"]["points"]["maxItems"] == 2
    assert schema["properties"]["mood"]["enum"] == ["a", "b"]
