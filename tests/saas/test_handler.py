"""Sync views are called in one thread, async ones in the event loop."""

import asyncio
import threading
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory
from django.urls import path

from saas import handler
from saas.handler import Handler, is_async

WHERE: list[tuple[bool, str]] = []


def note() -> HttpResponse:
    try:
        asyncio.get_running_loop()
        looped = True
    except RuntimeError:
        looped = False
    WHERE.append((looped, threading.current_thread().name))
    return HttpResponse()


@transaction.non_atomic_requests
def plain(request: HttpRequest) -> HttpResponse:
    return note()


@transaction.non_atomic_requests
async def waiting(request: HttpRequest) -> HttpResponse:
    return note()


urlpatterns = [path("plain", plain), path("waiting", waiting)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/api/v1/me", False),
        ("/w/acme/library/", False),
        ("/nowhere", False),
        ("/v1/chat/completions", True),
        ("/w/acme/briefs/01a22d27-e9d6-7d3e-8a17-1ed94099ad70/stream", True),
    ],
)
def test_it_knows_how_a_view_was_written(address: str, expected: bool) -> None:
    assert is_async(address) is expected


def test_each_is_called_where_it_belongs(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    monkeypatch.setattr(handler, "resolve", lambda found: path_of(found))
    WHERE.clear()

    async def both() -> None:
        served = Handler()
        for address in ("/plain", "/waiting"):
            await served.get_response_async(AsyncRequestFactory().get(address))

    asyncio.run(both())
    (sync_looped, sync_thread), (async_looped, async_thread) = WHERE
    assert (sync_looped, async_looped) == (False, True)
    assert sync_thread != threading.main_thread().name == async_thread


def path_of(address: str) -> Any:
    return next(each.resolve(address[1:]) for each in urlpatterns if each.resolve(address[1:]))
