"""What providers post: whose it is, what became of e-mails, what came in. Read by anymail's own parsers, of the stored
bytes: they get a request made of these."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import EventType, RejectReason
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict

from integrations.vendors import normalise, statuses
from integrations.vendors.mail.messages import RawMail, TrackingEvent, TrackingKind
from integrations.vendors.mail.replies import code_of, kind_of
from integrations.vendors.messages import Kind, Unreadable

VENDOR = "mail"
RAW = "raw"  # an inbound post whose body is the e-mail itself: what a mail server of one's own can pipe
TRACKING = {
    "brevo": "Brevo", "mailersend": "MailerSend", "mailgun": "Mailgun", "mailjet": "Mailjet", "mailtrap": "Mailtrap",
    "mandrill": "Mandrill", "postal": "Postal", "postmark": "Postmark", "resend": "Resend", "sendgrid": "SendGrid",
    "sparkpost": "SparkPost",
}  # fmt: skip
# Whose inbound post holds the e-mail; the others' name an address to fetch it from.
INBOUND = frozenset({"mailersend", "mailgun", "mailjet", "postal", "postmark", "sendgrid", "sparkpost", RAW})
_WHOLE = {"mailgun": "body-mime", "sendgrid": "email"}  # the form's field with the e-mail as it came
_OF_FILES = frozenset({"attachments", "attachment-count", "attachment-info", "content-ids", "content-id-map"})
_KEY = {"mailersend": "signing_secret", "mailgun": "webhook_signing_key"}  # bytes, by HMAC
_KINDS = {
    EventType.QUEUED: TrackingKind.ACCEPTED,
    EventType.SENT: TrackingKind.ACCEPTED,
    EventType.REJECTED: TrackingKind.BOUNCED,
    EventType.FAILED: TrackingKind.BOUNCED,
    EventType.BOUNCED: TrackingKind.BOUNCED,
    EventType.DEFERRED: TrackingKind.DEFERRED,
    EventType.DELIVERED: TrackingKind.DELIVERED,
    EventType.OPENED: TrackingKind.OPENED,
    EventType.CLICKED: TrackingKind.CLICKED,
    EventType.COMPLAINED: TrackingKind.COMPLAINED,
    EventType.UNSUBSCRIBED: TrackingKind.UNSUBSCRIBED,
}
_SOFT = frozenset({"SoftBounce", "Transient", "blocked", "temporary"})
_HARD_REASONS = frozenset({RejectReason.BOUNCED, RejectReason.INVALID})
_ODD = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, AnymailError, ImproperlyConfigured,
    SuspiciousOperation, MultiPartParserError, OSError,
)  # fmt: skip  # what the parsers raise for a body of odd shape


# --- Whose it is ------------------------------------------------------------------------------------------------------


def is_signed(provider: str, headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> bool:
    """secrets: USER:PASSWORD of HTTP Basic, or a signing key of the provider. Raises KeyError for an unknown one."""
    if provider != RAW:
        TRACKING[provider]
    pairs = [one for one in secrets if ":" in one]
    keys = [one for one in secrets if ":" not in one]
    given = _basic(headers)
    if given and any(hmac.compare_digest(given.encode(), pair.encode()) for pair in pairs):
        return True
    return any(_is_signed_by(provider, headers, body, key) for key in keys)


def _basic(headers: Mapping[str, str]) -> str:
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given.strip(), validate=True).decode()
    except ValueError:
        return ""


def _is_signed_by(provider: str, headers: Mapping[str, str], body: bytes, key: str) -> bool:
    if provider == "sendgrid":
        return _is_signed_by_sendgrid(headers, body, key)
    if provider not in _KEY:
        return False
    view = _view(_tracking_class(provider), **{_KEY[provider]: key.encode()})
    try:
        view.validate_request(_request(headers, body))
    except (AnymailWebhookValidationFailure, *_ODD):
        return False
    return True


def _is_signed_by_sendgrid(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    from_settings = f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----"
    try:
        serialization = import_module("cryptography.hazmat.primitives.serialization")
        public = serialization.load_pem_public_key(from_settings.encode())
        _view(_tracking_class("sendgrid"), webhook_verification_key=public).validate_request(_request(headers, body))
    except (AnymailWebhookValidationFailure, *_ODD):
        return False
    return True


# --- What it says -----------------------------------------------------------------------------------------------------


def dedupe(provider: str, headers: Mapping[str, str], body: bytes) -> str:
    """Of the e-mail or event in it, where it says which; else of the bytes: a retry brings the same."""
    if provider == "mailgun":
        if headers.get("content-type", "").startswith("application/json"):
            event = normalise.mapping(normalise.mapping(_json(body)).get("event-data"))
            if isinstance(event.get("id"), str) and event["id"]:
                return f"mailgun:{event['id']}"[:128]
        elif whole := _field(headers, body, "body-mime"):  # each try is signed anew
            to = _field(headers, body, "recipient")
            return f"mailgun:{hashlib.sha256(f'{to}|{whole}'.encode(errors='replace')).hexdigest()}"
    return f"{provider}:{hashlib.sha256(body).hexdigest()}"


def tracking(provider: str, headers: Mapping[str, str], body: bytes) -> list[TrackingEvent] | Unreadable:
    TRACKING[provider]
    try:
        events = _view(_tracking_class(provider)).parse_events(_request(headers, body))
        return [read for event in events if (read := _event(event)) is not None]
    except _ODD as error:
        return Unreadable(
            VENDOR, f"{TRACKING[provider]} posted what is no event of an e-mail ({type(error).__name__})."
        )


def inbound(provider: str, headers: Mapping[str, str], body: bytes) -> RawMail | Unreadable:
    if provider == RAW:
        return RawMail(body) if body.strip() else Unreadable(VENDOR, "The post is empty.")
    if provider not in INBOUND:
        return Unreadable(VENDOR, "This provider's posts do not hold the e-mail itself.")
    try:
        request = _request(headers, body)
        if whole := _whole(provider, request, body):
            to, sender = _envelope(provider, request, body)
            return RawMail(whole, envelope_to=to, envelope_from=sender)
        events = _view(_inbound_class(provider)).parse_events(request)
        message = events[0].message
        return RawMail(
            message.as_bytes(),
            envelope_to=normalise.text(message.envelope_recipient, limit=254) or "",
            envelope_from=normalise.text(message.envelope_sender, limit=254) or "",
        )
    except _ODD as error:
        return Unreadable(VENDOR, f"{TRACKING[provider]} posted what is no e-mail ({type(error).__name__}).")


def _whole(provider: str, request: WSGIRequest, body: bytes) -> bytes:
    """The e-mail as it came, where the provider sends it along: a bounce's parts are lost in anymail's reading, which
    takes minutes for long headers.
    """
    if provider in _WHOLE:
        return str(request.POST.get(_WHOLE[provider], "")).encode(errors="surrogateescape")
    if provider == "postmark":
        given = normalise.mapping(_json(body)).get("RawEmail")
        return given.encode(errors="surrogateescape") if isinstance(given, str) else b""
    return b""


def _envelope(provider: str, request: WSGIRequest, body: bytes) -> tuple[str, str]:
    """To and from of SMTP, beside the e-mail as it came; "" where not told."""
    if provider == "mailgun":
        to, sender = request.POST.get("recipient"), request.POST.get("sender")
    elif provider == "sendgrid":
        said = normalise.mapping(_json(request.POST.get("envelope", "").encode(errors="replace")))
        to, sender = next(iter(normalise.sequence(said.get("to"))), ""), said.get("from")
    else:
        to, sender = normalise.mapping(_json(body)).get("OriginalRecipient"), ""
    return normalise.text(to, limit=254) or "", normalise.text(sender, limit=254) or ""


def _event(event: Any) -> TrackingEvent | None:
    kind = _KINDS.get(event.event_type)
    if kind is None:
        return None
    said = " ".join(one for one in (event.mta_response, event.description) if isinstance(one, str))
    code = _code(event.esp_event, said)
    at = event.timestamp if isinstance(event.timestamp, datetime) else None
    return TrackingEvent(
        kind=kind,
        message_id=normalise.text(event.message_id, limit=255) or "",
        token=_token(event.metadata),
        code=code[:60],
        words=statuses.impersonal(said),
        at=at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at,
        event_id=normalise.text(event.event_id, limit=128) or "",
        recipient=normalise.text(event.recipient, limit=254) or "",
        is_hard=kind == TrackingKind.BOUNCED and _is_hard(event, code),
        url=normalise.text(event.click_url, limit=2000) or "",
        user_agent=normalise.text(event.user_agent, limit=300) or "",
    )


def _code(raw: Any, said: str) -> str:
    """A status by the provider's field for it, else out of the server's words."""
    fields = normalise.mapping(raw)
    delivery = normalise.mapping(normalise.mapping(fields.get("event-data")).get("delivery-status"))
    for given in (fields.get("status"), delivery.get("enhanced-code"), said, delivery.get("code")):
        if code := code_of(str(given or "")):
            return code
    return ""


def _is_hard(event: Any, code: str) -> bool:
    """Whether nobody has the address: by status, where it says anything; else by the provider's own word."""
    fields = normalise.mapping(event.esp_event)
    if {fields.get("Type"), fields.get("type")} & _SOFT:
        return False
    known = kind_of(code) if code not in ("5.0.0", "5.1.0") else None
    return known == Kind.BAD_ADDRESS if known is not None else event.reject_reason in _HARD_REASONS


