"""What keeps an e-mail from its reader and is no mistake: warnings while it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from campaigns.rules.mail_html import Anchor, Page
from campaigns.rules.spam_words import SHORTENERS, SPAM_WORDS

CLIPPED: Final = 102 * 1024  # bytes: Gmail shows the first 102 KB of an HTML part and hides the rest, way out and all
SUBJECT_SHOWN: Final = 70  # characters of a subject that a desk's list shows; a phone's about half
OWN: Final = 2 * 1024  # bytes that links of one's own, pixel and way out add
SHOWN_HOST: Final = re.compile(r"^(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,24})(?:[/:?#].*)?$", re.IGNORECASE)


def warnings_of(subject: str, text: str, page: Page, html_bytes: int, links: Sequence[str]) -> list[str]:
    """In words, the gravest first. subject, text: as written with values. links: of both parts."""
    return [
        *_size(html_bytes),
        *(words for url in dict.fromkeys(links) for words in _link(url)),
        *(words for anchor in page.anchors for words in _anchor(anchor)),
        *_words(f"{subject}\n{text}"),
        *_subject(subject),
        *_pictures(page),
    ]


def _size(html_bytes: int) -> Iterator[str]:
    if html_bytes + OWN > CLIPPED:
        size = html_bytes // 1024
        yield f"It is {size} KB. Gmail cuts off after 102 KB, and the unsubscribe link with it: shorten it."


def _link(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if parts.scheme == "http":
        yield f"{url[:80]}: use https. Mail programs warn of http."
    if host in SHORTENERS:
        yield f"{host} hides where a link leads, and filters block it: write the address itself."
    try:
        ip_address(host)
    except ValueError:
        return
    yield f"{host} is an IP address: filters take that for phishing. Write a name."


def _anchor(anchor: Anchor) -> Iterator[str]:
    shown = SHOWN_HOST.match(anchor.words)
    host = (urlsplit(anchor.url).hostname or "").removeprefix("www.")
    if shown and shown[1].lower().removeprefix("www.") != host:
        yield f"“{anchor.words[:60]}” leads to {host}: filters take that for phishing."
    elif not anchor.words:
        yield f"A link to {host} has no words on it: give a picture its alt text."


def _words(said: str) -> Iterator[str]:
    folded = " ".join(said.replace("’", "'").casefold().split())
    for phrase, why in SPAM_WORDS.items():
        if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", folded):
            yield f"“{phrase}”: {why}."
    if "!!" in said or said.count("!") > 3:
        yield "Many exclamation marks: filters weigh them."
    if "$$" in said:
        yield "“$$”: filters weigh it."


def _subject(subject: str) -> Iterator[str]:
    letters = [character for character in subject if character.isalpha()]
    if len(letters) > 5 and sum(character.isupper() for character in letters) > 0.7 * len(letters):
        yield "The subject is in capitals: filters weigh that."
    if len(subject) > SUBJECT_SHOWN:
        yield f"The subject has {len(subject)} characters: mail programs show about {SUBJECT_SHOWN}, phones half of it."
    if re.match(r"(re|fwd?)\s*:", subject, re.IGNORECASE):
        yield "The subject pretends to be a reply: the law (CAN-SPAM) forbids misleading subjects."


def _pictures(page: Page) -> Iterator[str]:
    if page.bare:
        yield f"{page.bare} picture{'' if page.bare == 1 else 's'} without alt text: most mail programs hide pictures."
    if page.pictures and page.letters < 100:
        yield "It is nearly all pictures: filters weigh that, and most mail programs hide pictures."
