"""Where a workspace may send the server: nowhere private, neither at first nor later."""

import asyncio
import socket
from typing import Any

import httpx
import pytest

from saas.outbound import UrlNotAllowed, check_url, guarded_transport
from tests.support.model_server import ModelServer, model_server
from tests.support.tally import tally

COUNT = tally("addresses that lead inside")
PUBLIC = "8.8.8.8"
FORBIDDEN = (
    *("http://8.8.8.8/v1", "https://127.0.0.1/v1", "https://localhost/v1", "https://[::1]/v1"),
    *("https://10.0.0.8/v1", "https://192.168.1.1/v1", "https://172.16.0.1/v1"),
    *("https://169.254.169.254/latest", "https://[fe80::1]/v1", "https://[fd00:ec2::254]/v1"),
    *("https://0.0.0.0/v1", "https://100.64.0.1/v1", "https://224.0.0.1/v1", "https://2130706433/"),
    *("https://0x7f000001/v1", "https://0177.0.0.1/v1", "https://127.1/v1", "https://①②⑦.0.0.1/"),
    *("https://[::ffff:127.0.0.1]/v1", "https://[::ffff:10.0.0.1]/", "https://[::127.0.0.1]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://255.255.255.255/"),
    *("file:///etc/passwd", "gopher://8.8.8.8/", "ftp://8.8.8.8/", "unix:///run/x", "//8.8.8.8/"),
    *("https://user:secret@8.8.8.8/v1", "https://8.8.8.8@127.0.0.1/v1", "https://8.8.8.8:22/v1"),
    *("https://8.8.8.8:6379/v1", "https://8.8.8.8:5432/", "https://8.8.8.8/v1?next=/", "https:///"),
    *("https://8.8.8.8/v1#x", "", " ", "nonsense", "https://", "https://8.8.8.8:99999/"),
    *("javascript:alert(1)", "https://exa mple.com/", "https://nowhere.invalid/v1"),
    "https://8.8.8.8/" + "x" * 500,
    # What the interpreter calls global, or did in some version.
    *("https://[fec0::1]/", "https://[feff::1]/", "https://192.0.0.9/", "https://192.0.0.192/"),
    *("https://192.88.99.1/", "https://168.63.129.16/", "https://198.19.0.1/", "https://0.1.2.3/"),
    *("https://[2001:4860::5efe:7f00:1]/", "https://[2001:4860::200:5efe:8.8.8.8]/"),
    *("https://[::ffff:0:127.0.0.1]/", "https://[64:ff9b:1::7f00:1]/", "https://[100::1]/"),
    *("https://[2001:20::1]/", "https://[3fff::1]/", "https://[5f00::1]/", "https://[4000::1]/"),
    *("https://[ff0e::1]/", "https://[::]/", "https://[2001:0:7f00:1::]/", "https://8.8.8.8:0/v1"),
)


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_leads_inside_is_refused(url: str) -> None:
    COUNT.attempts += 1
    with pytest.raises(UrlNotAllowed) as refused:
        check_url(url)
    assert (refused.value.status, refused.value.code) == (422, "url_not_allowed")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *("https://8.8.8.8/v1/", "https://8.8.8.8:8443/v1", "https://[2606:4700::1111]/v1"),
        *("https://168.63.129.17/v1", "https://192.0.1.1/v1", "https://172.32.0.1/v1"),
        "https://[2a00:1450:4001::5eff:1:1]/v1",
    ],
)
def test_a_public_address_is_taken(url: str) -> None:
    assert check_url(url) == url.rstrip("/")
    COUNT.controls += 1


def test_operators_open_networks_of_their_own(settings: Any) -> None:
    settings.ENDPOINT_NETWORKS = ["10.20.0.0/16"]
    assert check_url("http://10.20.0.7:9000/v1")
    for url in ("http://10.21.0.7:9000/v1", "http://10.20.0.7:22/v1", "http://8.8.8.8:9000/v1"):
        with pytest.raises(UrlNotAllowed):
            check_url(url)


class Names:
    """A name server whose answer changes from one question to the next."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


def fetched(url: str) -> httpx.Response:
    async def fetch() -> httpx.Response:
        async with httpx.AsyncClient(transport=guarded_transport(url)) as client:
            return await client.post(f"{url}/chat/completions", json={})

    return asyncio.run(fetch())


@pytest.mark.parametrize("answer", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["169.254.169.254"]])
def test_a_name_that_leads_elsewhere_by_the_time_of_the_connection_is_refused(
    monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    names = Names([PUBLIC], answer)
    monkeypatch.setattr(socket, "getaddrinfo", names)
    url = check_url("https://rebinding.test:8443/v1")
    with pytest.raises(UrlNotAllowed):
        fetched(url)
    COUNT.attempts += 1
    assert names.asked == 2


def test_the_checked_address_is_the_one_that_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    with model_server() as server:
        port = httpx.URL(server.url).port
        # A third question would be answered with a place where nobody listens.
        names = Names(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.9"])
        monkeypatch.setattr(socket, "getaddrinfo", names)
        url = check_url(f"http://models.test:{port}/v1")
        assert fetched(url).status_code == 200
    assert names.asked == 2
    COUNT.controls += 1


def test_a_house_address_does_not_take_the_key_into_the_open(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Without TLS only the operator's networks are good, also at the connection."""
    settings.ENDPOINT_NETWORKS = ["10.20.0.0/16"]
    monkeypatch.setattr(socket, "getaddrinfo", Names(["10.20.0.7"], [PUBLIC]))
    url = check_url("http://models.test:9000/v1")
    with pytest.raises(UrlNotAllowed):
        fetched(url)


def test_redirects_are_not_followed(settings: Any) -> None:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    with model_server(ModelServer(status=302)) as server:
        assert fetched(server.url).status_code == 302
        assert len(server.calls) == 1
