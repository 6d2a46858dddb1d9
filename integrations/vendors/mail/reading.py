"""What an e-mail that came in is, by its headers: a bounce, a complaint, an automatic answer, somebody's words. Pure.

Bounces: RFC 3464; complaints: RFC 5965; automatic answers: RFC 3834 and what mail programs do beside it. Whatever the
e-mail holds, nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Final, Literal
from uuid import UUID

from integrations.vendors import normalise, statuses
from integrations.vendors.mail.messages import RawMail
from integrations.vendors.mail.parsing import parsed, said_by
from integrations.vendors.mail.replies import kind_of, status_of
from integrations.vendors.messages import Kind, Unreadable

VENDOR: Final = "mail"
TEXT_MOST, SUBJECT_MOST = 20_000, 400  # characters that are kept
PARTS_MOST = 100
SOON: Final = timedelta(days=274)  # what a day without a year may lie ahead
ADDRESS_MOST = 254  # RFC 5321
_ODD = (ValueError, LookupError, TypeError, AttributeError, MessageError, RecursionError)  # what the parser may raise
_ID = re.compile(r"<([^<>\s]{1,250})>")
_OURS = re.compile(
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@"
)  # `Delivery.id` before our domain
_TOKEN = re.compile(r"\b([rbu])\+([0-9a-f]{32})@", re.IGNORECASE)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in _MONTHS)
_DATES = (
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})\.?(?:,? (?P<year>20\d\d))?\b", re.I),
    re.compile(rf"\b(?P<month>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>20\d\d))?\b", re.I),
    re.compile(r"\b(?P<year>20\d\d)-(?P<number>\d\d)-(?P<day>\d\d)\b"),
    re.compile(r"\b(?P<number>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>20\d\d|\d\d))?\b"),  # as Americans write it
)
_BACK = re.compile(r"\b(?:back|return\w*|until|till|through|hasta|regres\w*|vuelv\w*|a partir)\b", re.IGNORECASE)
# Feedback-Type of who wants no more: RFC 5965's, and the two of its drafts that providers still send.
_ABUSE = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
_BULK = frozenset({"auto_reply", "bulk", "junk", "list"})
_QUOTED = re.compile(
    r"^(?:On\b.{0,200}\bwrote:|El\b.{0,200}\bescribió:|-{2,} ?Original Message ?-{2,}|_{10,}|From: .+|De: .+|>.*)$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class About:
    """Which e-mails of ours it is about. deliveries: ids out of Message-IDs it names; tokens: of the address it came
    to. sender: From, lowercase, which anybody can write; "" where there is none. recipients: whom it was written to,
    lowercase.
    """

    sender: str = field(repr=False)
    deliveries: tuple[UUID, ...]
    tokens: tuple[UUID, ...]
    recipients: tuple[str, ...] = field(default=(), repr=False)
    message_id: str = ""
    subject: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bounce:
    """kind: hard (nobody has the address), blocked (a rule of theirs), soft (full, or for now), later (it is still
    being tried, or has arrived). code: 5.1.1 and such, "" not told. words: the server's. recipient: "" not told.
    """

    about: About
    kind: Literal["hard", "blocked", "soft", "later"]
    code: str
    words: str
    recipient: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody pressed "this is spam" (ARF), or asked for no more there. is_abuse: else a report of another kind, which
    says nothing of her.
    """

    about: About
    is_abuse: bool


@dataclass(frozen=True, slots=True)
class Automatic:
    """An answer that nobody wrote: out of office, a ticket number, a list. back_on: the date its text names; None:
    none.
    """

    about: About
    text: str = field(repr=False)
    back_on: date | None


@dataclass(frozen=True, slots=True)
class Written:
    """Somebody's words, without what they quote. is_unsubscribe: it came to the address that unsubscribes."""

    about: About
    text: str = field(repr=False)
    is_unsubscribe: bool


Arrived = Bounce | Complaint | Automatic | Written | Unreadable


def read(mail: RawMail, *, today: date) -> Arrived:
    """In the order of what outweighs what: bounce, complaint, automatic, somebody's words. today: from when on a date
    without a year is looked for.
    """
    try:
        message = parsed(mail.raw)
        if not message.keys():
            return Unreadable(VENDOR, "It is no e-mail: it has no headers.")
        return _bounce(message, mail) or _complaint(message, mail) or _automatic(message, mail, today) or _written(
            message, mail
        )  # fmt: skip
    except _ODD as error:
        return Unreadable(VENDOR, f"The e-mail cannot be read ({type(error).__name__}).")


# --- Bounce and complaint ---------------------------------------------------------------------------------------------


