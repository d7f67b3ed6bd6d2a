"""Events as callers send them: thousands at a time, so they are read by hand, field by field."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from recommendations.models.catalogue import KEY_PATTERN, MAX_KEY
from recommendations.services.interactions import EventData

# A clock may be a little ahead; what is older than this is imported, not sent.
AHEAD = timedelta(minutes=5)
BEHIND = timedelta(days=35)
# What was before is no moment of a site's visitor, but a mistake of a clock.
FIRST_YEAR = 1990
LARGEST = 1e15
KEY = re.compile(KEY_PATTERN)
TYPE = re.compile(r"[a-z][a-z0-9_]{0,29}")
FIELDS = frozenset(
    {
        *("person", "item", "type", "timestamp", "value", "duration"),
        *("session", "recomm_id", "event_id"),
    }
)


class Wrong(Exception):
    """A field that cannot be taken: its name, a code and what is wrong with it."""

    def __init__(self, name: str, detail: str, code: str = "invalid") -> None:
        super().__init__(detail)
        self.name, self.detail, self.code = name, detail, code

    def problem(self, place: str = "") -> dict[str, str]:
        return {"pointer": f"{place}/{self.name}", "code": self.code, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment of a request, and whether events of long ago are taken."""

    now: datetime
    historical: bool = False

    def read(self, value: Any) -> datetime:
        if value is None:
            return self.now
        found = moment(value)
        if found is None or found.year < FIRST_YEAR or found - self.now > AHEAD:
            raise self._out_of_range()
        if self.now - found > BEHIND and not self.historical:
            raise self._out_of_range()
        return found

    def _out_of_range(self) -> Wrong:
        detail = _(
            "Give a moment with its time zone, at most 5 minutes ahead and 35 days ago; "
            "older ones are taken with “historical”."
        )
        return Wrong("timestamp", detail, "event_time_out_of_range")


def moment(value: Any) -> datetime | None:
    """ISO 8601 with a zone, or unix seconds; None where it is neither."""
    if isinstance(value, str):
        try:
            found = parse_datetime(value)
        except ValueError:
            return None
        return found if found is not None and found.tzinfo is not None else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return None


def event_of(data: Any, clock: Clock) -> EventData:
    """One event; raises Wrong for the first field that cannot be taken."""
    if not isinstance(data, Mapping):
        raise Wrong("", _("An event is an object."))
    if strange := sorted(data.keys() - FIELDS):
        raise Wrong(strange[0], _("This field is not known here."), "unknown_field")
    return EventData(
        person=key(data, "person"),
        item=key(data, "item"),
        type=_type(data.get("type")),
        occurred_at=clock.read(data.get("timestamp")),
        value=number(data, "value"),
        seconds=number(data, "duration", least=0),
        session=short(data, "session", 128),
        recomm_id=_uuid(data.get("recomm_id")),
        event_id=short(data, "event_id", 64),
    )


def key(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Wrong(name, _("This field is required."), "required")
    if len(value) > MAX_KEY or not KEY.fullmatch(value):
        raise Wrong(name, _("Use at most 128 letters, digits and _ - : @ . only."), "key_invalid")
    return value


def number(data: Mapping[str, Any], name: str, *, least: float = -LARGEST) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    sort = isinstance(value, int | float) and not isinstance(value, bool)
    if not sort or not math.isfinite(value) or not least <= value <= LARGEST:
        raise Wrong(name, _("Give a number that is not out of all proportion."))
    return float(value)


def short(data: Mapping[str, Any], name: str, most: int) -> str:
    value = data.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise Wrong(name, _("Give a text of at most %d characters.") % most)
    return value


def _type(value: Any) -> str:
    if not isinstance(value, str) or not TYPE.fullmatch(value):
        raise Wrong("type", _("Give a word of lower-case letters, such as “click”."))
    return value


def _uuid(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise Wrong("recomm_id", _("Give the recomm_id of an answer.")) from None
