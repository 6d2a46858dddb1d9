"""The block is real: every way a Python library takes to the outside raises, and this machine stays reachable."""

from __future__ import annotations

import asyncio
import os
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings

from tests.network import NetworkBlockedError

OUTSIDE = "192.0.2.1"  # TEST-NET-1 (RFC 5737): nobody's, so even a leak would reach nobody
OUTSIDE_6 = "2001:db8::1"  # documentation (RFC 3849)


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, (OUTSIDE, 80)), (socket.AF_INET6, (OUTSIDE_6, 80)), (socket.AF_INET, ("example.com", 80))],
)
def test_a_connection_to_the_outside_raises(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    with socket.socket(family) as client, pytest.raises(NetworkBlockedError, match="tried to reach"):
        client.connect(address)
    with socket.socket(family) as client, pytest.raises(NetworkBlockedError):
        client.connect_ex(address)


def test_a_datagram_to_the_outside_raises() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, pytest.raises(NetworkBlockedError):
        client.sendto(b"?", (OUTSIDE, 53))


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(NetworkBlockedError, match="look up"):
        socket.create_connection(("example.com", 443))


@pytest.mark.parametrize("url", [f"http://{OUTSIDE}/", "http://example.com/"])
def test_the_clients_that_libraries_use_are_stopped_too(url: str) -> None:
    with pytest.raises(NetworkBlockedError):
        requests.get(url, timeout=1)
    with pytest.raises(NetworkBlockedError):
        urllib.request.urlopen(url, timeout=1)


def test_asyncio_is_stopped_too() -> None:
    with ThreadPoolExecutor(1) as elsewhere, pytest.raises(NetworkBlockedError):  # page tests keep a loop running here
        elsewhere.submit(lambda: asyncio.run(asyncio.open_connection(OUTSIDE, 80))).result()


def test_an_error_handler_for_failed_connections_does_not_hide_it() -> None:
    assert not issubclass(NetworkBlockedError, OSError | requests.RequestException)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_stays_reachable(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=2).close()


def test_no_two_workers_share_a_database_or_a_cache() -> None:
    """A worker of pytest-xdist counts and clears in its own: the settings in force say which."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")

    if worker:
        assert urlsplit(settings.REDIS_URL).path == f"/{int(worker.removeprefix('gw')) + 1}"
    assert settings.CACHES["default"]["LOCATION"] == settings.CELERY_BROKER_URL == settings.REDIS_URL
    assert os.environ["REDIS_URL"] == settings.REDIS_URL
