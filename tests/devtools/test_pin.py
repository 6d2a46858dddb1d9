"""`make pin` against a registry that is only pretended: digests are written for every image, or for none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses

from devtools import pin
from devtools.servers import PROJECT

REGISTRY = "https://registry.test"
COMPOSE = """x-app: &app
  build: .
  image: bucket-system
services:
  postgres:
    image: postgres:18
  redis:
    image: valkey/valkey:8 # the broker
"""
PYTHON = "library/python/manifests/3.11-slim"
FILES = ("docker-compose.yml", "Dockerfile")


def manifest(name: str) -> bytes:
    return f'{{"manifests": ["{name}"]}}'.encode()


def of(name: str) -> str:
    return f"sha256:{hashlib.sha256(manifest(name)).hexdigest()}"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    """Gives a token for nothing, as public registries do, and answers whoever brings it."""
    monkeypatch.setenv("REGISTRY", REGISTRY)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as simulated:
        challenge = f'Bearer realm="{REGISTRY}/token",service="registry.test",scope="repository:x:pull"'
        simulated.get(f"{REGISTRY}/token", json={"token": "sesame"})

        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.headers.get("Authorization") != "Bearer sesame":
                return 401, {"WWW-Authenticate": challenge}, b""
            name = request.url.removeprefix(f"{REGISTRY}/v2/").split("/manifests/")[0]
            return 200, {"Docker-Content-Digest": of(name)}, manifest(name)

        for known in ("library/postgres/manifests/18", "valkey/valkey/manifests/8", PYTHON):
            simulated.add_callback("GET", f"{REGISTRY}/v2/{known}", answer)
        yield simulated


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim AS build\nRUN true\nFROM python:3.11-slim\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_image_gets_its_digest_and_pinning_again_changes_nothing(
    registry: responses.RequestsMock, place: Path
) -> None:
    for _ in range(2):
        pin.main(list(FILES))
        assert (place / "docker-compose.yml").read_text() == COMPOSE.replace(
            "postgres:18", f"postgres:18@{of('library/postgres')}"
        ).replace("valkey:8", f"valkey:8@{of('valkey/valkey')}")
        python = f"FROM python:3.11-slim@{of('library/python')}"
        assert (place / "Dockerfile").read_text() == f"{python} AS build\nRUN true\n{python}\n"


def test_where_one_image_is_not_known_no_file_is_changed(registry: responses.RequestsMock, place: Path) -> None:
    registry.remove("GET", f"{REGISTRY}/v2/{PYTHON}")
    registry.get(f"{REGISTRY}/v2/{PYTHON}", status=404)
    with pytest.raises(SystemExit, match=r"^Nothing was pinned\. python:3\.11-slim: the registry answers 404\.$"):
        pin.main(list(FILES))
    assert (place / "docker-compose.yml").read_text() == COMPOSE


def test_a_digest_that_is_not_of_the_answer_is_refused(registry: responses.RequestsMock, place: Path) -> None:
    url = f"{REGISTRY}/v2/library/postgres/manifests/18"
    registry.remove("GET", url)
    registry.get(url, body=b"another", headers={"Docker-Content-Digest": of("library/postgres")})
    with pytest.raises(SystemExit, match="tells another digest than its answer has"):
        pin.main(list(FILES))


def test_without_a_registry_docker_is_asked_or_missed(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REGISTRY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="docker with buildx is needed"):
        pin.main(list(FILES))
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho {of('asked')}\n")
    docker.chmod(0o755)
    pin.main(list(FILES))
    assert (place / "docker-compose.yml").read_text().count(of("asked")) == 2


def test_the_files_of_this_project_are_read_as_they_stand() -> None:
    found = [match for file in FILES for match in pin.IMAGE.finditer((PROJECT / file).read_text())]
    named = re.findall(r"^(?:FROM|\s+image:) (\S+:\S+)", "\n".join((PROJECT / f).read_text() for f in FILES), re.M)
    assert [f"{match['name']}:{match['tag']}" for match in found] == [name.split("@")[0] for name in named]
    assert len(found) >= 5
