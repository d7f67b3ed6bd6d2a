"""Bodies that are too large are refused at the door, declared or not."""

import asyncio
import json
import re
from typing import Any

import pytest

from saas.api.body import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    BodyLimit,
    Message,
    Receive,
    Send,
    large_bodies,
)

LIMIT = 1000
LARGE = {r"/files/[a-z]+": 3 * LIMIT}


async def reading(scope: Message, receive: Receive, send: Send) -> None:
    """An app that reads the whole body, as Django does, and says how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def call(
    chunks: list[bytes],
    *,
    length: int | None = None,
    path: str = "/api/v1/brands/",
    cookie: bytes = b"",
    more_headers: int = 0,
) -> tuple[int, Any, int]:
    """The status, the body, and how many chunks were read."""
    waiting = list(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    headers.append((b"cookie", cookie))
    headers += [(b"x-filler", b"1")] * more_headers
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(BodyLimit(reading, LIMIT, LARGE)(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]), len(chunks) - len(waiting)


def test_2_a_declared_length_is_refused_unread() -> None:
    status, body, read = call([b"x" * 400] * 10, length=4000)
    assert (status, body["code"], body["limit"], read) == (413, "payload_too_large", LIMIT, 0)
    assert body["request_id"].startswith("req_")


def test_3_an_undeclared_length_is_refused_as_soon_as_it_shows() -> None:
    status, body, read = call([b"x" * 400] * 10)
    assert (status, body["code"], read) == (413, "payload_too_large", 3)


def test_40_headers_have_a_limit_of_their_own() -> None:
    status, body, _ = call([b""], cookie=b"x" * MAX_HEADER_BYTES)
    assert (status, body["code"], body["limit"]) == (431, "headers_too_large", MAX_HEADER_BYTES)
    assert call([b""], cookie=b"x" * (MAX_HEADER_BYTES - 100))[0] == 200


def test_a_thousand_headers_are_too_many_however_short() -> None:
    status, body, _ = call([b""], more_headers=1000)
    assert (status, body["code"], body["limit"]) == (431, "headers_too_large", MAX_HEADERS)
    assert call([b""], more_headers=50)[0] == 200


def test_some_paths_take_more_but_not_everything() -> None:
    assert call([b"x" * 500] * 6, path="/files/a")[:2] == (200, 3 * LIMIT)
    assert call([b"x" * 500] * 7, path="/files/a")[0] == 413
    assert call([], length=7 * LIMIT, path="/files/a")[1]["limit"] == 3 * LIMIT
    assert call([b"x" * 500] * 6, path="/files/a/more")[0] == 413


def test_apps_allow_large_bodies_on_paths_of_their_own() -> None:
    paths = ("/api/v1/models/", "/api/v1/models", "/w/acme/teach/models/import/")
    for path in paths:
        assert any(re.fullmatch(pattern, path) for pattern in large_bodies()), path
    assert not any(re.fullmatch(pattern, "/api/v1/briefs/") for pattern in large_bodies())


def test_openais_clients_read_it_in_their_shape() -> None:
    _, body, _ = call([], length=4000, path="/v1/completions")
    assert body["error"]["code"] == "payload_too_large"


@pytest.mark.parametrize("length", [None, LIMIT])
def test_a_body_within_the_limit_passes(length: int | None) -> None:
    assert call([b"x" * 500] * 2, length=length)[:2] == (200, LIMIT)
