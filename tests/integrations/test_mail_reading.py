"""What an e-mail is taken for by its headers (3.6), whatever it holds, and how one becomes light enough for a row."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from uuid import UUID, uuid4

import pytest

from integrations.vendors.mail.lightening import lightened
from integrations.vendors.mail.messages import RawMail
from integrations.vendors.mail.reading import (
    Arrived,
    Automatic,
    Bounce,
    Complaint,
    Written,
    back_on,
    own_words,
    read,
)
from integrations.vendors.messages import Unreadable

TODAY = date(2026, 9, 18)
SENT = UUID("01990000-0000-7000-8000-000000000001")


def arrived(text: str, *, to: str = "") -> Arrived:
    return read(RawMail(text.replace("\n", "\r\n").encode(), envelope_to=to), today=TODAY)


def report(
    fields: str, *, kind: str = "delivery-status", original: str = f"Message-ID: <{SENT}@mail.example.com>"
) -> str:
    return (
        f"From: mailer-daemon@example.com\nTo: b+{SENT.hex}@in.example.com\n"
        f"Content-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\nContent-Type: text/plain\n\nSorry.\n"
        f"--b\nContent-Type: message/{kind}\n\n{fields}\n--b\nContent-Type: text/rfc822-headers\n\n{original}\n--b--\n"
    )


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", "hard"), ("failed", "5.2.1", "hard"), ("failed", "5.4.4", "hard"),
        ("failed", "5.2.2", "soft"), ("failed", "4.4.7", "soft"), ("failed", "", "soft"), ("failed", "9.9", "soft"),
        ("failed", "5.7.1", "blocked"), ("failed (really)", "5.1.1", "hard"),
        ("delayed", "4.4.1", "later"), ("delivered", "2.0.0", "later"), ("relayed", "2.0.0", "later"),
        ("expanded", "2.0.0", "later"), ("", "5.1.1", "later"),
    ],
)  # fmt: skip
def test_a_bounce_by_action_and_status(action: str, status: str, kind: str) -> None:
    fields = f"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; Pat@Example.com\nAction: {action}\n"
    fields += f"Status: {status}\n" if status else ""
    said = arrived(report(f"{fields}Diagnostic-Code: smtp; 550 5.1.1 <pat@example.com> unknown\n"))
    assert isinstance(said, Bounce)
    assert (said.kind, said.recipient, said.about.deliveries) == (kind, "pat@example.com", (SENT,))
    assert said.about.tokens == (SENT,) and "pat@" not in said.words


@pytest.mark.parametrize("name", ["base64", "quoted-printable"])
def test_a_report_that_is_encoded_as_a_text(name: str) -> None:
    """As some servers send it, with the line ends of an e-mail."""
    fields = (
        b"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; pat@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    )
    told = (b64encode(fields) if name == "base64" else fields).decode().replace("\r\n", "\n")
    head = "Content-Type: message/delivery-status\n"
    said = arrived(report("").replace(f"{head}\n", f"{head}Content-Transfer-Encoding: {name}\n\n{told}"))
    assert isinstance(said, Bounce) and (said.kind, said.code) == ("hard", "5.1.1")


def test_a_complaint_is_abuse_or_another_report() -> None:
    abuse = arrived(report("Feedback-Type: abuse\nVersion: 1\n", kind="feedback-report"))
    for kind in ("fraud", "Opt-Out", "opt-out-list"):
        said = arrived(report(f"Feedback-Type: {kind}\n", kind="feedback-report"))
        assert isinstance(said, Complaint) and said.is_abuse, kind
    other = arrived(report("Feedback-Type: not-spam\n", kind="feedback-report"))
    assert isinstance(abuse, Complaint) and isinstance(other, Complaint)
    assert (abuse.is_abuse, other.is_abuse, abuse.about.deliveries) == (True, False, (SENT,))


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)", "Auto-Submitted: auto-generated; x=1", "X-Autoreply: yes",
        "X-Autorespond: x", "X-Auto-Response-Suppress: All", "Precedence: bulk", "Precedence: Auto_Reply",
        "Precedence: list", "Precedence: junk", "Return-Path: <>",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
    ],
)  # fmt: skip
def test_automatic_by_each_of_its_signs(header: str) -> None:
    assert isinstance(arrived(f"From: p@example.com\n{header}\n\nBack on 5 October.\n"), Automatic)


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: first-class", "Return-Path: <p@example.com>"])
def test_written_by_a_person(header: str) -> None:
    said = arrived(f"From: Pat <P@Example.com>\nTo: {SENT.hex}@x, r+{SENT.hex}@in.example.com\n{header}\n\nHi\n")
    assert isinstance(said, Written)
    assert (said.about.sender, said.about.tokens, said.text) == ("p@example.com", (SENT,), "Hi")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("back on 5 October", (2026, 10, 5)), ("I return October 5th, 2026.", (2026, 10, 5)),
        ("from 21 Sep until 25 Sep", (2026, 9, 25)), ("2026-10-05", (2026, 10, 5)), ("back 10/5", (2026, 10, 5)),
        ("back January 4", (2027, 1, 4)), ("Sale ends December 24! I am back on Oct 5", (2026, 10, 5)),
        ("hasta 10/05/2026", (2026, 10, 5)), ("since 2019-01-01", None), ("31 February", None), ("I am away", None),
        ("back September 8", None), ("back September 8, 2027", (2027, 9, 8)), ("back June 10", (2027, 6, 10)),
    ],
)  # fmt: skip
def test_the_day_somebody_is_back(text: str, day: tuple[int, int, int] | None) -> None:
    assert back_on(text, TODAY) == (date(*day) if day else None)


def test_own_words_end_where_the_quotation_begins() -> None:
    quoted = "Yes.\n\nOn Tue, Sep 15, 2026 at 9:00 AM Jane <j@example.com>\nwrote:\n> unsubscribe\n"
    assert own_words(quoted) == "Yes."
    assert own_words("Yes.\r\n-----Original Message-----\r\nstop") == "Yes."
    assert own_words("> stop\nNo, go on") == "No, go on"
    assert own_words("Yes.\n\nOn Tue, Jane wrote:\nMay I ask you something?\nunsubscribe here") == "Yes."
    html = "From: p@example.com\nContent-Type: text/html\n\n<p>Sure&nbsp;&amp; soon</p><blockquote>stop</blockquote>"
    said = arrived(html)
    assert isinstance(said, Written) and said.text.split() == ["Sure", "&", "soon"]


@pytest.mark.parametrize(
    "text",
    [
        "On Tue, Sep 15, 2026 at 9:00 AM Jane <j@example.com> wrote:\n\n> Hi\n> unsubscribe here\n\nNo more mails!",
        "On Tue, Sep 15, 2026 at 9:00 AM Jane\n<j@example.com> wrote:\n> Hi\n>\n> unsubscribe here\nNo more mails!",
        "-----Original Message-----\n> Hi\nNo more mails!\n> unsubscribe here",
    ],
)
def test_own_words_below_and_between_what_is_quoted(text: str) -> None:
    """As Thunderbird places them."""
    assert own_words(text) == "No more mails!"
    html = text.replace("> Hi", "<blockquote>Hi<br>unsubscribe here</blockquote>").replace("> unsubscribe here", "")
    shown = html.replace("<j@example.com>", "").replace("\n", "<br>").replace("<br>><br>", "<br>")
    said = arrived(f"From: p@example.com\nContent-Type: text/html\n\n{shown}")
    assert isinstance(said, Written) and said.text == "No more mails!"


@pytest.mark.parametrize(
    "below",
    [
        "On Tue, Sep 15, 2026 at 9:00 AM Jane Agent of Acme Homes\n<jane@example.com>\nwrote:\n\nHi\nunsubscribe here",
        "Jane Agent <jane@example.com> wrote on Tue, Sep 15:\n\nunsubscribe here",
        "-------- Original message --------From: Jane <j@example.com> Subject: hi\nunsubscribe here",
        "*From:* Jane <jane@example.com>\n*Sent:* Tuesday\n\nunsubscribe here",
        "________________________________\nFrom: Jane <j@example.com>\nSent: Tuesday\nunsubscribe here",
        " > indented\n > unsubscribe here",
    ],
)
def test_what_is_quoted_however_it_begins(below: str) -> None:
    assert own_words(f"Yes.\n\n{below}") == "Yes."


@pytest.mark.parametrize(
    "text", ["____________\nNo more mails!", "From: Pat\nNo more mails!", "From: me, to you: stop"]
)
def test_what_only_looks_like_a_quotation_is_hers(text: str) -> None:
    assert own_words(text) == text


def test_where_all_of_it_looks_quoted_all_of_it_is_told() -> None:
    said = arrived("From: p@example.com\n\nOn Tue, Jane wrote:\nMay I ask?\n\nTake me off your list")
    assert isinstance(said, Written) and said.is_quoted and said.text.endswith("Take me off your list")
    html = "<blockquote><p>Take me<br>off your list</p></blockquote>"
    said = arrived(f"From: p@example.com\nContent-Type: text/html\n\n{html}")
    assert isinstance(said, Written) and said.is_quoted
    assert said.text.split() == [">", ">", "Take", "me", ">", "off", "your", "list", ">"]


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        *((charset, b"Don\x92t") for charset in ("iso-8859-1", "windows-1252", "us-ascii", "utf-8", "x-odd")),
        *((charset, "Don’t".encode()) for charset in ("iso-8859-1", "us-ascii", "utf-8", "hex", "undefined", "idna")),
        ("utf-16", "Don’t".encode("utf-16")), ("iso-8859-15", b"Don't"),
    ],
)  # fmt: skip
def test_words_in_the_charset_they_are_in(charset: str, raw: bytes) -> None:
    """Mail programs declare one that has no curly apostrophe, and write it in Windows' own."""
    head = f"From: p@example.com\nContent-Type: text/plain; charset={charset}\n\n".encode()
    said = read(RawMail(head + raw), today=TODAY)
    assert isinstance(said, Written) and said.text.replace("’", "'") == "Don't"


