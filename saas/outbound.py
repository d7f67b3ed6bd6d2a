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
# Not the interpreter's `is_global`, which changes with its version and leaves gaps: IANA's
# registries of special purposes, and what clouds answer from within.
PRIVATE_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
            # Protocols, relays and measurements; the first holds Oracle's metadata too.
            *("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.175.48.0/24", "198.18.0.0/15"),
            # Documentation.
            *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
            # Azure's own host.
            "168.63.129.16/32",
        ),
    )
)
# All of IPv6 that is given out, but for prefixes in which an IPv4 address is hidden (Teredo, 6to4),
# protocols, measurements and documentation.
GIVEN_OUT_V6 = ipaddress.IPv6Network("2000::/3")
PRIVATE_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
# The middle of an ISATAP address, which ends in an IPv4 address; one bit says who gave it out.
ISATAP, EITHER_BIT = 0x00005EFE, 0xFDFFFFFF

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
    """Whether it is an address of the public internet, and none behind which another one hides."""
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in PRIVATE_V4)
    isatap = int(ip) >> 32 & EITHER_BIT == ISATAP
    return ip in GIVEN_OUT_V6 and not (isatap or any(ip in network for network in PRIVATE_V6))


def port_of(url: httpx.URL) -> int:
    """The port, also where the address names the one that no server has, 0."""
    usual = 443 if url.scheme == "https" else 80
    return usual if url.port is None else url.port


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
