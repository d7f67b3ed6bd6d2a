"""POST /collect/: events of a page, in one request that no preflight has to go before."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.behaviour import known_only
from recommendations.api.collect.base import CollectThrottle, FromOrigin, origin_of
from recommendations.api.events import Clock, Wrong, event_of
from recommendations.models import Interaction
from recommendations.services.interactions import EventData, dwell_extend, interactions_record
from saas.api.parsers import StrictJSONParser
from saas.api.views import ApiView
from saas.errors import BatchTooLarge, Invalid

SCRIPT = Path(__file__).parents[2] / "snippet" / "collect.js"
MOST = 100
MAX_BODY = 64 * 1024
SHARED = ("person", "session")
# How long a page was looked at; it belongs to the view that began at that moment.
DWELL = "dwell"


class AnyTextParser(StrictJSONParser):
    """JSON whatever it is called: browsers ask nobody before they send text/plain."""

    media_type = "*/*"


class CollectView(ApiView):
    """What visitors of a page see and choose."""

    schema = None
    permission_classes = (FromOrigin,)
    throttle_classes = (CollectThrottle,)
    parser_classes = (AnyTextParser,)
    parameters: ClassVar[tuple[str, ...]] = ("key",)
    max_body = MAX_BODY

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answers can be read by pages of the key's origins, and by no others."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Vary"] = "Origin"
        key, origin = getattr(request, "auth", None), origin_of(request._request)
        if key is not None and origin in key.origins:
            answer.headers["Access-Control-Allow-Origin"] = origin
        return answer

    def options(  # type: ignore[override]
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        headers = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "86400",
        }
        return Response(status=204, headers=headers)

    def post(self, request: Request) -> Response:
        """Count what is in order and say how many events were not."""
        rows = list(told(request.data))
        events, dwells, wrong = sorted_out(rows)
        known, unknown = known_only(events)
        accepted = interactions_record(events=known).accepted if known else 0
        dwell_extend(events=dwells)
        return Response({"accepted": accepted, "rejected": wrong + len(unknown)}, status=202)


def told(data: Any) -> Iterator[dict[str, Any]]:
    """The body's events, each with the person and session of them all."""
    rows = data.get("events") if isinstance(data, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Invalid(errors=[{"pointer": "/events", "code": "invalid", "detail": "[{…}, …]"}])
    if len(rows) > MOST:
        raise BatchTooLarge(limit=MOST)
    shared = {name: data[name] for name in SHARED if name in data}
    skew = skew_of(data.get("sent"))
    for row in rows:
        found = {**row, **shared, "timestamp": moved(row.get("at"), skew)}
        found.pop("at", None)
        if "seconds" in found:
            found["duration"] = found.pop("seconds")
        yield found


def skew_of(sent: Any) -> float:
    """Seconds by which the browser's clock is wrong; 0 where that is too little to matter."""
    if not isinstance(sent, int | float) or isinstance(sent, bool):
        return 0.0
    skew = sent / 1000 - timezone.now().timestamp()
    return skew if abs(skew) > 240 else 0.0


def moved(at: Any, skew: float) -> Any:
    """A moment of the browser's in unix seconds of ours."""
    number = isinstance(at, int | float) and not isinstance(at, bool)
    return at / 1000 - skew if number else at


def sorted_out(rows: list[dict[str, Any]]) -> tuple[list[EventData], list[EventData], int]:
    """Events to record, times to add to earlier views, and how many can be neither."""
    clock = Clock(timezone.now())
    events: list[EventData] = []
    dwells: list[EventData] = []
    wrong = 0
    for row in rows:
        dwell = row.get("type") == DWELL
        try:
            event = event_of(row | {"type": "view"} if dwell else row, clock)
        except Wrong:
            wrong += 1
            continue
        if event.type not in Interaction.Type.values:
            wrong += 1
        else:
            (dwells if dwell else events).append(event)
    return events, dwells, wrong


@cache
def script() -> str:
    """The script as it is sent: without its indents."""
    lines = SCRIPT.read_text().splitlines()
    return "\n".join(line.strip() for line in lines)


@require_GET
def collect_script(request: HttpRequest) -> HttpResponse:
    """The script that pages include, for anybody."""
    response = HttpResponse(script(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, max-age=3600"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