def parts(kind: str, *each: str) -> str:
    inside = "".join(f"--b\n{one}\n" for one in each)
    return f"From: p@example.com\nContent-Type: multipart/{kind}; boundary=b\n\n{inside}--b--\n"


PLAIN, ATTACHED = "Content-Type: text/plain\n\n", "Content-Type: text/plain\nContent-Disposition: attachment\n\n"
HTML, INSIDE = "Content-Type: text/html\n\n", "Content-Type: message/rfc822\n\nSubject: x\n\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (parts("mixed", f"{PLAIN}Hi", "Content-Type: image/png\n\nAAAA", f"{PLAIN}No more"), "Hi No more"),
        (parts("alternative", f"{PLAIN} ", f"{HTML}<p>No more"), "No more"),
        (parts("alternative", f"{PLAIN}No more", f"{HTML}<p>NO MORE"), "No more"),
        (parts("mixed", f"{INSIDE}unsubscribe", f"{PLAIN}Yes"), "Yes"),
        (parts("mixed", f"{PLAIN}Yes", f"{ATTACHED}unsubscribe"), "Yes"),
        (parts("mixed", f"{ATTACHED}No more"), "No more"),
        ("From: p@example.com\nContent-Type: multipart/mixed\n\nNo more", "No more"),
        ("From: p@example.com\nContent-Type: text/enriched\n\nNo more", "No more"),
        (f"From: p@example.com\n{HTML}<html><head><title>x</title><body><p>No more</p>", "No more"),
        (f"From: p@example.com\n{HTML}<head><meta charset=utf-8><style>p {{}}</style><p>No more", "No more"),
    ],
)
def test_the_words_of_its_parts(text: str, words: str) -> None:
    said = arrived(text)
    assert isinstance(said, Written) and " ".join(said.text.split()) == words


