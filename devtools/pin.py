"""`make pin`: each image in docker-compose.yml and Dockerfile by its digest, so that a tag cannot change under us.

`image: postgres:18` becomes `image: postgres:18@sha256:…`; one that is pinned is pinned anew. The docker client asks
the registry it is set up for (`docker buildx imagetools`); where REGISTRY names one (a mirror), that is asked by HTTP.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import requests

KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
IMAGE = re.compile(
    r"^(?P<before>\s*image: |FROM )(?P<name>[a-z0-9][a-z0-9./_-]*):(?P<tag>[\w.-]+)"
    r"(?:@sha256:[0-9a-f]{64})?(?P<after>.*)$",
    re.MULTILINE,
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TIMEOUT = 30  # seconds


class CannotPin(Exception):
    """The registry does not tell an image's digest; the message says why. No file was changed."""


def pinned(text: str, ask: Callable[[str, str], str]) -> str:
    """The text with each image's digest of this moment. Images that we build ourselves have no tag and stay."""
    found: dict[tuple[str, str], str] = {}

    def pin(match: re.Match[str]) -> str:
        image = match["name"], match["tag"]
        found[image] = found.get(image) or ask(*image)
        return f"{match['before']}{match['name']}:{match['tag']}@{found[image]}{match['after']}"

    return IMAGE.sub(pin, text)


def by_docker(name: str, tag: str) -> str:
    """The digest of what the tag names now: the index of all its platforms. Raises CannotPin."""
    command = ["docker", "buildx", "imagetools", "inspect", f"{name}:{tag}", "--format", "{{.Manifest.Digest}}"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=2 * TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise CannotPin("docker with buildx is needed, or REGISTRY=https://… of a registry to ask.") from None
    if told.returncode or not DIGEST.fullmatch(told.stdout.strip()):
        raise CannotPin(f"{name}:{tag}: {' '.join(told.stderr.split())[:300] or 'docker tells no digest'}")
    return told.stdout.strip()


def by_http(registry: str, name: str, tag: str) -> str:
    """As `by_docker`, from a registry's own API. Raises CannotPin."""
    repository = name if "/" in name else f"library/{name}"
    url = f"{registry}/v2/{repository}/manifests/{tag}"
    headers = {"Accept": ", ".join(KINDS)}
    try:
        answer = requests.get(url, headers=headers, timeout=TIMEOUT)
        if answer.status_code == requests.codes.unauthorized:
            headers["Authorization"] = f"Bearer {_token(answer.headers.get('WWW-Authenticate', ''))}"
            answer = requests.get(url, headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise CannotPin(f"{name}:{tag}: the registry does not answer ({type(error).__name__}).") from None
    if answer.status_code != requests.codes.ok:
        raise CannotPin(f"{name}:{tag}: the registry answers {answer.status_code}.")
    real = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"  # what docker will compare
    told = answer.headers.get("Docker-Content-Digest", real)
    if told != real or not DIGEST.fullmatch(told):
        raise CannotPin(f"{name}:{tag}: the registry tells another digest than its answer has.")
    return told


def _token(challenge: str) -> str:
    """What the registry asks for before it tells anything: a token for reading, free for public images."""
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    if not challenge.startswith("Bearer ") or "realm" not in wanted:
        raise CannotPin("The registry asks for a sign-in that is not for everybody.")
    asked = {name: wanted[name] for name in ("service", "scope") if name in wanted}
    answer = requests.get(wanted["realm"], params=asked, timeout=TIMEOUT)
    if answer.status_code != requests.codes.ok:
        raise CannotPin(f"The registry gives no token ({answer.status_code}).")
    told = answer.json()
    return str(told.get("token") or told.get("access_token") or "")


def main(names: list[str]) -> None:
    """Pins all these files, or none."""
    registry = os.environ.get("REGISTRY", "").rstrip("/")
    ask = partial(by_http, registry) if registry else by_docker
    files = [Path(name) for name in names]
    try:
        texts = [pinned(file.read_text(), ask) for file in files]
    except CannotPin as error:
        sys.exit(f"Nothing was pinned. {error}")
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
        for match in IMAGE.finditer(text):
            print(f"{file}: {match[0].strip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
