"""SignalHouse's account, wire and messages. Contract: docs/vendors/signalhouse.md 2.2 to 2.6. Its calls: `voice`.

Its skip trace is another API with a key of its own (`integrations.vendors.signalhouse`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from integrations.naming.vendors import title
from integrations.vendors import credentials, normalise, statuses
from integrations.vendors.credentials import Account
from integrations.vendors.errors import Evidence, InDoubt, Misconfigured, Rejected, VendorFailure
from integrations.vendors.http import HttpRequest, HttpResponse
from integrations.vendors.incoming import number_of
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
from integrations.vendors.signalhouse_messaging import codes, posts

NAME = "signalhouse_messaging"
TITLE = title(NAME)
GROUP_VARIABLE = "SIGNALHOUSE_MESSAGING_GROUP"
PAGE, PAGES = 100, 500
_LISTS = ("data", "messages", "records", "notifications", "dncRecords", "docs", "items", "results")
# Which field of a record names who opted out is not in the public documents; these are looked at in this order.
_WHOSE = ("recipientPhoneNumber", "customerPhoneNumber", "contactPhoneNumber", "optOutPhoneNumber", "optedOutNumber")


def config() -> Account:
    """The account in the settings of this moment."""
    return credentials.from_settings(
        NAME, title=TITLE, address_variable="SIGNALHOUSE_MESSAGING_URL", key_variable="SIGNALHOUSE_MESSAGING_KEY"
    )


def send(message: Message) -> Sent:
    """One POST. See `messaging.send`. A repeat with the same token is answered with the first answer."""
    account = config()
    body = {
        "senderPhoneNumber": _digits(message.sender),
        "recipientPhoneNumber": [_digits(message.to)],
        "messageBody": message.text,
        "enableShortlink": False,
    }
    keyed = {**headers(account), "Idempotency-Key": str(message.token)}
    request = account.request("POST", "/message/sms", headers=keyed, json=body)
    response = account.send(request)
    check(account, request, response)
    answer = normalise.mapping(account.body(response, paid=True, personal=True))
    inserted = [one for one in normalise.sequence(answer.get("insertedMessages")) if isinstance(one, dict)]
    enqueued = normalise.integer(answer.get("enqueuedCount"), most=1000)
    if enqueued is None:
        raise statuses.no_answer(response, vendor=TITLE, paid=True, why="has no enqueuedCount", personal=True)
    if enqueued == 0:
        raise _blocked(answer, inserted, response)
    found = _found(inserted[0]) if len(inserted) == 1 else None
    if enqueued != 1 or found is None or not found.vendor_id:
        raise statuses.no_answer(response, vendor=TITLE, paid=True, why="names no single message", personal=True)
    return Sent(
        vendor_id=found.vendor_id,
        segments=found.segments,
        state="accepted" if found.kind == "failed" else found.kind,  # the count says that it was taken
        units=Decimal(message.segments),
        status=response.status,
    )


def find(message: Message, since: datetime, known: Collection[str]) -> Found | None:
    """The first message of this text to this number from this sender, made at `since` or later, not in `known`."""
    since = since.astimezone(UTC)
    until = max(since, datetime.now(UTC)) + timedelta(days=1)
    params = {
        **_group(),
        "startDate": iso(since.replace(microsecond=0)),
        "endDate": iso(until),
        "dateBounds": "exact",
        "senderPhoneNumber": _digits(message.sender),
        "recipientPhoneNumber": _digits(message.to),
        "direction": "OUTBOUND",
        "sortField": "createdAt",
        "sortOrder": "asc",
    }
    for one in _list("/message", params):
        found = _found(one)
        if one.get("messageBody") == message.text and found.vendor_id and found.vendor_id not in known:
            return found
    return None


def vendor_opt_outs(since: datetime) -> Iterator[VendorOptOut]:
    """Its list of do-not-contact records, of the campaigns and the whole account. One without a number raises Rejected,
    after all others.
    """
    unreadable, until = 0, max(since, datetime.now(UTC)) + timedelta(days=1)
    for one in _list("/message/dnc", {**_group(), "startDate": iso(since), "endDate": iso(until)}):
        number = next((number_of(one[name]) for name in _WHOSE if one.get(name)), "")
        if not number.startswith("+"):
            unreadable += 1
            continue
        yield VendorOptOut(
            number=number,
            ours=number_of(one.get("senderPhoneNumber") or one.get("phoneNumber")),
            words=normalise.text(one.get("optOutKeyword"), limit=40) or "",
            at=posts.moment(one.get("createdAt") or one.get("updatedAt") or one.get("timestamp")),
        )
    if unreadable:
        raise Rejected(f"{TITLE} lists {unreadable} opt-outs in a way we cannot read: nobody can tell whose they are.")


def notifications(since: datetime) -> Iterator[RawPost]:
    """Its durable record of the events it posts, written before it posts them.

    Their order is not documented: where the newest come first, a page of old ones is the last that is asked for.
    """
    for rows in _pages("/notification", _group()):
        moments = [posts.moment(one.get("timestamp")) for one in rows]
        yield from (posts.as_post(one) for one, at in zip(rows, moments, strict=True) if at is None or at >= since)
        known = [at for at in moments if at is not None]
        if known and known[0] >= known[-1] and len(known) == len(rows) and max(known) < since:
            return


def check_key() -> None:
    """Free: whether it takes the key, for this group. Raises a VendorFailure."""
    account = config()
    params = {**_group(), "limit": 1, "page": 1}
    free(account, account.request("GET", "/notification", headers=headers(account), params=params))


def _list(path: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The records of all pages."""
    for rows in _pages(path, params):
        yield from rows


