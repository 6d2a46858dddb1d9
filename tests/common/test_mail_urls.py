"""Addresses of mail servers and providers: what is read of them, and what is refused in words."""

from __future__ import annotations

import pytest

from common.values.mail_urls import BadMailUrl, ImapPlace, MailPlace, read_imap_url, read_mail_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "smtp+tls://jane%40x.example:p%3A%2Fw@mail.example.com",
            MailPlace("smtp", "mail.example.com", 587, "jane@x.example", "p:/w", "starttls"),
        ),
        ("smtp+ssl://u:p@mail.example.com:2465", MailPlace("smtp", "mail.example.com", 2465, "u", "p", "ssl")),
        ("smtp://127.0.0.1:2525", MailPlace("smtp", "127.0.0.1", 2525)),
        ("postmark://TOKEN@", MailPlace("postmark", user="TOKEN")),
        ("mailgun://KEY@mg.example.com", MailPlace("mailgun", host="mg.example.com", user="KEY")),
        (
            "mailgun://KEY@mg.example.com?api_url=https://api.eu.mailgun.net/v3",
            MailPlace("mailgun", host="mg.example.com", user="KEY", api_url="https://api.eu.mailgun.net/v3"),
        ),
        ("mailjet://KEY:SECRET@", MailPlace("mailjet", user="KEY", password="SECRET")),
        (
            "postal://KEY@p.example.com",
            MailPlace("postal", "p.example.com", user="KEY", api_url="https://p.example.com"),
        ),
        ("console:", MailPlace("console")),
        ("file:/tmp/mail", MailPlace("file", directory="/tmp/mail")),
    ],
)
def test_an_address_is_read(url: str, place: MailPlace) -> None:
    assert read_mail_url(url) == place
    assert not any(secret in place.shown + repr(place) for secret in ("TOKEN", "KEY", "SECRET", "p:/w"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ses://key@", "begins with none of"),
        ("smtp://", "names no host"),
        ("smtp://mail.example.com:99999", "is no address"),
        ("smtp://u:p@mail.example.com", "in clear"),
        ("smtp+tls://u@mail.example.com", "user without a password"),
        ("postmark://", "no key before its @"),
        ("mailgun://KEY@", "lacks the sending domain"),
        ("mailjet://KEY@", "lacks the secret key"),
        ("sendgrid://KEY@?api_url=http://api.example.com", "no https address"),
        ("sendgrid://KEY@?region=eu", "not api_url"),
        ("file:mail", "no absolute directory"),
    ],
)
def test_a_bad_address_is_refused_in_words_without_it(url: str, words: str) -> None:
    with pytest.raises(BadMailUrl, match=words) as refused:
        read_mail_url(url)
    assert "KEY" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "leaves"),
    [
        ("smtp://127.0.0.1:25", False),
        ("smtp+tls://mail.example.com", True),
        ("postmark://TOKEN@", True),
        ("postmark://TOKEN@?api_url=http://127.0.0.1:8001/postmark", False),
        ("console:", False),
    ],
)
def test_what_can_reach_people_is_known(url: str, leaves: bool) -> None:
    assert read_mail_url(url).leaves is leaves


def test_a_mailbox_is_read_and_a_password_in_clear_refused() -> None:
    assert read_imap_url("imap+ssl://u:p%40@mail.example.com/Replies") == ImapPlace(
        "mail.example.com", 993, "u", "p@", ssl=True, mailbox="Replies"
    )
    assert read_imap_url("imap://u:p@127.0.0.1:1143").mailbox == "INBOX"
    for url, words in (
        ("imap://u:p@mail.example.com", "in clear"),
        ("pop3://u:p@mail.example.com", "neither"),
        ("imap+ssl://mail.example.com", "lacks a user"),
        ("imap+ssl://u:p@mail.example.com/%0A", "a letter that none may have"),
    ):
        with pytest.raises(BadMailUrl, match=words):
            read_imap_url(url)
