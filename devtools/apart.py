"""Whether two addresses of a server mean one and the same database, however they are spelled. Asks no network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

POSTGRES, REDIS = 5432, 6379  # the ports of who names none
HERE = "this machine"
_HERE = {"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"}
_SOCKETS = {"/tmp", "/run/postgresql", "/var/run/postgresql"}  # where PostgreSQL listens unless told


def same(one: str, other: str) -> bool:
    """Whether both addresses name the same database of the same server; who asks it, and how, is no difference."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, ...]:
    """Server, port and database; an address that cannot be read is only itself."""
    try:
        address = urlsplit(url.strip())
        query = dict(parse_qsl(address.query))
        if address.scheme.startswith(("redis", "valkey", "unix")):
            return _redis(address, query)
        return _postgres(address, query)
    except ValueError:
        return (url.strip(),)


def _postgres(address: SplitResult, query: Mapping[str, str]) -> tuple[str, ...]:
    """As libpq reads it: the query outranks what stands before it, and without a name the database is the user's."""
    host = query.get("host") or query.get("hostaddr") or unquote(address.hostname or "")
    port = int(query.get("port") or address.port or POSTGRES)
    user = query.get("user") or unquote(address.username or "")
    name = query.get("dbname") or unquote(address.path).strip("/") or user
    return "postgres", _host(host), str(port), name


def _redis(address: SplitResult, query: Mapping[str, str]) -> tuple[str, ...]:
    if address.scheme in ("unix", "redis+socket", "redis+unix"):
        return "redis", unquote(address.path), "", str(_number(query, ""))
    return (
        "redis",
        _host(unquote(address.hostname or "")),
        str(address.port or REDIS),
        str(_number(query, address.path)),
    )


def _number(query: Mapping[str, str], path: str) -> int:
    return int(query.get("db") or query.get("virtual_host") or unquote(path).strip("/") or 0)


def _host(name: str) -> str:
    """One spelling for every name of this machine, and for every way to write an IP address."""
    if name.startswith("/"):
        path = name.rstrip("/")
        return HERE if path in _SOCKETS else path
    name = name.strip("[]").rstrip(".").lower()
    if name in _HERE or name.endswith(".localhost") or name == socket.gethostname().lower():
        return HERE
    try:
        ip = ipaddress.ip_address(name)
    except ValueError:
        try:
            ip = ipaddress.ip_address(socket.inet_aton(name))  # 127.1, 0x7f000001
        except OSError:
            return name
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return HERE if ip.is_loopback or ip.is_unspecified else str(ip)