@pytest.mark.parametrize("by", ["", "Auto-Submitted: auto-generated\n", "Precedence: bulk\n", "Return-Path: <>\n"])
def test_the_address_that_unsubscribes_in_capitals_and_by_a_mail_program_of_its_own_accord(by: str) -> None:
    said = arrived(f"From: p@example.com\nSubject: unsubscribe\n{by}\n", to=f"U+{SENT.hex.upper()}@IN.EXAMPLE.COM")
    assert isinstance(said, Written) and said.is_unsubscribe and said.about.tokens == (SENT,)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "no header at all", "From: =?utf-8?q?=00?= <a\x00@b>\n\nx",
        "Content-Type: text/plain; charset=odd\n\nx",
        "Content-Type: multipart/mixed\n\nx", "Content-Type: multipart/report; report-type=delivery-status\n\nx",
        "From: a@b\nContent-Transfer-Encoding: base64\n\n%%%", "In-Reply-To: <" + "x" * 100_000,
        "Subject: " + "=?utf-8?b?4oSi?=" * 500 + "\n\nx", "From: @\nDate: never\n\nx",
        report("Action: failed\nStatus: \x00\n", original="Message-ID: <>"), report(""),
    ],
)  # fmt: skip
def test_nothing_makes_the_reader_raise(text: str) -> None:
    said = arrived(text)
    assert isinstance(said, Bounce | Complaint | Automatic | Written | Unreadable)
    if not isinstance(said, Unreadable):
        assert "\x00" not in said.about.sender + said.about.subject


