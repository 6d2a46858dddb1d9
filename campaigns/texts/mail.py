"""E-mail texts: subject, text part and HTML part, checked when they are saved and then never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Final

import css_inline
import nh3

from campaigns.planning.refusals import CampaignError
from campaigns.rules.mail_html import ATTRIBUTES, SCHEMES, TAGS, Page, addresses_in, check_html, html_of, lines_of
from campaigns.rules.mail_html import text_of as text_of_html
from campaigns.rules.mail_seen import seen_in
from campaigns.rules.templates import (
    SNIPPET,
    STYLE_SHEET,
    VARIABLE,
    BadTemplate,
    Template,
    parse,
    with_snippets,
    without_snippets,
)

# Where {{unsubscribeUrl}} stands until a message's links are made its own (`tracking.outgoing`): so that one person's
# message has one digest at the dry run, at approval and at sending.
UNSUBSCRIBE: Final = "https://unsubscribe.invalid/"
SHOWN: Final = "(their own link)"  # of it, to a person
HIDDEN: Final = "https://hidden.invalid/"  # a link of each e-mail that no person sees: who follows it is a machine
SUBJECT_MAX = 200  # characters
TEXT_MAX = 10_000
HTML_MAX = 200_000  # more than any program shows; Gmail's 102 KB is warned of
STYLED_MOST = 4_000_000  # selectors of its style sheets times its elements: half a second
ADDRESS, WAY_OUT = "companyAddress", "unsubscribeUrl"
_INLINER: Final = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_at_rules=True)
_SEEN: Final = TAGS - {"html", "head", "body", "title", "meta", "style"}  # what a fragment can hold


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail template, checked. subject, text, html: as they are kept and sent, snippets and styles put in; each
    part that was not given is made of the other. typed: {subject, text, html} as they were given.
    """

    subject: Template
    text: Template
    html: Template
    page: Page
    links: tuple[str, ...]
    typed: Mapping[str, str]

    @property
    def variables(self) -> list[str]:
        """Names, sorted, once each."""
        return sorted({*self.subject.variables, *self.text.variables, *self.html.variables})


def as_shown(text: str) -> str:
    """As a person reads it here: whose link it is, is decided as it leaves."""
    return text.replace(UNSUBSCRIBE, SHOWN)


def check_mail(subject: str, text: str, html: str, snippets: Mapping[str, str] | None = None) -> Mail:
    """Raises CampaignError INVALID that names the part and says where it is wrong.

    1. The subject: one line.
    2. The text part, then the HTML part, each as it was typed, so that what is wrong has its place.
    3. Snippets and, in the HTML, styles are put in. What that made is checked once more, as mail programs read it.
    4. A part that was not given is made of the other.
    5. Each part has the company's postal address and the way out, the HTML where they are seen.
    """
    typed = {"subject": subject.strip(), "text": _lines(text), "html": _lines(html)}
    found = snippets or {}
    head = _subject(typed["subject"])
    if not typed["text"].strip() and not typed["html"].strip():
        raise CampaignError("INVALID", "Write a text.", "text")
    plain, links = _text(typed["text"], found) if typed["text"].strip() else ("", ())
    made = _html(typed["html"], found) if typed["html"].strip() else html_of(plain)
    plain = plain or text_of_html(made)
    with _naming("text" if typed["text"].strip() else "html"):
        body = parse(plain)
    with _naming("html" if typed["html"].strip() else "text"):
        page, parsed = check_html(made), parse(made, html=True)
    for part, field, shown in ((body, "text", None), (parsed, "html", made)):
        named = field if typed[field].strip() else ("html" if field == "text" else "text")
        _has_what_must_be(part, shown, named)
    both = dict.fromkeys((*(anchor.url for anchor in page.anchors), *links))
    return Mail(head, body, parsed, page, tuple(both), typed)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """What is wrong in it is refused with the name of the part, and its position from 0."""
    try:
        yield
    except BadTemplate as error:
        raise CampaignError("INVALID", error.words, field, more={"position": error.position}) from error


def _subject(subject: str) -> Template:
    if not subject:
        raise CampaignError("INVALID", "An e-mail needs a subject.", "subject")
    if len(subject) > SUBJECT_MAX:
        raise CampaignError("INVALID", f"A subject has at most {SUBJECT_MAX} characters.", "subject")
    with _naming("subject"):
        if found := re.search(r"[\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029]", subject):
            raise BadTemplate(found.start(), "A subject is one line.")
        parsed = parse(subject)
        if WAY_OUT in parsed.variables:
            raise BadTemplate(subject.find(WAY_OUT), f"{{{{{WAY_OUT}}}}} belongs into the text.")
    return parsed