def _pages(path: str, params: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """A page that is not full is the last, and one that is the same as before as well. Raises Rejected for too many."""
    account, before = config(), b""
    for page in range(1, PAGES + 1):
        asked = {**params, "page": page, "limit": PAGE}
        response = free(account, account.request("GET", path, headers=headers(account), params=asked))
        if response.body == before:
            return
        before = response.body
        answer = account.body(response, paid=False, personal=True)
        rows = answer if isinstance(answer, list) else _rows(answer)
        if rows is None:
            raise statuses.no_answer(response, vendor=TITLE, paid=False, why="has no list", personal=True)
        yield [one for one in rows if isinstance(one, dict)]
        if len(rows) < PAGE:
            return
    raise Rejected(f"{TITLE} has more than {PAGES * PAGE:,} records: ask for fewer days.")


def _rows(answer: object) -> list[Any] | None:
    found = normalise.mapping(answer)
    return next((found[name] for name in _LISTS if isinstance(found.get(name), list)), None)


def free(account: Account, request: HttpRequest) -> HttpResponse:
    """The answer to a request that costs nothing. Raises a VendorFailure."""
    response = account.send(request, paid=False)
    account.check(request, response, paid=False)
    return response


def check(account: Account, request: HttpRequest, response: HttpResponse) -> None:
    """Raises what an answer outside 2xx means.

    409: the key was used before, with another text as we understand it: then the first may have been sent.
    """
    failure: VendorFailure
    try:
        account.check(request, response)
        return
    except InDoubt as doubt:
        failure = only_in_doubt(doubt)
    except Rejected as rejected:
        code, words = str(response.status), rejected.reason
        if response.status == 409:
            failure = InDoubt(words, status=409)
        else:
            failure = _refused(codes.kind_of("", words), code, words, response.status)
    except Misconfigured as misconfigured:
        if response.status not in (401, 402, 403):
            raise
        code, words = str(response.status), misconfigured.reason
        kind = Kind.BALANCE if response.status == 402 else codes.kind_of("", words)
        if response.status == 403 and kind == Kind.PAUSED:  # of this sender's campaign, not of the key
            failure = _refused(kind, code, words, 403)
        else:
            kind = kind if kind == Kind.BALANCE else Kind.CONFIGURATION
            failure = AccountRefused(code=code, words=words, kind=kind, status=response.status)
    raise failure


def _blocked(answer: Mapping[str, Any], inserted: list[Any], response: HttpResponse) -> VendorFailure:
    """201, and nothing was sent: who refused, and why. In doubt where the counts do not say so."""
    if normalise.sequence(answer.get("dncBlockedNumbers")):
        return _refused(Kind.OPTED_OUT, "DNC", "On the vendor's do-not-contact list.", response.status)
    if normalise.sequence(answer.get("filteredNumbers")):
        return _refused(Kind.LANDLINE, "FILTERED", "A landline, or an inactive number.", response.status)
    found = _found(inserted[0]) if inserted else None
    if found is not None and found.kind == "failed":
        code = found.error or "FAILED"
        return _refused(found.refusal, code, found.words or "The vendor blocked it.", response.status)
    if normalise.integer(answer.get("failedCount"), most=1000):
        return _refused(None, "FAILED", "The vendor blocked it.", response.status)
    why = "says neither that it was sent nor that it was not"
    evidence = Evidence.of(response.body, why, personal=True)
    return InDoubt(f"{TITLE} answered {response.status}, and it {why}.", status=response.status, evidence=evidence)


def _refused(kind: Kind | None, code: str, words: str, status: int) -> MessageRefused:
    one = AccountRefused if kind == Kind.BALANCE else RecipientRefused
    return one(code=code, words=words, kind=kind or Kind.INVALID, status=status)


def _found(record: Mapping[str, Any]) -> Found:
    """A message record, whatever it lacks."""
    kind = posts.STATUSES.get(normalise.text(record.get("status"), limit=20) or "", "accepted")
    error, words = posts.failure_of(record) if kind == "failed" else ("", "")
    return Found(
        vendor_id=normalise.text(record.get("_id"), limit=80) or "",
        segments=normalise.integer(record.get("segmentCount"), least=1, most=1000),
        kind=kind,
        error=error,
        words=words,
        refusal=codes.kind_of(error, words) if kind == "failed" else None,
        at=posts.moment(record.get("createdAt")),
    )


def _group() -> dict[str, str]:
    group = settings.VENDORS[NAME].get("group", "").strip()
    if not group:
        raise Misconfigured(f"{GROUP_VARIABLE} is not set: {TITLE} cannot be asked what it knows.")
    return {"groupId": group}


def headers(account: Account) -> dict[str, str]:
    """The bearer token."""
    return {"Authorization": f"Bearer {account.key}"}


def _digits(number: str) -> str:
    """With the country code and without the plus: a bare ten-digit number is accepted and fails silently."""
    return number.removeprefix("+")


def iso(moment: datetime) -> str:
    """As its parameters have moments."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
