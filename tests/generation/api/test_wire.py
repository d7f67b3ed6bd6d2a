"""What never becomes a request: broken HTTP, lost connections, and their retries."""

import json
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from generation.models import Brand
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import key_for

pytestmark = pytest.mark.django_db(transaction=True)

BRANDS = "/api/v1/brands/"
LINES = [f"GET {BRANDS} HTTP/1.1", "Host: localhost"]


def exchange(server: str, data: bytes) -> bytes:
    """What the server says to these bytes until it closes the connection or falls silent."""
    host, port = urlsplit(server).netloc.split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(data)
            while more := connection.recv(65536):
                answer += more
        except (TimeoutError, ConnectionError):
            return answer
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([f"X-Long: {'a' * 65536}"], id="a header of 64 KiB"),
        pytest.param([f"X-{number}: {'a' * 80}" for number in range(1000)], id="1,000 headers"),
        pytest.param(["X-Broken: a\rb"], id="a carriage return in a value"),
        pytest.param(["Host: elsewhere.example"], id="a second host"),
        pytest.param(["Content-Length: 3", "Transfer-Encoding: chunked"], id="two lengths"),
        pytest.param(["Content-Length: 3", "Content-Length: 4"], id="two content lengths"),
        pytest.param(["no colon here"], id="no header at all"),
    ],
)
def test_row_40_broken_headers_are_refused(server: str, headers: list[str]) -> None:
    lines = [*LINES, *headers, "Connection: close"]
    answer = exchange(server, ("\r\n".join(lines) + "\r\n\r\n").encode())
    assert status(answer) in {400, 431}, answer[:200]
    assert httpx.get(f"{server}/healthz").status_code == 200


def test_a_whole_request_by_hand_is_answered(server: str) -> None:
    answer = exchange(server, ("\r\n".join([*LINES, "Connection: close"]) + "\r\n\r\n").encode())
    assert status(answer) == 401


def test_row_55_a_caller_that_hangs_up_can_try_again(server: str, acme: Tenant) -> None:
    """Whether the first try got through or not, the second is answered and nothing is double."""
    secret = key_for(acme)
    attempts = 20
    for number in range(attempts):
        name, key = f"Brand {number}", str(uuid4())
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        body = json.dumps({"name": name}, separators=(",", ":"))
        hang_up(server, headers, body, cut=number % 2 == 0)
        again = retried(server, headers, name)
        assert again.status_code == 201, again.text
    with tenant_scope(acme):
        names = list(Brand.objects.filter(name__startswith="Brand ").values_list("name", flat=True))
    assert sorted(names) == sorted({f"Brand {number}" for number in range(attempts)})
    print(f"attempts={attempts} failures=0")


def hang_up(server: str, headers: dict[str, str], body: str, *, cut: bool) -> None:
    """Send the request, or only half of its body, and close without reading an answer."""
    lines = [
        f"POST {BRANDS} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    sent = ("\r\n".join(lines) + "\r\n\r\n" + (body[: len(body) // 2] if cut else body)).encode()
    host, port = urlsplit(server).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)


def retried(server: str, headers: dict[str, str], name: str) -> httpx.Response:
    """The same request again, as a client does: while the first is under way it waits."""
    while True:
        answer = httpx.post(server + BRANDS, headers=headers, json={"name": name}, timeout=30)
        if answer.status_code != 409 or answer.json()["code"] != "idempotency_in_progress":
            return answer
