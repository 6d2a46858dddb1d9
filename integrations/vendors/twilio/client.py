"""Twilio's account and wire, and its messages. Contract: docs/vendors/twilio.md. Its calls: `twilio.voice`."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.naming.vendors import title
from integrations.vendors import credentials, normalise, statuses
from integrations.vendors.credentials import Account
from integrations.vendors.errors import InDoubt, Misconfigured, Rejected, VendorFailure
from integrations.vendors.http import HttpRequest, HttpResponse
from integrations.vendors.messages import (
    AccountRefused,
    Found,
    Kind,
    Message,
    MessageRefused,
    RawPost,
    RecipientRefused,
    Sent,
    VendorOptOut,
    only_in_doubt,
)
from integrations.vendors.twilio import codes, posts

TITLE = title("twilio")
VERSION = "/2010-04-01/Accounts"
VALID_MOST = 36_000  # seconds: ten hours, its own limit and what it takes without one
PAGE = 50
PAGES = 5  # of the messages to one number: more than anybody gets in a day
LIST_PAGE, LIST_PAGES = 1000, 200
_SID = re.compile(r"[A-Za-z0-9]{10,64}", re.ASCII)


def config() -> Account:
    """The account in the settings of this moment."""
    return credentials.from_settings(
        "twilio",
        title=TITLE,
        address_variable="TWILIO_BASE_URL",
        key_variable="TWILIO_AUTH_TOKEN",
        account_variable="TWILIO_ACCOUNT_SID",
    )


def send(message: Message) -> Sent:
    """One POST. See `messaging.send`. There is no idempotency key: a repeat is another message."""
    account = config()
    service = message.sender.startswith("MG")
    form = {
        "To": message.to,
        "MessagingServiceSid" if service else "From": message.sender,
        "Body": message.text,
        **({"StatusCallback": message.callback_url} if message.callback_url else {}),
        **({} if message.valid_seconds is None else {"ValidityPeriod": str(_validity(message.valid_seconds))}),
    }
    request = account.request("POST", f"{path(account)}/Messages.json", headers=headers(account), form=form)
    response = account.send(request)
    check(account, request, response)
    body = normalise.mapping(account.body(response, paid=True, personal=True))
    sid = body.get("sid")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise statuses.no_answer(response, vendor=TITLE, paid=True, why="has no sid", personal=True)
    found = _found(body)
    if found.kind in ("failed", "undelivered"):
        raise _refused(found.error, found.words, response.status)
    return Sent(
        vendor_id=sid,
        segments=found.segments,
        state=found.kind,
        units=Decimal(message.segments),
        status=response.status,
    )


def find(message: Message, since: datetime, known: Collection[str]) -> Found | None:
    """The first message of this text to this number from this sender, made at `since` or later, that is not in `known`.

    Not by its date of sending: one that still waits has none.
    """
    since = since.astimezone(UTC).replace(microsecond=0)  # its dates have whole seconds
    by_service = message.sender.startswith("MG")
    params = {"To": message.to, "PageSize": PAGE, **({} if by_service else {"From": message.sender})}
    best: Found | None = None
    for one in _list(params, pages=PAGES):
        found = _found(one)
        if found.at is None or found.at < since:
            if found.at is not None:  # the newest come first
                break
            continue
        if one.get("body") != message.text or one.get("to") != message.to or found.vendor_id in known:
            continue
        if one.get("messaging_service_sid" if by_service else "from") == message.sender:
            best = found
    return best


def vendor_opt_outs(_since: datetime) -> Iterator[VendorOptOut]:
    """Twilio lists none: who has opted out is told by the next message to them (21610)."""
    yield from ()


def notifications(since: datetime) -> Iterator[RawPost]:
    """Messages since the day of `since`, theirs and ours, as the posts they were: it keeps no record of its posts."""
    day = since.astimezone(UTC).date().isoformat()
    for one in _list({"DateSent>": day, "PageSize": LIST_PAGE}, pages=LIST_PAGES):
        post = posts.as_post(one)
        if post is not None:
            yield post


def account_status() -> str:
    """Free: whether it takes the key; active, suspended, closed. Raises a VendorFailure."""
    account = config()
    request = account.request("GET", f"{path(account)}.json", headers=headers(account))
    body = free(account, request)
    return normalise.text(body.get("status"), limit=20) or ""


def _list(params: Mapping[str, Any], *, pages: int) -> Iterator[Mapping[str, Any]]:
    """Messages, the newest first."""
    account = config()
    place, asked = f"{path(account)}/Messages.json", dict(params)
    for _ in range(pages):
        body = free(account, account.request("GET", place, headers=headers(account), params=asked))
        yield from (one for one in normalise.sequence(body.get("messages")) if isinstance(one, dict))
        following = body.get("next_page_uri")
        if not isinstance(following, str) or not following.startswith(f"{VERSION}/"):
            return
        place, asked = following, {}


def free(account: Account, request: HttpRequest) -> Mapping[str, Any]:
    """The answer to a request that costs nothing. Raises a VendorFailure."""
    response = account.send(request, paid=False)
    account.check(request, response, paid=False)
    return normalise.mapping(account.body(response, paid=False, personal=True))


def check(account: Account, request: HttpRequest, response: HttpResponse) -> None:
    """Raises what an answer outside 2xx means; a refusal of the message or call, or of the account, with its code."""
    code = posts.code_of(_body(response).get("code"))
    failure: VendorFailure
    try:
        account.check(request, response)
        return
    except InDoubt as doubt:
        failure = only_in_doubt(doubt)
    except Rejected as rejected:
        failure = _refused(code or str(response.status), rejected.reason, response.status)
    except Misconfigured as misconfigured:
        if response.status not in (401, 402, 403):
            raise
        kind = Kind.BALANCE if response.status == 402 else codes.kind_of(code) or Kind.CONFIGURATION
        code = code or str(response.status)
        failure = AccountRefused(code=code, words=misconfigured.reason, kind=kind, status=response.status)
    raise failure


def _refused(code: str, words: str, status: int) -> MessageRefused:
    kind = codes.kind_of(code) or Kind.INVALID
    one = AccountRefused if code in codes.OF_THE_ACCOUNT else RecipientRefused
    return one(code=code, words=words, kind=kind, status=status)


def _found(resource: Mapping[str, Any]) -> Found:
    """A message resource, whatever it lacks."""
    kind = posts.KINDS.get(normalise.text(resource.get("status"), limit=30) or "", "accepted")
    code = posts.code_of(resource.get("error_code")) if kind in ("failed", "undelivered") else ""
    return Found(
        vendor_id=normalise.text(resource.get("sid"), limit=80) or "",
        segments=normalise.integer(resource.get("num_segments"), most=1000) or None,  # "0": not counted yet
        kind=kind,
        error=code,
        words=statuses.impersonal(normalise.text(resource.get("error_message"), limit=1000) or ""),
        refusal=codes.kind_of(code),
        at=posts.rfc_2822(resource.get("date_created")),
    )


def _validity(seconds: int) -> int:
    return max(1, min(VALID_MOST, seconds))


def path(account: Account) -> str:
    """Of everything the account has."""
    return f"{VERSION}/{account.account}"


def headers(account: Account) -> dict[str, str]:
    """HTTP Basic."""
    pair = base64.b64encode(f"{account.account}:{account.key}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _body(response: HttpResponse) -> Mapping[str, Any]:
    try:
        return normalise.mapping(response.json())
    except ValueError:
        return {}
