"""What an HTTP answer means for money, and how to say so without a key or a person in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from integrations import normalise
from integrations.errors import (
    Category,
    Evidence,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
    VendorFailure,
)
from integrations.http import HttpRequest, HttpResponse

# Where the vendors put their words, the most telling first: RealEstateAPI `message` or `error` (contracts.md 1.1),
# Apollo `error_message`, `error` or `message` (3.3), SignalHouse `message` (2.2).
_WORDS = ("message", "error_message", "errorMessage", "error", "statusMessage")
# No vendor's window is longer than a day; a longer Retry-After is a mistake that would stop everybody.
_RETRY_AFTER_MAX = 86_400.0
_DAILY = re.compile(r"\bdaily\b", re.IGNORECASE)
_CREDITS = re.compile(r"\bcredits?\b", re.IGNORECASE)
_PERSONAL = re.compile(r"[^\s\"'<>@()]+@[^\s\"'<>@()]+|\+?\d[\d\s().-]{5,}\d|\d{5,}")
_MESSAGE_MAX = 160


def raise_for_failure(
    response: HttpResponse,
    *,
    request: HttpRequest,
    vendor: str,
    status: int | None = None,
    batch: bool = False,
    now: datetime | None = None,
) -> None:
    """Raises the VendorFailure an answer stands for; returns where the status is 2xx.

    status overrides the HTTP status (RealEstateAPI repeats it in the body). batch: this was a batch door, so a 403 is
    ScopeRefused. now is for tests.
    """
    status = response.status if status is None else status
    if 200 <= status < 300:
        return
    raise _failure(response, request=request, vendor=vendor, status=status, batch=batch, now=now or datetime.now(UTC))


def unreadable(
    response: HttpResponse,
    *,
    vendor: str,
    charged: bool,
    why: str = "is not readable JSON",
    personal: bool = False,
) -> Rejected:
    """The Rejected for a 2xx that cannot be used. personal: of a charged one only length and hash are kept."""
    return Rejected(
        f"{vendor} answered {response.status}, and the answer {why}.",
        status=response.status,
        charged=charged,
        evidence=Evidence.of(response.body, why, personal=personal) if charged else None,
    )


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds to wait by the Retry-After header, given in seconds or as an HTTP date; None where it says nothing."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
        return min(float(value), _RETRY_AFTER_MAX)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), _RETRY_AFTER_MAX)


def message(response: HttpResponse, *, request: HttpRequest) -> str:
    """The vendor's own words, at most 160 characters, without anything that was sent or looks personal."""
    return _clean(_words(response), request)


def _failure(
    response: HttpResponse, *, request: HttpRequest, vendor: str, status: int, batch: bool, now: datetime
) -> VendorFailure:
    words = _words(response)
    said = f": {clean}" if (clean := _clean(words, request)) else "."
    wait = retry_after(response.headers, now=now)
    credits_gone = status in (402, 403, 422) and _CREDITS.search(words)
    if status == 429:
        if wait is None and _DAILY.search(words):
            wait = _until_midnight(now)
        return NotSent(
            f"{vendor} is asked too often (429){said}", status=status, category=Category.RATE_LIMITED, retry_after=wait
        )
    if status in (500, 502, 503):
        return NotSent(f"{vendor} is not working ({status}){said}", status=status, retry_after=wait)
    if credits_gone or status == 402:
        return Misconfigured(f"{vendor} wants to be paid first ({status}){said}", status=status)
    if status == 401:
        return Misconfigured(f"{vendor} refused the key (401){said}", status=status)
    if status == 403:
        kind = ScopeRefused if batch else Misconfigured
        return kind(f"{vendor} does not allow this to the key (403){said}", status=status)
    if status >= 500 or status == 408:  # 408 from a proxy says nothing about the vendor behind it
        return InDoubt(f"{vendor} did not finish its answer ({status}){said}", status=status)
    if status == 404:
        return _not_found(response, vendor=vendor, said=said, batch=batch)
    if 300 <= status < 400:
        return Rejected(f"{vendor} points elsewhere ({status}), not followed: check its base URL.", status=status)
    return Rejected(f"{vendor} does not accept the request ({status}){said}", status=status)


def _not_found(response: HttpResponse, *, vendor: str, said: str, batch: bool) -> Rejected:
    """A 404 in the vendor's own JSON is about the input; any other is about the address, and no lead's fault."""
    if not batch and _is_object(response):
        return Rejected(f"{vendor} knows nothing of this (404){said}", status=404, category=Category.NOT_FOUND)
    return Rejected(f"{vendor} has nothing at this address (404), check its base URL{said}", status=404)


def _is_object(response: HttpResponse) -> bool:
    try:
        return isinstance(response.json(), dict)
    except ValueError:
        return False


def _until_midnight(now: datetime) -> float:
    """Seconds until the daily caps of RealEstateAPI start anew, at midnight UTC (contracts.md 1.1)."""
    start = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (start + timedelta(days=1) - now).total_seconds()


def _words(response: HttpResponse) -> str:
    try:
        body = normalise.mapping(response.json())
    except ValueError:
        text = response.body[:1000].decode("utf-8", errors="replace")
        return "" if "<" in text else normalise.text(text) or ""
    found = (normalise.text(body.get(name), limit=1000) for name in _WORDS if isinstance(body.get(name), str))
    return next((words for words in found if words), "")


def _clean(words: str, request: HttpRequest) -> str:
    for value in sorted(set(_sent(request)), key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", words, flags=re.IGNORECASE)
    words = _PERSONAL.sub("…", words).rstrip(" .")
    return (words[: _MESSAGE_MAX - 1] + "…" if len(words) >= _MESSAGE_MAX else words) + "." if words else ""


def _sent(request: HttpRequest) -> Iterator[str]:
    """Every value of a request long enough to tell something: a vendor may echo any of them."""
    keys = [value.removeprefix("Bearer ") for value in request.headers.values()]
    pending: list[Any] = [keys, dict(request.params), request.json]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, list | tuple):
            pending += value
        elif isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) >= 3:
            yield str(value)