def _text(text: str, snippets: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text part and the links in it."""
    if len(text) > TEXT_MAX:
        raise CampaignError("INVALID", f"The text is longer than {TEXT_MAX:,} characters.", "text")
    with _naming("text"):
        parse(without_snippets(text))
        addresses_in(text)
        made = with_snippets(text, snippets)
        return made, tuple(url for url, _ in addresses_in(made))


def _html(html: str, snippets: Mapping[str, str]) -> str:
    """The HTML part as it is sent."""
    if len(html) > HTML_MAX:
        raise CampaignError("INVALID", f"The HTML is longer than {HTML_MAX:,} characters.", "html")
    with _naming("html"):
        check_html(html)
        parse(without_snippets(html), html=True)
        made = with_snippets(html, {name: lines_of(text) for name, text in snippets.items()})
    return _inlined(made)


@lru_cache(maxsize=32)  # of a text that somebody is writing: the same again and again
def _inlined(html: str) -> str:
    """With every style in its element, and as a parser of HTML 5 writes it. Variables are away meanwhile."""
    rules = sum(len(re.findall(r"[{,]", sheet)) for sheet in STYLE_SHEET.findall(html))
    if rules * html.count("<") > STYLED_MOST:
        raise CampaignError("INVALID", "Its styles are too many for so many elements: write it simpler.", "html")
    mark = next(f"v{n}x" for n in range(10_000) if f"v{n}x" not in html)
    kept: list[str] = []

    def away(found: re.Match[str]) -> str:
        kept.append(unescape(found[0]))  # a default is escaped when it is written
        return f"{mark}{len(kept) - 1}z"

    try:
        made = _INLINER.inline(VARIABLE.sub(away, html))
    except css_inline.InlineError as error:
        raise CampaignError("INVALID", f"Its styles cannot be read: {error}"[:300], "html") from error
    _read_alike(made)
    made = re.sub(rf"{mark}(\d+)z", lambda found: kept[int(found[1])], made)
    if "<!doctype" not in made[:20].lower():
        made = f"<!DOCTYPE html>{made}"
    if "charset=" not in made[:2_000].lower():
        made = made.replace("<head>", '<head><meta charset="utf-8">', 1)
    if len(made) > HTML_MAX:
        raise CampaignError("INVALID", f"With its styles it is longer than {HTML_MAX:,} characters.", "html")
    return made


def _read_alike(html: str) -> None:
    """A second reader, which drops what must not be sent, drops nothing of it. Raises CampaignError."""
    body = STYLE_SHEET.sub("", html)
    cleaned = nh3.clean(
        body, tags=set(_SEEN), clean_content_tags=set(), attributes={"*": set(ATTRIBUTES)}, link_rel=None,
        url_schemes=set(SCHEMES), generic_attribute_prefixes={"data-", "aria-"},
    )  # fmt: skip
    if any(_count(tag, body) != _count(tag, cleaned) for tag in _SEEN):
        raise CampaignError("INVALID", "Mail programs read this HTML in different ways: write it simpler.", "html")


def _count(tag: str, html: str) -> int:
    return len(re.findall(rf"<{tag}[\s>/]", html, re.IGNORECASE))


def _has_what_must_be(part: Template, html: str | None, field: str) -> None:
    """html: of the HTML part."""
    names, seen = part.variables, seen_in(html) if html is not None else None
    if ADDRESS not in names or (seen is not None and not seen.has_address):
        where = " where it is seen" if ADDRESS in names else ""
        words = f"Write {{{{companyAddress}}}}{where}: the law (CAN-SPAM) wants your postal address in every e-mail."
        raise CampaignError("INVALID", words, field)
    if WAY_OUT not in names or (seen is not None and not seen.has_way_out):
        how = '<a href="{{unsubscribeUrl}}">Unsubscribe</a>' if field == "html" else "Unsubscribe: {{unsubscribeUrl}}"
        where = " where it is seen" if WAY_OUT in names and seen is not None else ""
        raise CampaignError("INVALID", f"Write {how}{where}: every e-mail has a way out.", field)


def uses_snippets(*texts: str) -> bool:
    """Whether one of these texts names a snippet."""
    return any(SNIPPET.search(text) for text in texts)
