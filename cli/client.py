"""Asking the API: one request, all pages of a list, a file. What it refuses is told in its own words."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import click

REFUSED, AWAY, UNASKED = 1, 3, 4  # exit statuses; 2 is click's for a wrong argument
PATIENCE = 120.0  # seconds for an answer: a run that is waited for is held for 60 at most
TRIES = 3  # of a request that was refused because there were too many, or while the database was away
BROKEN = (HTTPException, ConnectionError, TimeoutError)  # an answer that begins, and does not end
WAIT_MAX = 60.0  # seconds between two of them
PAGE = 500  # rows, the most the API gives at once


class Failed(click.ClickException):
    """One line on stderr and an exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]  # click declares it of the class

    def show(self, _file: Any = None) -> None:
        click.echo(f"bucket: {self.message}", err=True)


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would hand the token to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Server:
    """url: without /api. token: kept out of what is printed. team: an id, for who is in several."""

    url: str
    token: str
    team: str | None = None

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self.ask("GET", path, query)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. Raises Failed. Asked again, up to TRIES times, only where the API says that nothing was
        done (429, 503 with Retry-After).
        """
        with self._open(method, path, query, body, headers) as answer:
            try:
                told = json.load(answer)
            except BROKEN as error:
                raise self._broken(error) from None
            except ValueError:
                told = None
        if not isinstance(told, dict) or not ("success" in told or path.startswith("/api/schema")):
            raise Failed(f"{self.url} answers, but not as the API does: is it the right address?", REFUSED)
        return told

    def save(self, path: str, query: Mapping[str, Any], into: BinaryIO, accept: str) -> None:
        """A file, piece by piece. Raises Failed where it is cut short."""
        with self._open("GET", path, query, None, {"Accept": accept}) as answer:
            while piece := self._piece(answer):
                into.write(piece)

    def _piece(self, answer: Any) -> bytes:
        try:
            return bytes(answer.read(1 << 16))
        except BROKEN as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> Failed:
        return Failed(f"{self.url} broke off its answer: {error}", AWAY)

    def rows(self, path: str, name: str, query: Mapping[str, Any], *, most: int | None = None) -> Iterator[Any]:
        """The rows of a list, page by page, `most` at most."""
        left, cursor = most, None
        while left is None or left > 0:
            asked = {**query, "limit": min(PAGE, left) if left is not None else PAGE, "cursor": cursor}
            page = self.get(path, asked)
            yield from page[name]
            cursor = page["nextCursor"]
            left = None if left is None else left - len(page[name])
            if cursor is None:
                return

    def _open(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: Mapping[str, str] | None
    ) -> Any:
        said = {name: value for name, value in (query or {}).items() if value is not None}
        if not path.startswith("/"):  # what follows the host may be another host
            raise Failed(f"{path!r}: a path such as /api/usage is needed.", 2)
        plain = quote(path, safe="/?&=%:,+;@~!$'()*[]")
        address = f"{self.url}{plain}" + (f"?{urlencode(said, doseq=True)}" if said else "")
        data = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Token {self.token}", "Accept": "application/json", **(headers or {})}
        if data is not None:
            given["Content-Type"] = "application/json"
        if self.team:
            given["X-Team"] = self.team
        for again in range(TRIES):
            try:
                request = Request(address, data=data, headers=given, method=method)  # noqa: S310  # checked in `server`
                return build_opener(_NoRedirects).open(request, timeout=PATIENCE)
            except HTTPError as error:
                wait = _wait(error)
                if wait is None or again == TRIES - 1:
                    raise _failed(error) from None
                time.sleep(wait)
            except (URLError, OSError, HTTPException) as error:
                reason = getattr(error, "reason", error)
                raise Failed(f"{self.url} cannot be reached: {reason}", AWAY) from None
        raise AssertionError("unreachable")


def _wait(error: HTTPError) -> float | None:
    said = error.headers.get("Retry-After", "")
    return min(float(said), WAIT_MAX) if error.code in (429, 503) and said.isdigit() else None


def _failed(error: HTTPError) -> Failed:
    """In the API's words; the request's id, where it was a fault of the server."""
    try:
        told = json.load(error)["error"]
        words, called = str(told["message"]), str(told.get("requestId", ""))
    except (ValueError, KeyError, TypeError):
        words, called = f"HTTP {error.code} {error.reason}", ""
    if error.code >= 500:
        return Failed(f"{words} (request {called})" if called else words, AWAY)
    return Failed(words, REFUSED)


def server(url: str | None, token: str | None, team: str | None) -> Server:
    """By the options, else BUCKET_URL, BUCKET_TOKEN and BUCKET_TEAM. A token leaves by https, or to this machine."""
    url = (url or os.environ.get("BUCKET_URL") or "http://127.0.0.1:8000").rstrip("/")
    token = token or os.environ.get("BUCKET_TOKEN")
    team = team or os.environ.get("BUCKET_TEAM")
    if not token:
        raise Failed("Set BUCKET_TOKEN to an API token: your profile page makes one (API tokens).", 2)
    for name, text in (("BUCKET_TOKEN is", token), ("--team is", team or "1")):
        if not (text.isascii() and text.isprintable() and " " not in text):
            raise Failed(f"{name} not as it was given out: there are blanks or strange letters in it.", 2)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    is_plain = url.isascii() and url.isprintable() and " " not in url and "@" not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or not is_plain:
        raise Failed(f"BUCKET_URL is no address of a web server: {url!r}", 2)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise Failed(f"{url}: a token does not leave this machine in clear. Use https.", 2)
    return Server(url, token, team)


def part(text: str) -> str:
    """What was typed, as one part of a path: it leads nowhere else."""
    if text in ("", ".", ".."):
        raise Failed(f"{text!r} is no id.", 2)
    return quote(text, safe="")


def ids_given(words: tuple[str, ...]) -> list[str]:
    """Ids as arguments; `-` or none at all: from stdin, one in each line or the `id` of JSON lines."""
    if words and words != ("-",):
        return list(words)
    if sys.stdin.isatty():
        raise Failed("Give ids, or pipe them in: one a line.", 2)
    found = []
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            text = line.decode().strip().lstrip("\ufeff")
            if text:
                found.append(str(json.loads(text)["id"]) if text.startswith("{") else text)
        except (ValueError, KeyError, TypeError):
            raise Failed(f"stdin, line {number}: neither an id nor a JSON object with an id.", 2) from None
    return found
