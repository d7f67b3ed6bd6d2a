"""Where the server may connect to on a workspace's word: checked when it is said, and again each
time at the connection itself, because a name may lead elsewhere by then.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from saas.errors import Invalid

# Where model servers and their proxies listen.
PORTS = frozenset({443, 4443, 8000, 8080, 8443, 11434})
LEAST_HOUSE_PORT = 1024
LONGEST_URL = 500
RESOLVE_S = 5.0
# IPv6 prefixes in which an IPv4 address is hidden: a private one could stand there.
EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "2002::/16", "2001::/32", "::/96")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UrlNotAllowed(Invalid):
    """The address leads where no workspace may send the server."""

    code = "url_not_allowed"
    advice = gettext_lazy(
        "The server goes to no such address: https on a usual port and a public network "
        "are allowed, and what the operator has named."
    )


class NameUnknown(UrlNotAllowed):
    """Nobody knows the host's name, now at least."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What the addresses behind one URL must be.

    Without TLS, or on an unusual port, only the operator's own networks (`ENDPOINT_NETWORKS`) do.
    """

    house_only: bool

    @classmethod
    def of(cls, url: httpx.URL) -> "Guard":
        return cls(house_only=url.scheme != "https" or port_of(url) not in PORTS)

    def admits(self, address: str) -> bool:
        ip = plain(address)
        return in_house(ip) or (not self.house_only and is_public(ip))

    def refuses(self, addresses: Iterable[str]) -> bool:
        """Whether any of a name's addresses is forbidden: it could be the one that is taken."""
        return not all(map(self.admits, addresses))


def plain(address: str) -> Address:
    """The address without a zone, and IPv4 where it is written as IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def in_house(ip: Address) -> bool:
    return any(ip in ipaddress.ip_network(network) for network in settings.ENDPOINT_NETWORKS)


def is_public(ip: Address) -> bool:
    hidden = any(ip in network for network in EMBEDDING)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or hidden)


def port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def check_url(text: str) -> str:
    """The address without its last slash; raises UrlNotAllowed, with words for who typed it."""
    url = _read(text)
    guard = Guard.of(url)
    addresses = _resolved(url)
    if not addresses:
        raise NameUnknown(_("No server is known by the name “%s”.") % url.host)
    if guard.refuses(addresses):
        raise UrlNotAllowed(_reason(url))
    return str(url).rstrip("/")


def _read(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise UrlNotAllowed(_("This is not an address.")) from error
    if url.scheme not in {"http", "https"} or not url.host or len(text) > LONGEST_URL:
        raise UrlNotAllowed(_("Give an address that begins with https://."))
    if url.userinfo or url.query or url.fragment:
        raise UrlNotAllowed(_("Leave user names, “?” and “#” out; the key has its own field."))
    if port_of(url) < LEAST_HOUSE_PORT and port_of(url) not in {80, 443}:
        raise UrlNotAllowed(_("Model servers do not listen on port %d.") % port_of(url))
    return url


def _reason(url: httpx.URL) -> str:
    if url.scheme != "https":
        return _("Use https://: the key and your texts must not travel in the open.")
    if port_of(url) not in PORTS:
        known = ", ".join(map(str, sorted(PORTS)))
        return _("Use one of the ports of model servers: %s.") % known
    return _("This address is not on the public internet. An operator can allow private networks.")


def _resolved(url: httpx.URL) -> list[str]:
    """All addresses of the URL's host; none where it has none or nobody answers in time."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        found = pool.submit(socket.getaddrinfo, url.host, port_of(url), type=socket.SOCK_STREAM)
        return _addresses(found.result(timeout=RESOLVE_S))
    except (OSError, UnicodeError):  # a timeout is an OSError too
        return []
    finally:
        pool.shutdown(wait=False)


def _addresses(found: Iterable[tuple[Any, ...]]) -> list[str]:
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.AnyIOBackend):
    """Looks a name up, holds every address against the guard, and connects to those very ones."""

    def __init__(self, guard: Guard, refusal: Callable[[], Exception]) -> None:
        self.guard = guard
        self.refusal = refusal

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._look_up(host, port)
        if self.guard.refuses(addresses):
            raise self.refusal()
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, timeout, *args, **kwargs)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await super().connect_tcp(addresses[-1], port, timeout, *args, **kwargs)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise self.refusal()

    async def _look_up(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:  # a timeout is one too
            raise httpcore.ConnectError("The name cannot be looked up.") from error
        if not found:
            raise httpcore.ConnectError("The name has no address.")
        return _addresses(found)


@cache
def tls() -> ssl.SSLContext:
    """One for all: to make it takes as long as the engine takes for a step."""
    return httpx.create_ssl_context()


def guarded_transport(
    url: str, *, refusal: Callable[[], Exception] = UrlNotAllowed
) -> httpx.AsyncHTTPTransport:
    """A transport for one URL's server. Proxies of the environment are not used.

    httpx has no argument for the network below it, so its pool is put in the place of its own.
    """
    transport = httpx.AsyncHTTPTransport(verify=tls())
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=tls(),
        max_connections=32,
        keepalive_expiry=30,
        network_backend=GuardedBackend(Guard.of(httpx.URL(url)), refusal),
    )
    return transport