@pytest.mark.parametrize("name", ["To", "From", "Subject", "References", "Content-Type"])
@pytest.mark.parametrize("filling", ["a@b.co, ", '"', "a.", "<", "a=b; ", "=?utf-8?q?a?= "])
def test_a_long_header_is_read_by_its_beginning_and_end(name: str, filling: str) -> None:
    """The standard library would take minutes for each of these: a suite that hangs here says so."""
    text = f"{name}: {filling * (240_000 // len(filling))}\nIn-Reply-To: <{SENT}@x>\n\nSTOP"
    said = arrived(text)
    assert isinstance(said, Written) and (said.about.deliveries, said.text) == ((SENT,), "STOP")


def test_of_references_the_last_one_counts_however_many_there_are() -> None:
    said = arrived(f"References: {'<one@x> ' * 5_000}<{SENT}@x>\n\nYes")
    assert isinstance(said, Written) and said.about.deliveries == (SENT,)


@pytest.mark.parametrize("kind", ["multipart/mixed; boundary=b", "multipart/report; boundary=b"])
def test_very_many_parts_are_not_read(kind: str) -> None:
    blocks = (
        "--b\n\n" * 40_000
        if "mixed" in kind
        else "--b\nContent-Type: message/delivery-status\n\n" + "a: b\n\n" * 40_000
    )
    assert isinstance(arrived(f"From: a@b.co\nContent-Type: {kind}\n\n{blocks}"), Unreadable)


def test_light_are_a_million_headers_too() -> None:
    light = lightened(b"From: a@b.co\r\n" + b"X: y\r\n" * 1_000_000 + b"\r\nSTOP", most=200_000)
    assert len(light) < 200_000 and light.startswith(b"From: a@b.co") and b"STOP" in light
    assert b"STOP" in lightened(b"To: " + b"a@b.co, " * 1_000_000 + b"\r\n\r\nSTOP", most=200_000)


def test_an_e_mail_becomes_light() -> None:
    small = b"From: a@b\r\n\r\nHi"
    assert lightened(small, most=100) is small
    whole = (
        f"From: a@b\nMessage-ID: <{uuid4()}@x>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        "Content-Type: text/plain\n\nSTOP\n--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + "QUJD\n" * 50_000 +
        "--b\nContent-Type: text/html\n\n" + "<p>x</p>\n" * 20_000 + "\n--b--\n"
    ).encode()  # fmt: skip
    light = lightened(whole, most=100_000)
    assert len(light) < 100_000 and b"QUJD" not in light and b"STOP" in light
    assert len(lightened(b"x" * 500, most=100)) <= 100
