"""Where a webhook may be sent: to the internet, never to this network. Checked when it is named, and at the socket."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from accounts.models.webhook import URL_MAX

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
HTTPS = 443
UNPRIVILEGED = 1024  # from here on there is no mail server and no remote shell
# Public addresses by the registry, and yet a cloud's own services answer there (Azure's wire server).
CLOUD = frozenset({ipaddress.ip_address("168.63.129.16")})
# Asked of whatever router is nearest, such as this network's own: protocols' own addresses, relays of 6to4.
_NEAREST = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23")))
_INTERNET_6 = ipaddress.ip_network("2000::/3")  # all that IPv6 has given to the internet; `is_global` knows what is not
_DOCUMENTS_6 = ipaddress.ip_network("3fff::/20")  # RFC 9637: younger than Python's list
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class BadAddress(ValueError):
    """Nothing may be sent there; the words say why."""


class UnknownHost(OSError):
    """No name server knows the host."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart. host: as TLS and the Host header name it. path: with its query."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (HTTPS if self.tls else 80) else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Takes a webhook's URL apart. Raises BadAddress; an IP address in it is checked, a name only at the socket."""
    if len(url) > URL_MAX or not re.fullmatch(r"[!-~]+", url):
        raise BadAddress(f"Enter a URL of at most {URL_MAX} characters, without spaces or accents.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("This is no URL, such as https://example.com/hooks.") from None
    if parts.scheme not in (("https", "http") if settings.DEBUG else ("https",)):
        raise BadAddress("Enter a URL that begins with https://.")
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise BadAddress("Enter a URL with a host, and without a user name or a #.")
    target = Target(
        parts.scheme == "https",
        parts.hostname,
        port if port is not None else (HTTPS if parts.scheme == "https" else 80),
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if not settings.DEBUG and not (target.port == HTTPS or target.port >= UNPRIVILEGED):
        raise BadAddress(f"Use port {HTTPS}, or one from {UNPRIVILEGED} on.")
    if (literal := _literal(target.host)) is not None:
        check(literal)
    elif not settings.DEBUG and (target.host == "localhost" or target.host.endswith((".localhost", ".local"))):
        raise BadAddress("This address is on a private network.")
    return target


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def check(address: Address) -> None:
    """Raises BadAddress for one that is not on the internet: private, loopback, link-local, reserved, a cloud's own.

    Whatever IPv4 address an IPv6 one stands for is checked as well. Loopback is allowed with DEBUG.
    """
    for one in (address, *_inside(address)):
        is_mapped = isinstance(one, ipaddress.IPv6Address) and one.ipv4_mapped is not None  # that one decides
        if is_mapped or (settings.DEBUG and one.is_loopback):
            continue
        if not _is_on_the_internet(one):
            raise BadAddress("This address is on a private network.")


def _is_on_the_internet(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address in CLOUD:
        return False
    if any(address in network for network in (*_NEAREST, _DOCUMENTS_6)):
        return False
    return address.version == 4 or address in _INTERNET_6 or address in _NAT64


def _inside(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(one for one in found if one is not None)


def resolve(target: Target, seconds: float) -> list[str]:
    """The host's IP addresses, all of them checked. Raises BadAddress, UnknownHost, TimeoutError.

    In a thread of its own: a name server that is silent would hold this one for longer than a delivery may take.
    """
    found: list[str] = []
    failed: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    thread = threading.Thread(target=ask, name="webhook look-up", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed or not found:
        raise UnknownHost("The host's name is not known.") if failed else TimeoutError
    for address in found:
        check(ipaddress.ip_address(address.partition("%")[0]))
    return found
