"""The questions of a brief, declared once for the form, the API and the CSV import."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from generation.kinds.text import N_

FieldType = Literal["text", "textarea", "list", "select", "number", "url"]

REQUIRED = N_("This field is required.")
TOO_LONG = N_("At most {limit} characters.")
TOO_MANY = N_("At most {limit} lines.")
NOT_A_CHOICE = N_("Choose one of: {choices}.")
NOT_A_NUMBER = N_("Enter a whole number.")
OUT_OF_RANGE = N_("Enter a number from {low} to {high}.")
NOT_A_URL = N_("Enter a web address that starts with https:// or http://.")
NOT_TEXT = N_("Enter text.")
UNKNOWN = N_("This kind of copy has no such field.")

MAX_ITEMS = 20
MAX_ITEM_CHARS = 200
TEXT_CHARS = 200
TEXTAREA_CHARS = 2000
URL_CHARS = 2048
# Between letters of ASCII a joiner joins nothing.
IDLE_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+(?![^\x00-\x7f])")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field; `message` is translatable and takes `params`."""

    field: str
    message: str
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.message.format(**dict(self.params))


class BriefError(ValueError):
    """The fields of a brief do not fit its kind; `problems` says which and why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.field}: {each}" for each in self.problems))


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `label` and `help` are plain English, translated where they are shown."""

    name: str
    label: str
    type: FieldType = "text"
    help: str = ""
    required: bool = False
    max_length: int = 0
    max_items: int = MAX_ITEMS
    choices: tuple[Choice, ...] = ()
    default: str | int = ""
    minimum: int = 0
    maximum: int = 0
    example: str = ""

    @property
    def limit(self) -> int:
        """Characters that one value (or one line of a list) may have."""
        by_type = {"list": MAX_ITEM_CHARS, "textarea": TEXTAREA_CHARS, "url": URL_CHARS}
        return self.max_length or by_type.get(self.type, TEXT_CHARS)

    @property
    def empty(self) -> Any:
        return [] if self.type == "list" else self.default

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the field's value."""
        return {"title": self.label, "description": self.help, **self._type_schema()}

    def _type_schema(self) -> dict[str, Any]:
        match self.type:
            case "number":
                return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}
            case "select":
                return {"type": "string", "enum": [choice.value for choice in self.choices]}
            case "list":
                item = {"type": "string", "maxLength": self.limit}
                return {"type": "array", "items": item, "maxItems": self.max_items}
            case "url":
                return {"type": "string", "format": "uri", "maxLength": self.limit}
            case _:
                return {"type": "string", "maxLength": self.limit}

    def clean(self, value: Any) -> Any:
        """The value in its stored form; raises BriefError."""
        if value is None or value == "" or value == []:
            cleaned = self.empty
        else:
            cleaned = self._cleaners()[self.type](value)
        if self.required and cleaned in ("", []):
            raise self.problem(REQUIRED)
        return cleaned

    def problem(self, message: str, **params: object) -> BriefError:
        words = tuple((name, str(value)) for name, value in params.items())
        return BriefError([Problem(self.name, message, words)])

    def _cleaners(self) -> Mapping[str, Any]:
        return {
            "text": self._clean_line,
            "textarea": self._clean_text,
            "list": self._clean_list,
            "select": self._clean_choice,
            "number": self._clean_number,
            "url": self._clean_url,
        }

    def _clean_text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.problem(NOT_TEXT)
        text = visible(value)
        if len(text) > self.limit:
            raise self.problem(TOO_LONG, limit=self.limit)
        return text

    def _clean_line(self, value: Any) -> str:
        return " ".join(self._clean_text(value).split())

    def _clean_list(self, value: Any) -> list[str]:
        lines = re.split(r"[\r\n]+", value) if isinstance(value, str) else value
        if not isinstance(lines, list | tuple):
            raise self.problem(NOT_TEXT)
        items = [item for item in map(self._clean_line, lines) if item]
        if len(items) > self.max_items:
            raise self.problem(TOO_MANY, limit=self.max_items)
        return items

    def _clean_choice(self, value: Any) -> str:
        known = [choice.value for choice in self.choices]
        if value not in known:
            raise self.problem(NOT_A_CHOICE, choices=", ".join(known))
        return str(value)

    def _clean_number(self, value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\s*-?\d{1,9}\s*", str(value)):
            raise self.problem(NOT_A_NUMBER)
        number = int(value)
        if not self.minimum <= number <= self.maximum:
            raise self.problem(OUT_OF_RANGE, low=self.minimum, high=self.maximum)
        return number

    def _clean_url(self, value: Any) -> str:
        text = self._clean_line(value)
        if not is_web_address(text):
            raise self.problem(NOT_A_URL)
        return text


def visible(text: str) -> str:
    """The text without control and zero-width characters, which only hide things in a brief.

    Joiners stay where they join: emoji of several parts, and words of Persian or Hindi.
    """
    kept = "".join(char for char in text if char in "\n\t" or is_visible(char))
    return IDLE_JOINERS.sub("", kept).strip()


def is_visible(char: str) -> bool:
    """What has no category yet may be newer than this Python: emoji come every year."""
    category = unicodedata.category(char)
    if category == "Cn":
        return ord(char) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(char) <= 0xFDEF
    return category[0] != "C" or char in "\u200c\u200d" or "\U000e0020" <= char <= "\U000e007f"


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and "." in parts.netloc and " " not in text


def clean_fields(fields: Iterable[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """All fields in their stored form; raises one BriefError that names every problem."""
    known = {field.name: field for field in fields}
    problems = [Problem(name, UNKNOWN) for name in values if name not in known]
    cleaned: dict[str, Any] = {}
    for name, field in known.items():
        try:
            cleaned[name] = field.clean(values.get(name))
        except BriefError as error:
            problems.extend(error.problems)
    if problems:
        raise BriefError(problems)
    return cleaned


def fields_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """The JSON schema of a brief's fields."""
    known = list(fields)
    return {
        "type": "object",
        "properties": {field.name: field.schema() for field in known},
        "required": [field.name for field in known if field.required],
        "additionalProperties": False,
    }
