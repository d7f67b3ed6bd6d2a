"""Files and large bodies: nothing of them is read before their sender is known, and counted."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from saas.api.body import Message, Receive, Send, large_bodies
from saas.request_end import RequestEnd
from tenants.models import Tenant, User
from tenants.quotas import UPLOADS
from tenants.upload_guard import STRANGERS_BYTES, UploadGuard
from tests.support.api import key_for

pytestmark = pytest.mark.django_db(transaction=True)
FILE = "/w/acme/teach/models/import/"
API_FILE = "/v1/files"
LARGE = STRANGERS_BYTES + 1


class Call:
    """One request to the door: what came back, and how much of its body was read."""

    def __init__(self, path: str, *, length: int | None = LARGE, **headers: str) -> None:
        self.read = 0
        self.sent: list[Message] = []
        told = {"host": "testserver", **headers}
        told |= {"transfer-encoding": "chunked"} if length is None else {"content-length": length}
        self.scope: dict[str, Any] = {
            **{"type": "http", "method": "POST", "path": path, "query_string": b""},
            "client": ("198.51.100.7", 1234),
            "headers": [(name.encode(), str(value).encode()) for name, value in told.items()],
        }
        asyncio.run(
            RequestEnd(UploadGuard(self.app, large_bodies()))(self.scope, self.receive, self.send)
        )

    async def receive(self) -> Message:
        self.read += 1
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def app(self, scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


def cookie(client: Client) -> str:
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}"


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        (FILE, 10, 302),
        (FILE, None, 302),
        (API_FILE, 10, 401),
        (API_FILE, None, 401),
        ("/api/v1/brands/", LARGE, 401),
        ("/w/acme/write/", LARGE, 302),
        ("/account/login/", LARGE, 413),
    ],
)
def test_a_stranger_sends_nothing(acme: Tenant, path: str, length: int | None, status: int) -> None:
    call = Call(path, length=length)
    assert (call.status, call.read) == (status, 0)


def test_a_stranger_may_send_a_form(acme: Tenant) -> None:
    call = Call("/account/login/", length=STRANGERS_BYTES)
    assert (call.status, call.read) == (200, 1)


def test_who_may_send_is_let_in(
    acme: Tenant, alice: User, charlie: User, client_for: Callable[[User], Client]
) -> None:
    assert Call(FILE, cookie=cookie(client_for(alice))).status == 200
    assert Call(API_FILE, authorization=f"Bearer {key_for(acme)}").status == 200
    refused = Call(FILE, cookie=cookie(client_for(charlie)))
    assert (refused.status, refused.read) == (404, 0)
    forged = Call(API_FILE, authorization="Bearer sk_wrong")
    assert (forged.status, forged.read) == (401, 0)


def test_a_persons_files_are_counted_over_all_workspaces_and_keys(
    acme: Tenant, alice: User, client_for: Callable[[User], Client], monkeypatch: Any
) -> None:
    monkeypatch.setitem(UPLOADS, "person", UPLOADS["person"].__class__("uploads", 2, 3600))
    jar = cookie(client_for(alice))
    calls = [Call(FILE, length=10, cookie=jar) for _ in range(3)]
    assert [call.status for call in calls] == [200, 200, 429]
    assert calls[-1].read == 0


def test_an_addresss_files_are_counted_over_all_who_send_from_it(
    acme: Tenant,
    alice: User,
    ada: User,
    client_for: Callable[[User], Client],
    monkeypatch: Any,
) -> None:
    monkeypatch.setitem(UPLOADS, "address", UPLOADS["address"].__class__("uploads", 1, 3600))
    assert Call(FILE, length=10, cookie=cookie(client_for(alice))).status == 200
    assert Call(FILE, length=10, cookie=cookie(client_for(ada))).status == 429
