"""E-mail by a provider's HTTP API: anymail writes the request and reads the answer; our client sends it, and knows
whether a byte has left.

How an answer counts: 429, 502, 503 not sent; 408, 500, 504, other 5xx and a 2xx that cannot be read in doubt; 401 to
403 the account's; another 4xx this e-mail's.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any

from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailError,
    AnymailNotSupportedWarning,
    AnymailRecipientsRefused,
)
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from common.values.mail_urls import MailPlace
from integrations.vendors import http, normalise, statuses
from integrations.vendors.errors import (
    Evidence,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotSent,
    VendorFailure,
)
from integrations.vendors.http import OneTry
from integrations.vendors.mail.messages import Mail
from integrations.vendors.mail.replies import code_of
from integrations.vendors.messages import AccountRefused, Kind, RecipientRefused

# anymail's word for SendGrid, whose account its makers lost; it works, and is tested here
warnings.filterwarnings("ignore", category=AnymailNotSupportedWarning)

TITLES = {
    "brevo": "Brevo", "mailersend": "MailerSend", "mailgun": "Mailgun", "mailjet": "Mailjet", "mailtrap": "Mailtrap",
    "mandrill": "Mandrill", "postal": "Postal", "postmark": "Postmark", "resend": "Resend", "sendgrid": "SendGrid",
    "sparkpost": "SparkPost",
}  # fmt: skip
_KEY = {"mailersend": "api_token", "mailtrap": "api_token", "postmark": "server_token"}  # else api_key
# Codes of Postmark's 422 (its API's error list): of the sender's signature; of the account
_POSTMARK_SENDER = frozenset({"400", "401"})
_POSTMARK_MONEY = frozenset({"405"})
_POSTMARK_ACCOUNT = frozenset({"10", "403", "411", "412", "413"})
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)  # of anymail's parsers, for an answer of odd shape


def send(place: MailPlace, mail: Mail) -> str:
    """The provider's id of it. Raises as `mail.send`."""
    backend = _backend(place)
    message = _message(place, mail)
    failed: VendorFailure
    try:
        backend.send_messages([message])
        status = message.anymail_status  # type: ignore[attr-defined]  # anymail adds it
        if not status.status or status.status <= {"failed"}:
            failed = _refused(backend.session_used, "The provider could not send it.")
        else:
            return str(status.message_id or "")
    except VendorFailure as known:
        failed = known
    except AnymailConfigurationError:
        failed = Misconfigured("CAMPAIGN_EMAIL_URL does not have what this provider needs.")
    except (AnymailError, *_UNREADABLE) as error:
        failed = _failure(place, backend.session_used, is_refusal=isinstance(error, AnymailRecipientsRefused))
    raise failed from None


class _Backend:
    """What is ours of each backend: the session, of which the last answer is kept."""

    session_used: _Session

    def create_session(self) -> _Session:
        self.session_used = _Session()
        return self.session_used


class _Session(OneTry):
    def __init__(self) -> None:
        super().__init__(
            connect_timeout=settings.VENDOR_CONNECT_TIMEOUT,
            read_timeout=settings.VENDOR_READ_TIMEOUT,
            deadline=settings.VENDOR_DEADLINE,
            max_bytes=settings.VENDOR_MAX_BYTES,
        )
        self.answer: http.HttpResponse | None = None

    def send(self, request: Any, **more: Any) -> Any:
        response = super().send(request, **more)
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.answer = http.HttpResponse(response.status_code, headers, response.content)
        return response


@cache
def _class(kind: str) -> Any:
    return type(f"{TITLES[kind]}Backend", (_Backend, import_module(f"anymail.backends.{kind}").EmailBackend), {})


def _backend(place: MailPlace) -> Any:
    given: dict[str, Any] = {
        _KEY.get(place.kind, "api_key"): place.user,
        "ignore_unsupported_features": True,
        "debug_api_requests": False,
        **({"api_url": place.api_url} if place.api_url else {}),
        **({"sender_domain": place.host} if place.kind == "mailgun" else {}),
        **({"secret_key": place.password} if place.kind == "mailjet" else {}),
    }
    return _class(place.kind)(**given)