def _token(metadata: Any) -> UUID | None:
    given = normalise.mapping(metadata).get("delivery")
    try:
        return UUID(str(given)) if given else None
    except ValueError:
        return None


# --- A request out of what was stored ---------------------------------------------------------------------------------


def _request(headers: Mapping[str, str], body: bytes) -> WSGIRequest:
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    kind = headers.get("content-type", "")
    request: Any = WSGIRequest({
        **named,
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
    })  # fmt: skip
    request._body = body  # noqa: SLF001  # how long it may be is decided where it came in
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and kind.startswith("multipart/form-data"):
        request._post, request._files = _fields(kind, body), MultiValueDict()  # noqa: SLF001
    return request  # type: ignore[no-any-return]


def _fields(kind: str, body: bytes) -> QueryDict:
    """Of a form that is longer than Django reads: its fields, without files, nor fields that tell of files."""
    found = QueryDict(mutable=True)
    form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode(errors="replace") + body, policy=compat32)
    parts = form.get_payload()
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, Message):
            continue
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if (
            isinstance(name, str)
            and name not in _OF_FILES
            and part.get_filename() is None
            and isinstance(content, bytes)
        ):
            found.appendlist(name, content.decode(errors="replace"))
    return found


@cache
def _tracking_class(provider: str) -> Any:
    name = "MandrillCombinedWebhookView" if provider == "mandrill" else f"{TRACKING[provider]}TrackingWebhookView"
    return getattr(import_module(f"anymail.webhooks.{provider}"), name)


@cache
def _inbound_class(provider: str) -> Any:
    return getattr(import_module(f"anymail.webhooks.{provider}"), f"{TRACKING[provider]}InboundWebhookView")


def _view(kind: Any, **fields: Any) -> Any:
    """A view to parse with, without its settings: our own check of who posted comes first."""
    view = kind.__new__(kind)
    view.basic_auth = []
    for name, value in fields.items():
        setattr(view, name, value)
    return view


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _field(headers: Mapping[str, str], body: bytes, name: str) -> str:
    try:
        return str(_request(headers, body).POST.get(name, ""))
    except _ODD:
        return ""