def _bounce(message: Message, mail: RawMail) -> Bounce | None:
    if not _is_report(message, "delivery-status"):
        return None
    fields = [block for part in _parts(message) if part.get_content_type() == "message/delivery-status"
              for block in _blocks(part)]  # fmt: skip
    told = next((one for one in fields if one.get("action") or one.get("final-recipient")), {})
    said = f"{told.get('status', '')} {told.get('diagnostic-code', '')}"
    status = status_of(told.get("status", ""))
    code = status or status_of(said)
    recipient = _address_of(told.get("final-recipient", "")) or _address_of(told.get("original-recipient", ""))
    words = statuses.impersonal(told.get("diagnostic-code", "").partition(";")[2] or told.get("diagnostic-code", ""))
    kind = _kind_of(told.get("action", "").split("(")[0].strip().lower(), status)
    return Bounce(_about(message, mail, with_original=True), kind, code, words[:300], recipient)


def _kind_of(action: str, status: str) -> Literal["hard", "blocked", "soft", "later"]:
    """Without a status, or with an odd one, it is soft: nobody is suppressed for what is not said."""
    if action != "failed":
        return "later"
    if kind_of(status) == Kind.BAD_ADDRESS:
        return "hard"
    return "blocked" if status.startswith("5.7.") else "soft"


def _complaint(message: Message, mail: RawMail) -> Complaint | None:
    if not _is_report(message, "feedback-report"):
        return None
    blocks = [block for part in _parts(message) if part.get_content_type() == "message/feedback-report"
              for block in _blocks(part)]  # fmt: skip
    kinds = {block.get("feedback-type", "").strip().lower() for block in blocks}
    return Complaint(_about(message, mail, with_original=True), is_abuse=not _ABUSE.isdisjoint(kinds))


def _is_report(message: Message, kind: str) -> bool:
    declared = str(message.get_param("report-type", "") or "").lower() == kind
    inside = any(part.get_content_type() == f"message/{kind}" for part in _parts(message))
    return message.get_content_type() == "multipart/report" and (declared or inside)


def _blocks(part: Message) -> Iterator[dict[str, str]]:
    """The fields of each block, by lowercase name."""
    payload = part.get_payload()
    blocks = payload if isinstance(payload, list) else []
    if not blocks:  # some servers encode it as a text
        text = _decoded(part)
        blocks = [message_from_bytes(one.encode(errors="replace"), policy=compat32)
                  for one in text.split("\n\n", PARTS_MOST)]  # fmt: skip
    for block in blocks:
        if isinstance(block, Message):
            yield {str(name).lower(): " ".join(str(value).split()) for name, value in block.items()}


def _address_of(field_value: str) -> str:
    """Of `rfc822; x@y`."""
    return field_value.rpartition(";")[2].strip().strip("<>").lower()[:ADDRESS_MOST] if "@" in field_value else ""


# --- Automatic, or written --------------------------------------------------------------------------------------------


def _automatic(message: Message, mail: RawMail, today: date) -> Automatic | None:
    """No answer comes to the address that unsubscribes: a mail program that writes there for somebody may say that it
    wrote by itself.
    """
    if not _is_automatic(message) or _is_unsubscribe(message, mail):
        return None
    text = own_words(_text_of(message))
    about = _about(message, mail)
    return Automatic(about, text, back_on(f"{about.subject}\n{text}", today))


def _is_automatic(message: Message) -> bool:
    submitted = _header(message, "Auto-Submitted").split("(")[0].split(";")[0].strip().lower()
    if submitted and submitted.split()[0] != "no":
        return True
    if any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")):
        return True
    if _header(message, "Precedence").strip().lower() in _BULK:
        return True
    return _header(message, "Return-Path").strip() == "<>"


def back_on(text: str, today: date) -> date | None:
    """The latest day within a year that the text names, from today on: a leave is told by its first and last day. One
    without a year lies ahead by nine months at most: else it is over, and its answer was never switched off. Days that
    follow "back", "until" and such outweigh others: an advertisement below names one, too.
    """
    found = [
        (bool(_BACK.search(re.split(r"[.!?\n]", text[max(0, match.start() - 40) : match.start()])[-1])), day)
        for pattern in _DATES
        for match in pattern.finditer(text)
        if (day := _day(match, today))
    ]
    return max(found)[1] if found else None


def _day(match: re.Match[str], today: date) -> date | None:
    named = match.groupdict()
    number = named.get("number")
    month = int(number) if number else next(
        n for n, name in enumerate(_MONTHS, start=1) if name.startswith(str(named["month"])[:3].lower())
    )  # fmt: skip
    year = int(named["year"]) if named.get("year") else 0
    years = [year + 2000 if year < 100 else year] if year else [today.year, today.year + 1]
    for one in years:
        try:
            day = date(one, month, int(str(named["day"])))
        except ValueError:
            continue
        if today <= day <= today + (timedelta(days=366) if year else SOON):
            return day
    return None


