"""Which client a request came from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address. `X-Forwarded-For` counts as far as NUM_PROXIES says who wrote it."""
    remote = str(request.META.get("REMOTE_ADDR") or "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    proxies: int = settings.NUM_PROXIES
    if not proxies or not hops:
        return _plain(remote)
    return _plain(hops[-min(proxies, len(hops))]) or _plain(remote)


def client_network(request: HttpRequest) -> str:
    """What requests are counted by: the address; of IPv6 its /64, which one line has all of: 2^64 addresses are one."""
    text = client_address(request)
    if ":" not in text:
        return text
    address = ipaddress.IPv6Address(text)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))


def _plain(text: str) -> str:
    """The address, or nothing where it is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
