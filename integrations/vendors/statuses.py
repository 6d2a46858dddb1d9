"""What an HTTP answer means for money, and how to say so without a key or a person in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.contract import Answer
from integrations.vendors.errors import (
    Category,
    Evidence,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotSent,
    Rejected,
    ScopeRefused,
    VendorFailure,
)
from integrations.vendors.http import HttpRequest, HttpResponse

# Where the vendors put their words, the most telling first: RealEstateAPI `message` or `error`
# (docs/vendors/realestateapi.md 1.1), Apollo `error_message`, `error` or `message`
# (docs/vendors/apollo.md 3.3), SignalHouse `message` (docs/vendors/signalhouse.md 2.2).
_WORDS = ("message", "error_message", "errorMessage", "error", "statusMessage")
# No vendor's window is longer than a day; a longer Retry-After is a mistake that would stop everybody.
_RETRY_AFTER_MAX = 86_400.0
_DAILY = re.compile(r"\bdaily\b", re.IGNORECASE)
_CREDITS = re.compile(r"\bcredits?\b", re.IGNORECASE)
_PERSONAL = re.compile(r"[^\s\"'<>@()]+@[^\s\"'<>@()]+|\+?\d[\d\s().-]{5,}\d|\d{5,}")
_MESSAGE_MAX = 160
# An object, or a list of something JSON has; "[notice] closed" is neither. Nothing at all may be either, cut at once.
_JSON_BEGINS = re.compile(r"\s*($|\{\s*($|[\"}])|\[\s*($|[\[{\"\]\d-]|true|false|null))")


def raise_for_failure(
    response: HttpResponse,
    *,
    request: HttpRequest,
    vendor: str,
    paid: bool = True,
    status: int | None = None,
    batch: bool = False,
    now: datetime | None = None,
) -> None:
    """Raises the VendorFailure an answer stands for; returns where the status is 2xx.

    paid: what was asked for costs money, so a server error leaves in doubt whether it was bought. status overrides the
    HTTP status (RealEstateAPI repeats it in the body). batch: a batch endpoint, so a 403 is ScopeRefused. now: tests.
    What a 404 may say of the input is the vendor's own way of saying it: its client looks at that first.
    """
    status = response.status if status is None else status
    if 200 <= status < 300:
        return
    now = now or datetime.now(UTC)
    raise _failure(response, request=request, vendor=vendor, paid=paid, status=status, batch=batch, now=now)


def may_not_ask(failure: VendorFailure, response: HttpResponse, *, request: HttpRequest, vendor: str) -> VendorFailure:
    """The failure of a question on the side (a poll, the usage): a key that may buy need not be allowed to ask it."""
    if isinstance(failure, Misconfigured) and failure.status in (401, 403):
        words = _said(_clean(_words(response), request))
        return Misconfigured(f"{vendor}: this key may not ask ({failure.status}){words}", status=failure.status)
    return failure


# --- A 2xx that is no answer ------------------------------------------------------------------------------------------


def no_answer(
    response: HttpResponse, *, vendor: str, paid: bool, why: str = "", personal: bool = False
) -> InDoubt | Rejected:
    """A 2xx that does not parse, or (`why` says how) is not the vendor's envelope: whether it was billed is unknown.

    Where its body does not even begin as JSON, the base URL may lead elsewhere, and the InDoubt pauses the vendor. A
    free call has only failed. personal: the answer was to be about a person, so none of it is kept but length and hash.
    """
    strange = ""
    if not why:
        at = _breaks_at(response.body)
        strange = "" if _begins_as_json(response.body) else _kind(response.body)
        why = f"breaks off as JSON at character {at} ({len(response.body)} bytes)"
    reason = f"{vendor} answered {response.status}, and the answer {why}."
    if strange:
        why = f"is {strange} and no JSON"
        reason = f"{vendor} answered {response.status} with {strange} instead of data: check its base URL."
    if not paid:
        return Rejected(reason, status=response.status)
    evidence = Evidence.of(response.body, why, personal=personal)
    return InDoubt(reason, status=response.status, pauses=bool(strange), evidence=evidence)


def unusable(
    response: HttpResponse, *, vendor: str, why: str, personal: bool = False, units: Decimal | None = None
) -> Rejected:
    """The vendor's own envelope, which is billed, with a record that cannot be used. units: as `Rejected.units`."""
    return Rejected(
        f"{vendor} answered {response.status}, and the answer {why}.",
        status=response.status,
        charged=True,
        evidence=Evidence.of(response.body, why, personal=personal),
        units=units,
    )


def of_the_unusable(
    response: HttpResponse, answers: Iterable[Answer], *, why: str, personal: bool = False
) -> Evidence | None:
    """What is kept of an answer some of whose records cannot be used; None where there is no such answer."""
    if any(answer.category == Category.INVALID_DATA for answer in answers):
        return Evidence.of(response.body, why, personal=personal)
    return None


def _breaks_at(body: bytes) -> int:
    """The character where a body stops being JSON, counted from 0."""
    try:
        normalise.parse_json(body)
    except ValueError as error:
        return error.pos if isinstance(error, json.JSONDecodeError) else 0  # 0: nested too deeply
    return len(body)


