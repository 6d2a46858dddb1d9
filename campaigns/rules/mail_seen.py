"""Whether who reads an e-mail's HTML sees the postal address and the way out: CAN-SPAM wants them to be conspicuous."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from campaigns.rules.mail_html import EMPTY_TAGS, WAY_OUT
from campaigns.rules.templates import HIDDEN, VARIABLE

# What keeps an element, and all that stands in it, from being read.
UNSEEN: Final = re.compile(r"display:none|visibility:(?:hidden|collapse)|(?:opacity|max-height):0(?![.\d])")
FONT_SIZE: Final = re.compile(r"font-size:(0(?![.\d]))?")  # an element inside it may have another one


@dataclass(slots=True)
class Seen:
    """has_address: {{companyAddress}} among its words. has_way_out: a link to {{unsubscribeUrl}} that has words, or a
    picture with words for it.
    """

    has_address: bool = False
    has_way_out: bool = False


def seen_in(html: str) -> Seen:
    """html: as it is sent, each style in its element and each element closed. A color like the background's is not
    found out.
    """
    reader = _Eyes()
    reader.feed(html)
    reader.close()
    return reader.seen


class _Eyes(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self._around: list[tuple[str, bool, bool]] = [("", False, False)]  # open: a tag; unseen; its words of no size
        self._on_way_out = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        style = "".join(said.get("style", "").lower().split())
        _, unseen, sizeless = self._around[-1]
        unseen = unseen or tag in ("head", "title") or bool(UNSEEN.search(style))
        if sizes := FONT_SIZE.findall(style):
            sizeless = bool(sizes[-1])
        if tag == "img" and not unseen:
            self._see(said.get("alt", ""), is_words=False)
        if tag == "a":
            self._on_way_out = WAY_OUT.fullmatch(said.get("href", "")) is not None
        if tag not in EMPTY_TAGS:
            self._around.append((tag, unseen, sizeless))

    def handle_endtag(self, tag: str) -> None:
        places = [place for place, one in enumerate(self._around) if one[0] == tag]
        del self._around[places[-1] if places else len(self._around) :]
        self._on_way_out = self._on_way_out and tag != "a"

    def handle_data(self, data: str) -> None:
        _, unseen, sizeless = self._around[-1]
        if not (unseen or sizeless):
            self._see(data, is_words=True)

    def _see(self, words: str, *, is_words: bool) -> None:
        if self._on_way_out and any(not one.isspace() and unicodedata.category(one) not in HIDDEN for one in words):
            self.seen.has_way_out = True
        if is_words and any(found[1] == "companyAddress" for found in VARIABLE.finditer(words)):
            self.seen.has_address = True
