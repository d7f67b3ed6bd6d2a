"""What all of Gorse's addresses share: the key in X-API-Key, and bodies read by hand."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from rest_framework.request import Request

from recommendations.api.base import LARGE_BODY
from recommendations.models.catalogue import KEY_PATTERN, MAX_KEY
from saas.api.views import ApiView
from saas.errors import Invalid
from tenants.authentication import admitted, refuse_key_in_url
from tenants.lookups import find_api_key
from tenants.models import ApiKey, Role

PREFIX = "/gorse/"
KEY = re.compile(KEY_PATTERN)
DURATION = re.compile(r"(\d+)(h|m|s)")
SECONDS = {"h": 3600, "m": 60, "s": 1}
DEFAULT_COUNT, MOST_ROWS = 10, 1_000


def authenticate(request: HttpRequest) -> tuple[ApiKey, Role] | None:
    """An API key as Gorse's clients show it; raises AppError where it is no good."""
    refuse_key_in_url(request)
    secret = request.headers.get("X-API-Key", "").strip()
    return admitted(find_api_key(secret)) if secret else None


def gorse_status(status: int) -> int:
    """Gorse says 400 where we say 422."""
    return 400 if status == 422 else status


class GorseView(ApiView):
    """An address of Gorse's."""

    schema = None
    strict_parameters = False
    max_body = LARGE_BODY


def wrong(name: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"pointer": f"/{name}", "code": "invalid", "detail": detail}])


def record(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise wrong("", _("Send a JSON object."))
    return data


def records(data: Any) -> list[Mapping[str, Any]]:
    if not isinstance(data, list):
        raise wrong("", _("Send a list of JSON objects."))
    return [record(row) for row in data]


def key_of(row: Mapping[str, Any], name: str) -> str:
    return checked_key(row.get(name), name)


def checked_key(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_KEY or not KEY.fullmatch(value):
        raise wrong(name, _("Use at most 128 letters, digits and _ - : @ . only."))
    return value


def text_of(row: Mapping[str, Any], name: str, most: int) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str) or len(value) > most:
        raise wrong(name, _("Give a text of at most %d characters.") % most)
    return value


def moment_of(row: Mapping[str, Any], name: str, now: datetime) -> datetime:
    """A moment in any of the usual forms, in UTC where it has no zone; now where it is left out."""
    value = row.get(name) or ""
    if value == "":
        return now
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
        day = parse_date(value) if isinstance(value, str) and found is None else None
    except ValueError:
        found = day = None
    if found is None and day is not None:
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if found is None:
        raise wrong(name, _("Give a moment such as 2026-02-24T12:00:00Z."))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def duration_of(text: str) -> timedelta:
    """A span such as 10m or 1h30m."""
    parts = DURATION.findall(text)
    if text and "".join(f"{number}{unit}" for number, unit in parts) != text:
        raise wrong("write-back-delay", _("Give a span such as 10m or 1h30m."))
    return timedelta(seconds=sum(int(number) * SECONDS[unit] for number, unit in parts))


def whole(request: Request, name: str, otherwise: int, most: int) -> int:
    """A number from the address, from 0 to a bound."""
    text = request.query_params.get(name) or str(otherwise)
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= most):
        raise wrong(name, _("Give a whole number from 0 to %d.") % most)
    return int(text)


def affected(count: int) -> dict[str, int]:
    return {"RowAffected": count}
