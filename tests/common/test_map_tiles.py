"""A file of map tiles on this machine: pieces of it, to who is signed in; and what pages may ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.test_furniture import REQUIRED, loaded

PLACE = "/map/tiles.pmtiles"


@pytest.mark.django_db
def test_a_piece_of_the_file_is_given_and_never_the_whole(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "us.pmtiles").write_bytes(bytes(range(100)))
    client = Client()
    assert client.get(PLACE, headers={"Range": "bytes=0-9"}).status_code == 403
    client.force_login(User.objects.create_user("ann"))
    assert client.get(PLACE, headers={"Range": "bytes=0-9"}).status_code == 404
    settings.MAP_TILES_FILE = str(tmp_path / "us.pmtiles")

    piece = client.get(PLACE, headers={"Range": "bytes=10-14"})
    assert (piece.status_code, piece.content, piece.headers["Content-Range"]) == (
        206, bytes(range(10, 15)), "bytes 10-14/100",
    )  # fmt: skip
    assert client.get(PLACE, headers={"Range": "bytes=98-500"}).content == bytes([98, 99])
    for wrong in ("", "bytes=0-", "bytes=-5", "bytes=100-101", "bytes=9-3", "bytes=0-99999999999", "bytes=0-1,4-5"):
        answer = client.get(PLACE, headers={"Range": wrong} if wrong else {})
        last = wrong == "bytes=0-99999999999"  # cut to the file, which is small
        assert answer.status_code == (206 if last else 416), wrong


@pytest.mark.parametrize(
    ("url", "pictures", "asked"),
    [
        ("", ["'self'", "data:"], ["'self'"]),
        ("https://{s}.tiles.example/{z}/{x}/{y}.png", ["'self'", "data:", "https://*.tiles.example"], ["'self'"]),
        (
            "https://maps.example/us.pmtiles",
            ["'self'", "data:", "https://maps.example"],
            ["'self'", "https://maps.example"],
        ),
        ("file:///srv/tiles/us%20west.pmtiles", ["'self'", "data:"], ["'self'"]),
    ],
)
def test_the_policy_follows_where_tiles_come_from(
    monkeypatch: pytest.MonkeyPatch, url: str, pictures: list[str], asked: list[str]
) -> None:
    found = loaded(monkeypatch, REQUIRED | {"MAP_TILES_URL": url})
    policy = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert (policy["img-src"], policy["connect-src"]) == (pictures, asked)
    if url.startswith("file:"):
        assert (found["MAP_TILES_URL"], found["MAP_TILES_FILE"]) == (PLACE, "/srv/tiles/us west.pmtiles")
