"""What comes back to an e-mail: bounces (RFC 3464), complaints (RFC 5965), automatic answers (RFC 3834), replies."""

from datetime import datetime
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any

_BOUNCES = {  # action, status, what the server said; a status "" is not told
    "bounce": ("failed", "5.1.1", "550 5.1.1 The email account that you tried to reach does not exist"),
    "unknown-bounce": ("failed", "", "mail could not be delivered"),
    "full": ("failed", "5.2.2", "552 5.2.2 Mailbox full"),
    "blocked": ("failed", "5.7.1", "550 5.7.1 Message rejected by our policy"),
    "delayed": ("delayed", "4.4.1", "connection timed out"),
    "forged": ("failed", "5.1.1", "550 5.1.1 No such user"),
}
WORDS = {
    "reply": "Who is this, and how did you get my address?",
    "alias": "Yes, I might sell. Call me next week.",
    "stop": "Please take me off your list.",
    "away": "I am out of the office. Back on 5 October.",
    "copy": "(our own copy)",
}
EXAMPLE = "example.com"


def answer(what: str, ours: Message, *, to: str, envelope: str, now: datetime, words: str = "") -> bytes:
    """The e-mail that comes of ours. to: whom it went to. envelope: where bounces of it go. Raises KeyError."""
    if what in _BOUNCES:
        return _bounce(what, ours, to=to, envelope=goes_to(what, ours, envelope), now=now)
    if what == "complaint":
        return _complaint(ours, to=to, envelope=envelope, now=now)
    return _reply(what, ours, to=to, now=now, words=words or WORDS[what])


def goes_to(what: str, ours: Message, envelope: str) -> str:
    """The envelope recipient of it. Whoever forges a bounce knows nothing that only her e-mail had."""
    if what == "forged":
        return f"b+{'0' * 32}@{envelope.rpartition('@')[2]}"
    if what in _BOUNCES or what == "complaint":
        return envelope
    return str(ours.get("Reply-To") or ours.get("From", "")).rpartition("<")[2].rstrip("> ")


def _bounce(what: str, ours: Message, *, to: str, envelope: str, now: datetime) -> bytes:
    action, status, said = _BOUNCES[what]
    report = MIMEMultipart("report", report_type="delivery-status", policy=SMTP)
    _head(report, f"Mail Delivery System <mailer-daemon@mx.{EXAMPLE}>", envelope, "Undelivered Mail", now)
    report["Auto-Submitted"] = "auto-replied"
    report["Return-Path"] = "<>"
    report.attach(MIMEText(f"Your message could not be delivered to {to}.\n"))
    server, person, status_part = Message(), Message(), Message()
    server["Reporting-MTA"] = f"dns; mx.{EXAMPLE}"
    person["Final-Recipient"], person["Action"] = f"rfc822; {to}", action
    if status:
        person["Status"] = status
    person["Diagnostic-Code"] = f"smtp; {said}"
    status_part["Content-Type"] = "message/delivery-status"
    parts: Any = [server, person]
    status_part.set_payload(parts)
    report.attach(status_part)
    heads = MIMEText(_headers(ours, forged=what == "forged"), "rfc822-headers")
    report.attach(heads)
    return report.as_bytes()


def _headers(ours: Message, *, forged: bool) -> str:
    kept = [(name, str(ours.get(name, ""))) for name in ("From", "To", "Subject", "Message-ID")]
    if forged:
        kept[3] = ("Message-ID", f"<never-sent@{EXAMPLE}>")
    return "".join(f"{name}: {value}\n" for name, value in kept)


def _complaint(ours: Message, *, to: str, envelope: str, now: datetime) -> bytes:
    report = MIMEMultipart("report", report_type="feedback-report", policy=SMTP)
    _head(report, f"Feedback Loop <fbl@mx.{EXAMPLE}>", envelope, "Abuse report", now)
    report.attach(MIMEText("This is an email abuse report for a message received from your system.\n"))
    told = Message()
    told["Content-Type"] = "message/feedback-report"
    told.set_payload(
        f"Feedback-Type: abuse\nUser-Agent: Made-up-FBL/1.0\nVersion: 1\nOriginal-Rcpt-To: {to}\n"
        f"Arrival-Date: {format_datetime(now)}\n"
    )
    report.attach(told)
    report.attach(MIMEMessage(ours))
    return report.as_bytes()


def _reply(what: str, ours: Message, *, to: str, now: datetime, words: str) -> bytes:
    reply = EmailMessage(policy=SMTP)
    local, _, domain = to.partition("@")
    sender = f"{local}+home@{domain}" if what == "alias" else str(ours["From"]) if what == "copy" else to
    subject = str(ours.get("Subject", ""))
    _head(reply, sender, goes_to(what, ours, ""), f"{'Automatic reply' if what == 'away' else 'Re'}: {subject}", now)
    reply["In-Reply-To"] = reply["References"] = str(ours.get("Message-ID", ""))
    if what == "away":
        reply["Auto-Submitted"] = "auto-replied (vacation)"
    reply.set_content(f"{words}\n\nOn some day, we wrote:\n> {subject}\n")
    return reply.as_bytes()


def _head(message: Any, sender: str, to: str, subject: str, now: datetime) -> None:
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=EXAMPLE)