def _begins_as_json(body: bytes) -> bool:
    """Whether it may be the beginning of the object or list that it was to be. An empty body may be: cut at byte 0."""
    start = body[:200].decode("utf-8-sig", errors="replace")
    return bool(_JSON_BEGINS.match(start))


def _kind(body: bytes) -> str:
    return "a web page" if re.match(rb"[\s\xef\xbb\xbf]*<", body) else "plain text"


# --- What a status means ----------------------------------------------------------------------------------------------


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds to wait by the Retry-After header, given in seconds or as an HTTP date; None where it says nothing.

    0 and a date in the past say nothing: taken at their word, the next request would leave at once and be refused.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
        return min(float(value), _RETRY_AFTER_MAX) or None
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), _RETRY_AFTER_MAX) or None


def message(response: HttpResponse, *, request: HttpRequest) -> str:
    """The vendor's own words, at most 160 characters, without anything that was sent or looks personal."""
    return _clean(_words(response), request)


def impersonal(words: str) -> str:
    """A vendor's words without numbers and addresses, at most 160 characters."""
    return _shortened(_PERSONAL.sub("…", words))


def _failure(
    response: HttpResponse,
    *,
    request: HttpRequest,
    vendor: str,
    paid: bool,
    status: int,
    batch: bool,
    now: datetime,
) -> VendorFailure:
    """The failure that a status outside 2xx stands for.

    1. 429: asked too often, with the vendor's time to wait, or until midnight where it speaks of a day.
    2. 502, 503, and any server error of a free call: nothing was bought.
    3. Any other server error, and 408: in doubt.
    4. 402, a word about credits, 401, 403, an answer from elsewhere: misconfigured.
    5. Any other status: the request is rejected.
    """
    said = _said(_clean(_words(response), request))
    words = " ".join(_texts(response))
    wait = retry_after(response.headers, now=now)
    if status == 429:
        if wait is None and _DAILY.search(words):
            wait = _until_midnight(now)
        return HeldBack(f"{vendor} is asked too often (429){said}", status=status, retry_after=wait)
    if status in (502, 503) or (not paid and (status >= 500 or status == 408)):
        return NotSent(f"{vendor} is not working ({status}){said}", status=status, retry_after=wait)
    if status >= 500 or status == 408:  # 408 from a proxy says nothing about the vendor behind it
        return InDoubt(f"{vendor} did not finish its answer ({status}){said}", status=status, server_error=True)
    if status == 402 or (status in (403, 422) and _CREDITS.search(words)):
        return Misconfigured(f"{vendor} wants to be paid first ({status}){said}", status=status)
    if status == 401:
        return Misconfigured(f"{vendor} refused the key (401){said}", status=status)
    if status == 403:
        kind = ScopeRefused if batch else Misconfigured
        return kind(f"{vendor} does not allow this to the key (403){said}", status=status)
    if reason := _elsewhere(response, vendor=vendor, status=status, said=said):
        return Misconfigured(reason, status=status)
    return Rejected(f"{vendor} does not accept the request ({status}){said}", status=status)


def _elsewhere(response: HttpResponse, *, vendor: str, status: int, said: str) -> str:
    """Why an answer comes from somewhere else than the vendor's endpoint; empty where it is the vendor's."""
    if 300 <= status < 400:
        return f"{vendor} points elsewhere ({status}), not followed: check its base URL."
    if status in (404, 410):
        return f"{vendor} has nothing at this address ({status}), check its base URL{said}"
    if status in (405, 421):  # its endpoints are all there for the methods we use, at the host it names
        return f"{vendor} takes no request at this address ({status}), check its base URL{said}"
    if status == 400 and _kind(response.body) == "a web page":
        return f"{vendor} answered 400 with a web page: check its base URL."
    return ""


def _until_midnight(now: datetime) -> float:
    """Seconds until the daily caps of RealEstateAPI start anew, at midnight UTC (docs/vendors/realestateapi.md 1.1)."""
    start = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (start + timedelta(days=1) - now).total_seconds()


def _words(response: HttpResponse) -> str:
    return next(_texts(response), "")


def _texts(response: HttpResponse) -> Iterator[str]:
    """Everything an answer says of itself, the most telling first."""
    try:
        body = normalise.mapping(response.json())
    except ValueError:
        text = response.body[:1000].decode("utf-8", errors="replace")
        body = {} if "<" in text else {_WORDS[0]: text}
    found = (normalise.text(body.get(name), limit=1000) for name in _WORDS if isinstance(body.get(name), str))
    yield from (words for words in found if words)


def _said(clean: str) -> str:
    return f": {clean}" if clean else "."


def _clean(words: str, request: HttpRequest) -> str:
    for value in sorted(set(_sent(request)), key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", words, flags=re.IGNORECASE)
    return _shortened(_PERSONAL.sub("…", words))


def _shortened(words: str) -> str:
    words = words.rstrip(" .")
    return (words[: _MESSAGE_MAX - 1] + "…" if len(words) >= _MESSAGE_MAX else words) + "." if words else ""


def _sent(request: HttpRequest) -> Iterator[str]:
    """Every value of a request long enough to tell something: a vendor may echo any of them."""
    keys = [value.removeprefix("Bearer ") for value in request.headers.values()]
    pending: list[Any] = [keys, dict(request.params), request.json, dict(request.form)]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, list | tuple):
            pending += value
        elif isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) >= 3:
            yield str(value)
