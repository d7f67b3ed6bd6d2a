"""JSON as the standard has it: no NaN, no name twice, no bottomless nesting, no broken text."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

from saas.errors import BadRequest, Invalid, TooLarge, UnsupportedMedia

MAX_BODY = 1024 * 1024
MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """Reads a JSON body that means the same to every reader, up to the view's `max_body`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = parser_context or {}
        refuse_charset(media_type or "")
        return loads(read(stream, getattr(context.get("view"), "max_body", MAX_BODY)))


class StrictMultiPartParser(MultiPartParser):
    """Reads a form with files; its texts are held to the same rules as those in JSON."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            found = super().parse(stream, media_type, parser_context)
        except ParseError as error:
            raise BadRequest(_("The form cannot be read.")) from error
        for name, text in found.data.items():
            check_text(name, "")
            check_text(str(text), f"/{escape(name)}")
        return found


def refuse_charset(media_type: str) -> None:
    found = re.search(r"charset=\"?([\w.-]+)", media_type, re.IGNORECASE)
    if found and found[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMedia(_("JSON is taken in UTF-8 only."))


def read(stream: IO[bytes], limit: int) -> bytes:
    """The body; one that is larger than the limit is not read to its end."""
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise TooLarge(_("At most %d bytes are taken.") % limit, limit=limit)
    return body


def loads(body: bytes) -> Any:
    """The value that the body holds; raises ParseError with the place of the fault."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise ParseError(str(error) or _("Too deeply nested.")) from error
    check_values(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(_("A name stands twice in one object."))
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(_("%s is not JSON.") % name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(_("A number is too large."))
    return number


def check_values(value: Any) -> None:
    """Raise for nesting that is too deep and for text that no database can keep."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        pointer, item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ParseError(_("Nested deeper than %d levels.") % MAX_DEPTH)
        if isinstance(item, str):
            check_text(item, pointer)
        waiting.extend((place, inner, depth + 1) for place, inner in _inner(pointer, item))


def _inner(pointer: str, item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, dict):
        for name, inner in item.items():
            check_text(name, pointer)
            yield f"{pointer}/{escape(name)}", inner
    elif isinstance(item, list):
        for index, inner in enumerate(item):
            yield f"{pointer}/{index}", inner


def check_text(text: str, pointer: str) -> None:
    if "\x00" in text:
        raise Invalid(errors=[_fault(pointer, _("Null characters are not allowed."))])
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ParseError(_("Half of a surrogate pair stands alone."))


def _fault(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer or "/", "code": "null_characters_not_allowed", "detail": detail}


def escape(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
