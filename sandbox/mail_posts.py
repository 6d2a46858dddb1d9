"""What the made-up providers post: tracking in three shapes with their authentication, and e-mails that come in, also
into the made-up mailbox (IMAP). Fields: anymail's own tests of these providers' posts."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.imap import ImapStore
from sandbox.mail_scripts import MailScript
from sandbox.outbox import Outbox, Post
from sandbox.wire import Json

SENDGRID_KEY = ec.derive_private_key(0x5A4DB0C5, ec.SECP256R1())  # made up, for posts on this machine
_MTA = {
    "bounce": ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist"),
    "unknown-bounce": ("", "mail could not be delivered"),
    "full": ("5.2.2", "552 5.2.2 Mailbox full"),
    "blocked": ("5.7.1", "550 5.7.1 Message rejected by our policy"),
    "delayed": ("4.4.1", "451 4.4.1 connection timed out"),
}


def sendgrid_public_key() -> str:
    """As SendGrid shows it: base64 of its DER, without lines around it."""
    der = SENDGRID_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


class Mailed(Protocol):
    """What is needed of an e-mail that was taken."""

    @property
    def id(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def token(self) -> str: ...


class MailPosts:
    """basic: USER:PASSWORD of posts with HTTP Basic. signing_key: Mailgun's. inbound: how an e-mail comes in, where it
    was not sent by a provider."""

    def __init__(self, outbox: Outbox, store: ImapStore, *, base: str, basic: str, signing_key: str) -> None:
        self.outbox, self.store, self.base, self.inbound = outbox, store, base, "mailgun"
        self._basic, self._signing_key = basic, signing_key

    # --- Tracking -----------------------------------------------------------------------------------------------------

    def track(self, mailed: Mailed, what: str, script: MailScript) -> None:
        """What became of it, by its provider; scripted: delivered, bounce, complaint and so on."""
        bodies = {"postmark": _postmark, "sendgrid": _sendgrid, "mailgun": _mailgun}
        event = bodies[mailed.provider](mailed, what)
        if event is not None:
            self._post(mailed.provider, "tracking", event, "application/json", script)

    # --- What comes in ------------------------------------------------------------------------------------------------

    def bring(self, raw: bytes, *, to: str, sender: str, script: MailScript, inbound: str = "") -> None:
        """An e-mail comes in to one of our addresses."""
        shape = inbound or ("imap" if "imap" in script.posts else self.inbound)
        text = raw.decode("utf-8", "surrogateescape")
        if shape == "imap":
            self.store.add(raw)
        elif shape == "raw":
            self._post("raw", "inbound", raw, "message/rfc822", script)
        elif shape == "postmark":
            told = {"From": sender, "OriginalRecipient": to, "MessageID": str(uuid4()), "RawEmail": text,
                    "Headers": [{"Name": "Return-Path", "Value": f"<{sender}>"}]}  # fmt: skip
            self._post("postmark", "inbound", told, "application/json", script)
        elif shape == "sendgrid":
            envelope = json.dumps({"to": [to], "from": sender})
            form = {"email": text, "envelope": envelope, "to": to, "from": sender, "charsets": '{"to":"UTF-8"}'}
            self._post("sendgrid", "inbound", form, "application/x-www-form-urlencoded", script)
        else:
            form = {"recipient": to, "sender": sender, "body-mime": text}
            self._post("mailgun", "inbound", form, "application/x-www-form-urlencoded", script)

    def _post(self, provider: str, door: str, told: Any, kind: str, script: MailScript) -> None:
        base = script.callback or self.base
        if not base:
            return
        times = 2 if "twice" in script.posts else 1
        for _ in range(times):
            body = told if isinstance(told, bytes) else self._body(provider, told, kind)
            sign = self._signer(provider, door, kind, body, is_signed="unsigned" not in script.posts)
            url = f"{base}/api/webhooks/mail/{provider}/{door}"
            self.outbox.deliver(
                Post(
                    vendor="mail",
                    what=f"{provider} {door}",
                    url=url,
                    body=body,
                    sign=sign,
                    timeout=10.0,
                    waits=(1.0, 3.0),
                    retried=lambda status: status is None or status >= 500 or status == 429,
                )
            )

    def _body(self, provider: str, told: Any, kind: str) -> bytes:
        if provider == "mailgun":
            moment, token = str(int(time.time())), uuid4().hex
            digest = hmac.new(self._signing_key.encode(), (moment + token).encode(), hashlib.sha256).hexdigest()
            signature = {"timestamp": moment, "token": token, "signature": digest}
            told = {**told, **signature} if "body-mime" in told else {"signature": signature, **told}
        if kind == "application/json":
            return json.dumps(told).encode()
        return urlencode(told, errors="surrogateescape").encode()

    def _signer(self, provider: str, door: str, kind: str, body: bytes, *, is_signed: bool) -> Any:
        def sign() -> Mapping[str, str]:
            headers = {"Content-Type": kind}
            if not is_signed:
                return headers
            if provider == "sendgrid" and door == "tracking":
                moment = str(int(time.time()))
                signed = SENDGRID_KEY.sign(moment.encode() + body, ec.ECDSA(hashes.SHA256()))
                return headers | {
                    "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
                    "X-Twilio-Email-Event-Webhook-Timestamp": moment,
                }
            if provider != "mailgun":  # its signature is in the body
                headers["Authorization"] = f"Basic {base64.b64encode(self._basic.encode()).decode()}"
            return headers

        return sign


# --- Shapes -----------------------------------------------------------------------------------------------------------


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _postmark(mailed: Mailed, what: str) -> Json | None:
    common: Json = {"MessageID": mailed.id, "Metadata": {"delivery": mailed.token}, "ServerID": 23, "Tag": ""}
    if what == "delivered":
        details = "Test delivery webhook details"
        return common | {"RecordType": "Delivery", "Recipient": mailed.to, "DeliveredAt": _now(), "Details": details}
    if what == "open":
        return common | {"RecordType": "Open", "Recipient": mailed.to, "ReceivedAt": _now(), "FirstOpen": True,
                         "UserAgent": "Mozilla/5.0", "Platform": "Desktop", "Client": {}, "OS": {}}  # fmt: skip
    if what == "unsubscribe":
        return common | {"RecordType": "SubscriptionChange", "Recipient": mailed.to, "ChangedAt": _now(),
                         "SuppressSending": True, "SuppressionReason": "ManualSuppression"}  # fmt: skip
    kinds: dict[str, tuple[str, int]]
    kinds = {"bounce": ("HardBounce", 1), "unknown-bounce": ("Unknown", 4096), "full": ("SoftBounce", 4096),
             "blocked": ("Blocked", 4096), "delayed": ("Transient", 2), 
             "complaint": ("SpamComplaint", 512)}  # fmt: skip
    if what not in kinds:
        return None
    kind, number = kinds[what]
    return common | {
        "RecordType": "SpamComplaint" if what == "complaint" else "Bounce", "ID": int(mailed.id[:8], 16), "Type": kind,
        "TypeCode": number, "Name": kind, "Description": "", "Email": mailed.to, "From": "", "BouncedAt": _now(),
        "Details": _MTA.get(what, ("", ""))[1], "Inactive": what == "bounce", "CanActivate": True, "Subject": "",
    }  # fmt: skip


def _sendgrid(mailed: Mailed, what: str) -> list[Json] | None:
    names = {"delivered": "delivered", "open": "open", "unsubscribe": "unsubscribe", "complaint": "spamreport",
             "delayed": "deferred", "bounce": "bounce", "unknown-bounce": "bounce", "full": "bounce",
             "blocked": "bounce"}  # fmt: skip
    if what not in names:
        return None
    status, said = _MTA.get(what, ("", ""))
    event: Json = {
        "email": mailed.to, "timestamp": int(time.time()), "event": names[what], "sg_event_id": uuid4().hex[:22],
        "sg_message_id": f"{mailed.id}.filter0001", "smtp-id": f"<{mailed.id}@ismtpd>", "delivery": mailed.token,
        "anymail_id": mailed.id,
    }  # fmt: skip
    if names[what] == "bounce":
        event |= {"reason": said, "type": "blocked" if what == "blocked" else "bounce"} | (
            {"status": status} if status else {}
        )
    elif what == "delayed":
        event |= {"response": said, "attempt": "1"}
    return [event]


def _mailgun(mailed: Mailed, what: str) -> Json | None:
    names = {"delivered": "delivered", "open": "opened", "unsubscribe": "unsubscribed", "complaint": "complained",
             "delayed": "failed", "bounce": "failed", "unknown-bounce": "failed", "full": "failed",
             "blocked": "failed"}  # fmt: skip
    if what not in names:
        return None
    status, said = _MTA.get(what, ("", ""))
    data: Json = {
        "event": names[what], "id": uuid4().hex[:22], "timestamp": time.time(), "recipient": mailed.to,
        "user-variables": {"delivery": mailed.token}, "tags": [], "message": {"headers": {"message-id": mailed.id}},
    }  # fmt: skip
    if names[what] == "failed":
        code = int(said[:3]) if said[:3].isdigit() else 550
        data |= {
            "severity": "temporary" if what == "delayed" else "permanent", "reason": "bounce",
            "delivery-status": {"code": code, "message": said, "description": "", "enhanced-code": status},
        }  # fmt: skip
    return {"event-data": data}
