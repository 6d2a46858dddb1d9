"""What a domain says in its TXT records. Free, and no vendor's: the resolver of this machine, or DNS_SERVER."""

from __future__ import annotations

from collections.abc import Callable

import dns.exception
import dns.resolver
from django.conf import settings

SECONDS = 3.0  # a name, over all tries
TEXTS_MOST = 50
Texts = Callable[[str], list[str]]


class NoDns(Exception):
    """The name servers did not answer: nothing is known of the domain."""


def texts(name: str) -> list[str]:
    """The TXT records of a name, each in one piece; none where there is no such name. Raises NoDns."""
    try:
        answer = _resolver().resolve(name, "TXT", lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, ValueError):
        raise NoDns(name) from None
    return [b"".join(row.strings).decode("utf-8", errors="replace") for row in list(answer)[:TEXTS_MOST]]


def _resolver() -> dns.resolver.Resolver:
    if not settings.DNS_SERVER:
        return dns.resolver.Resolver()
    address, port = settings.DNS_SERVER, 53
    if address.count(":") == 1 or "]" in address:
        address, _, given = address.rpartition(":")
        port = int(given)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address.strip("[]")], port
    return resolver
