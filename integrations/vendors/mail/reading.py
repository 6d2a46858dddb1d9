"""What an e-mail that came in is, by its headers: a bounce, a complaint, an automatic answer, somebody's words. Pure.

Bounces: RFC 3464; complaints: RFC 5965; automatic answers: RFC 3834 and what mail programs do beside it. Whatever the
e-mail holds, nothing here raises.
"""

from __future__ import annotations

import codecs
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
# Above what is quoted: who wrote, on up to so many lines; or that e-mail's own headers, below a line or none.
_WROTE = re.compile(
    r"(?:On\b.{0,200}\bwrote|El\b.{0,200}\bescribió|\S.{0,160}<\S{1,120}@\S{1,120}>(?: wrote\b.{0,60})?):|"
    r"-{2,} ?(?:Original|Forwarded) Message ?-{2,}.*",
    re.IGNORECASE,
)
_WROTE_LINES = 4
_HEADER = re.compile(r"\*?(?:From|De):\*? \S", re.IGNORECASE)
_HEADERS = re.compile(r"\*?(?:Sent|Date|To|Cc|Subject|Enviado|Fecha|Para|Asunto):\*?", re.IGNORECASE)
_RULE = re.compile(r"_{10,}")
# What a text declared as one of these is in, where it is no UTF-8: mail programs declare them for Windows' own.
_WESTERN = frozenset({"ascii", "iso8859-1", "cp1252", "utf-8"})
_WORDY = frozenset({"text/plain", "text/enriched", "text/richtext", "text/markdown"})


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
    """Somebody's words, without what they quote. is_unsubscribe: it came to the address that unsubscribes. is_quoted:
    all of it looks quoted, so that all of it is told.
    """

    about: About
    text: str = field(repr=False)
    is_unsubscribe: bool
    is_quoted: bool = False


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
    """The fields of each block, by lowercase name. Some servers encode them as a text."""
    payload = part.get_payload() if part.is_multipart() else None
    blocks = payload if isinstance(payload, list) else []
    encoding = _header(part, "Content-Transfer-Encoding").strip().lower()
    if not blocks or encoding in ("base64", "quoted-printable"):
        whole = part
        if blocks:  # the parser has taken what is encoded for blocks
            whole = Message()
            whole["Content-Transfer-Encoding"] = encoding
            whole.set_payload("\n".join(one.as_string().strip() for one in blocks if isinstance(one, Message)))
        text = _decoded(whole).replace("\r\n", "\n")
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
    return _header(message, "Return-Path").strip() == "<>" or message.get_content_type() == "multipart/report"


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
    text = _text_of(message)
    own = own_words(text)
    told = own or text.strip()[:TEXT_MOST]
    return Written(_about(message, mail), told, _is_unsubscribe(message, mail), is_quoted=not own and bool(told))


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
        if _is_marked(lines[number]):
            number += 1
        elif above := _above_quotation(lines, number):
            number += above
            if not _is_marked(_next(lines, number)):
                break
        else:
            kept.append(lines[number].rstrip())
            number += 1
    return "\n".join(kept).strip()[:TEXT_MOST]


def _is_marked(line: str) -> bool:
    return line.lstrip().startswith(">")


def _next(lines: Sequence[str], number: int) -> str:
    """The first line from here on that is not empty."""
    return next((line.strip() for line in lines[number : number + PARTS_MOST] if line.strip()), "")


def _above_quotation(lines: Sequence[str], number: int) -> int:
    """How many lines say here that a quotation begins; 0: none does."""
    line = lines[number].strip()
    if _HEADER.match(line):
        following = [one.strip() for one in lines[number + 1 : number + 1 + _WROTE_LINES]]
        return int(any(_HEADERS.match(one) for one in following))
    if _RULE.fullmatch(line):
        return int(bool(_HEADER.match(_next(lines, number + 1))))
    for count in range(1, _WROTE_LINES + 1):
        if _WROTE.fullmatch(" ".join(one.strip() for one in lines[number : number + count])):
            return count
        if not line.startswith(("On ", "El ")) or not "".join(lines[number + count : number + count + 1]).strip():
            return 0
    return 0


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
    """What its parts say, one below the other; what is attached, where nothing else says anything."""
    return (_said_in(message, attached=False) or _said_in(message, attached=True))[: 4 * TEXT_MOST]


def _said_in(part: Message, *, attached: bool) -> str:
    """Of an alternative what the first says, its plain text. Of an e-mail inside it nothing: others wrote that."""
    kind, inside = part.get_content_type(), part.get_payload() if part.is_multipart() else None
    if isinstance(inside, list):
        if not kind.startswith("multipart/"):
            return ""
        parts = (_said_in(one, attached=attached) for one in inside[:PARTS_MOST] if isinstance(one, Message))
        said = (text for text in parts if text.strip())
        return next(said, "") if kind == "multipart/alternative" else "\n\n".join(said)
    if part.get_content_disposition() == "attachment" and not attached:
        return ""
    if kind == "text/html":
        words = _Words()
        words.feed(_decoded(part))
        return words.text
    return _decoded(part) if kind in _WORDY or kind.startswith("multipart/") else ""  # its boundary is nowhere


def _decoded(part: Message) -> str:
    charset = _charset_of(part)
    try:
        raw = part.get_payload(decode=True)
    except UnicodeError:  # it decodes by some charsets itself
        part.del_param("charset")
        raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    return _text(raw, charset).replace("\x00", "")[: 4 * TEXT_MOST]


def _charset_of(part: Message) -> str:
    """Python's name of it; UTF-8 where it is not told or unknown."""
    try:
        return codecs.lookup(part.get_content_charset() or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"


def _text(raw: bytes, charset: str) -> str:
    for one in ("utf-8", "cp1252") if charset in _WESTERN else (charset,):
        try:
            return raw.decode(one)
        except (UnicodeError, LookupError):  # no charset but another codec: hex, base64
            continue
    return raw.decode("cp1252" if charset in _WESTERN else "utf-8", errors="replace")


class _Words(HTMLParser):
    """The words of an HTML text, a line a block; those of a quotation marked as a text marks them."""

    _BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "table", "blockquote"})
    _SILENT = frozenset({"style", "script", "title"})

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self._silent = self._quoted = 0

    @property
    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "".join(self._pieces)).strip()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # its signature
        if tag in self._SILENT:
            self._silent += 1
        else:
            self._quoted += tag == "blockquote"
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        else:
            self._quoted = max(0, self._quoted - (tag == "blockquote"))
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._pieces.append(data.replace("\n", "\n> ") if self._quoted else data)

    def _break(self, tag: str) -> None:
        if tag in self._BREAKS:
            self._pieces.append("\n> " if self._quoted else "\n")
