"""Whether who reads an e-mail's HTML sees the postal address and the way out: CAN-SPAM wants them to be conspicuous."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser

from campaigns.rules.mail_html import EMPTY_TAGS, WAY_OUT
from campaigns.rules.mail_styles import SMALLEST, declared, hidden_names, hides, size_of_letters
from campaigns.rules.templates import HIDDEN, VARIABLE


@dataclass(slots=True)
class Seen:
    """has_address: {{companyAddress}} among its words. has_way_out: a link to {{unsubscribeUrl}} that has words, or a
    picture with words for it.
    """

    has_address: bool = False
    has_way_out: bool = False


def seen_in(html: str) -> Seen:
    """html: as it is sent, each style in its element and each element closed; in its sheets what counts on some screens
    alone. A color like the background's is not found out.
    """
    reader = _Eyes(hidden_names(html))
    reader.feed(html)
    reader.close()
    return reader.seen


class _Eyes(HTMLParser):
    def __init__(self, hidden: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self._hidden = hidden
        self._around: list[tuple[str, bool, bool]] = [("", False, False)]  # open: a tag; unseen; its words of no size
        self._on_way_out = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        style = declared(said.get("style", ""))
        names = {*(f".{name}" for name in said.get("class", "").split()), f"#{said.get('id', '')}"}
        _, unseen, sizeless = self._around[-1]
        unseen = unseen or tag in ("head", "title") or hides(style) or not self._hidden.isdisjoint(names)
        if (size := size_of_letters(style)) is not None:  # an element inside it may have another one
            sizeless = size < SMALLEST
        if tag == "img" and not (unseen or {said.get("width"), said.get("height")} & {"0", "1", "0px", "1px"}):
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