def _written(message: Message, mail: RawMail) -> Written:
    return Written(_about(message, mail), own_words(_text_of(message)), _is_unsubscribe(message, mail))


def _is_unsubscribe(message: Message, mail: RawMail) -> bool:
    return any(kind.lower() == "u" for kind, _ in _TOKEN.findall(" ".join(_recipients(message, mail))))


def own_words(text: str) -> str:
    """Without what mail programs quote: nobody opts out by our own "unsubscribe" in the quotation.

    Where each quoted line is marked (>), what stands below or between is hers: many write there. Else the quotation
    goes to the end.
    """
    kept: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = 0
    while number < len(lines):
        line, after = lines[number], number + 1
        if not line.startswith(">"):
            both = f"{line} {lines[after]}".strip() if after < len(lines) else line.strip()
            if _QUOTED.match(line.strip()) or (line.startswith(("On ", "El ")) and _QUOTED.match(both)):
                after += not _QUOTED.match(line.strip())  # its words stand on two lines
                if not next((one for one in lines[after:] if one.strip()), "").startswith(">"):
                    break
            else:
                kept.append(line.rstrip())
        number = after
    return "\n".join(kept).strip()[:TEXT_MOST]


# --- What it is about -------------------------------------------------------------------------------------------------


def _about(message: Message, mail: RawMail, *, with_original: bool = False) -> About:
    named = " ".join(_header(message, name) for name in ("In-Reply-To", "References"))
    if with_original:
        named = f"{named} {_original_ids(message)}"
    written_to = _recipients(message, mail)
    recipients = " ".join(written_to)
    senders = _addresses([_header(message, "From")])
    return About(
        sender=senders[0] if senders else "",
        deliveries=tuple(dict.fromkeys(UUID(one) for one in reversed(_OURS.findall(named)))),  # the last one first
        tokens=tuple(dict.fromkeys(UUID(hex=token) for _, token in _TOKEN.findall(recipients))),
        recipients=tuple(dict.fromkeys(_addresses(written_to)))[:PARTS_MOST],
        message_id=(_ID.search(_header(message, "Message-ID")) or [""])[0][:255],
        subject=" ".join((normalise.text(_header(message, "Subject"), limit=SUBJECT_MOST) or "").split()),
    )


def _addresses(fields: Iterable[str]) -> list[str]:
    found = (address.replace("\x00", "").lower() for _, address in getaddresses([*fields]))
    return [address for address in found if "@" in address and len(address) <= ADDRESS_MOST]


def _original_ids(message: Message) -> str:
    """Message-IDs of the e-mail that a report is about."""
    found = []
    for part in _parts(message):
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inside = part.get_payload()
            inner = inside[0] if isinstance(inside, list) and inside else None
            found.append(_header(inner, "Message-ID") if isinstance(inner, Message) else "")
        elif kind in ("text/rfc822-headers", "message/rfc822-headers"):
            inner = message_from_bytes(_decoded(part).encode(errors="replace"), policy=compat32)
            found.append(str(inner.get("Message-ID", "")))
    return " ".join(found)


def _recipients(message: Message, mail: RawMail) -> Sequence[str]:
    named = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
    return [mail.envelope_to, *(_header(message, name) for name in named)]


def _parts(message: Message) -> list[Message]:
    return [part for _, part in zip(range(PARTS_MOST), message.walk(), strict=False)]


def _header(message: Message, name: str) -> str:
    """All of that name; a header that cannot be read is none."""
    try:
        return " ".join(said_by(message, name))
    except _ODD:
        return ""


def _text_of(message: Message) -> str:
    """The plain part, else the words of the HTML one; no attachment."""
    texts: dict[str, str] = {}
    for part in _parts(message):
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            texts.setdefault(kind, _decoded(part))
    if texts.get("text/plain", "").strip():
        return texts["text/plain"]
    words = _Words()
    words.feed(texts.get("text/html", ""))
    return words.text


def _decoded(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        text = raw.decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:
        text = raw.decode("utf-8", errors="replace")
    return text.replace("\x00", "")[: 4 * TEXT_MOST]


class _Words(HTMLParser):
    """The words of an HTML text, a line a block; where it quotes, a line that is marked so stands for the quotation."""

    _BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "table"})

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self._silent = 0

    @property
    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "".join(self._pieces)).strip()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # its signature
        if tag in ("style", "script", "blockquote", "head"):
            self._silent += 1
            if tag == "blockquote":
                self._pieces.append("\n>\n")
        elif tag in self._BREAKS:
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "blockquote", "head"):
            self._silent = max(0, self._silent - 1)
        elif tag in self._BREAKS:
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._pieces.append(data)
