"""Refuses bodies and headers that are too large at the door, before anything of them is kept."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from saas.errors import AppError, HeadersTooLarge, TooLarge, problem_response
from saas.ids import uuid7

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


# What proxies take as well; cookies and keys need a tenth of it.
MAX_HEADER_BYTES = 32 * 1024
MAX_HEADERS = 100


_large: dict[str, int] = {}


def allow_large_body(pattern: str, most: int) -> None:
    """Take so many bytes more than elsewhere from paths that match; in your AppConfig.ready()."""
    _large[pattern] = most


def large_bodies() -> dict[str, int]:
    """What apps have allowed, by the pattern of the path."""
    return dict(_large)


class Overflow(Exception):
    """More has come than the limit allows."""


class BodyLimit:
    """An ASGI app around another: a declared length is believed, an undeclared one is counted.

    `large` has limits of their own for paths that match a pattern.
    """

    def __init__(self, app: App, limit: int, large: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.limit = limit
        self.large = {re.compile(pattern): most for pattern, most in (large or {}).items()}

    def _limit(self, path: str) -> int:
        found = (most for pattern, most in self.large.items() if pattern.fullmatch(path))
        return next(found, self.limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        if len(scope["headers"]) > MAX_HEADERS:
            detail = _("A request may have %d headers.") % MAX_HEADERS
            await refuse(scope, send, HeadersTooLarge(detail, limit=MAX_HEADERS))
        elif header_bytes(scope) > MAX_HEADER_BYTES:
            detail = _("Headers may hold %d bytes in all.") % MAX_HEADER_BYTES
            await refuse(scope, send, HeadersTooLarge(detail, limit=MAX_HEADER_BYTES))
        elif declared(scope) > limit:
            await refuse(scope, send, too_large(limit))
        else:
            try:
                await self.app(scope, counted(receive, limit), send)
            except Overflow:  # Django reads the whole body before it answers anything
                await refuse(scope, send, too_large(limit))


def too_large(limit: int) -> TooLarge:
    return TooLarge(_("At most %d bytes are taken.") % limit, limit=limit)


def counted(receive: Receive, limit: int) -> Receive:
    """Receives as before, up to so many bytes."""
    seen = 0

    async def next_message() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise Overflow
        return message

    return next_message


async def refuse(scope: Scope, send: Send, error: AppError) -> None:
    """Answer with the error's problem and hang up."""
    request = HttpRequest()
    request.path = request.path_info = scope["path"]
    request_id = f"req_{uuid7().hex}"
    request.request_id = request_id  # type: ignore[attr-defined]
    response = problem_response(error, request)
    headers = {**response.headers, "X-Request-Id": request_id, "Connection": "close"}
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
            ],
        }
    )
    await send({"type": "http.response.body", "body": response.content})


def header_bytes(scope: Scope) -> int:
    return sum(len(name) + len(value) for name, value in scope["headers"])


def declared(scope: Scope) -> int:
    """The body's length as the request states it; 0 where it does not."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0