def _message(place: MailPlace, mail: Mail) -> EmailMultiAlternatives:
    """Its headers have been composed by `email.policy` before."""
    quoted = mail.sender_name.replace("\\", "\\\\").replace('"', '\\"')
    headers = {"Message-ID": mail.message_id, **mail.headers}
    if place.kind == "postmark":
        headers["X-PM-KeepID"] = "true"  # else it gives a Message-ID of its own
    message = EmailMultiAlternatives(
        mail.subject, mail.text, f'"{quoted}" <{mail.sender}>', [mail.to], headers=headers,
        reply_to=[mail.reply_to] if mail.reply_to else None,
    )  # fmt: skip
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    if mail.calendar:
        message.attach("invite.ics", mail.calendar, mail.calendar_type)
    message.metadata = {"delivery": mail.token.hex}  # type: ignore[attr-defined]
    message.track_opens = message.track_clicks = False  # type: ignore[attr-defined]  # links are ours
    return message


def _failure(place: MailPlace, session: _Session, *, is_refusal: bool) -> VendorFailure:
    """What an answer stands for that anymail did not take for a yes."""
    answer, title = session.answer, TITLES[place.kind]
    if answer is None:  # before a request was made of it
        return RecipientRefused(
            code="message", words="This e-mail cannot be written for the provider.", kind=Kind.INVALID
        )
    code, said = _said(answer)
    reason = f"{title} answered {answer.status}{f': {said}' if said else '.'}"
    named: dict[str, Any] = {"code": code or str(answer.status), "words": reason, "status": answer.status}
    status = answer.status
    if is_refusal:
        return RecipientRefused(kind=Kind.BAD_ADDRESS, **named)
    if 200 <= status < 300:
        evidence = Evidence.of(answer.body, "is not what it answers to a sending", personal=True)
        return InDoubt(f"{title} answered {status}, and the answer cannot be read.", status=status, evidence=evidence)
    if status in (429, 502, 503):
        wait = statuses.retry_after(answer.headers, now=datetime.now(UTC))
        return (HeldBack if status == 429 else NotSent)(reason, status=status, retry_after=wait)
    if status == 408 or status >= 500:
        return InDoubt(f"{title} did not finish its answer ({status}).", status=status)
    if status in (404, 405, 410, 421) or 300 <= status < 400:
        return Misconfigured(
            f"{title} takes no e-mail at this address ({status}): check CAMPAIGN_EMAIL_URL.", status=status
        )
    if status == 402 or (place.kind == "postmark" and code in _POSTMARK_MONEY):
        return AccountRefused(kind=Kind.BALANCE, **named)
    if status in (401, 403) or (place.kind == "postmark" and code in _POSTMARK_ACCOUNT):
        return AccountRefused(kind=Kind.CONFIGURATION, **named)
    if place.kind == "postmark" and code in _POSTMARK_SENDER:
        return RecipientRefused(kind=Kind.CONFIGURATION, **named)
    return RecipientRefused(kind=Kind.CONTENT if status == 413 else Kind.INVALID, **named)


def _refused(session: _Session, words: str) -> RecipientRefused:
    status = session.answer.status if session.answer else None
    return RecipientRefused(code="failed", words=words, kind=Kind.INVALID, status=status)


def _said(answer: http.HttpResponse) -> tuple[str, str]:
    """The provider's own code and its words, without a person in them. "" where it says none."""
    try:
        body = answer.json()
    except ValueError:
        return "", ""
    body = body[0] if isinstance(body, list) and body else body
    found: Mapping[str, Any] = normalise.mapping(body)
    errors = normalise.sequence(found.get("errors"))
    first = normalise.mapping(errors[0]) if errors else {}
    words = next(
        (one for one in (found.get("Message"), found.get("message"), first.get("message"), found.get("error"))
         if isinstance(one, str)), "",
    )  # fmt: skip
    code = found.get("ErrorCode", found.get("code", ""))
    code = str(code) if isinstance(code, str | int) and re.fullmatch(r"[\w.-]{1,40}", str(code)) else ""
    return code if code not in ("", "0") else code_of(words), statuses.impersonal(words)
