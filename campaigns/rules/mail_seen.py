"""Whether who reads an e-mail's HTML sees the postal address and the way out: CAN-SPAM wants them to be conspicuous."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from campaigns.rules.mail_html import EMPTY_TAGS, WAY_OUT
from campaigns.rules.mail_styles import (
    BLACK,
    LINK,
    NO_COLOR,
    SMALLEST,
    WHITE,
    Color,
    behind,
    color_of,
    declared,
    hidden_names,
    hides,
    is_like,
    size_of_letters,
)
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
    alone. A color like the background's is found out where both are of elements, not of such a sheet.
    """
    reader = _Eyes(hidden_names(html))
    reader.feed(html)
    reader.close()
    return reader.seen


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is open. unseen: with all that is in it; sizeless: its own words. color, background: of its words
    and behind them; None: not known.
    """

    tag: str
    unseen: bool = False
    sizeless: bool = False
    color: Color | None = BLACK
    background: Color | None = WHITE


def _color(tag: str, given: Mapping[str, str], style: Mapping[str, str], around: _Open) -> Color | None:
    """Of its words. A link that says none has a link's."""
    value = style.get("-webkit-text-fill-color") or style.get("color", "")
    if not value and tag in ("font", "body"):
        value = given.get("color" if tag == "font" else "text", "").lower()
    if value in NO_COLOR:
        return LINK if tag == "a" and "href" in given and value != "inherit" else around.color
    return color_of(value)


class _Eyes(HTMLParser):
    def __init__(self, hidden: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self._hidden = hidden
        self._around = [_Open("")]
        self._on_way_out = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        style = declared(said.get("style", ""))
        names = {*(f".{name}" for name in said.get("class", "").split()), f"#{said.get('id', '')}"}
        around = self._around[-1]
        unseen = around.unseen or tag in ("head", "title") or hides(style) or not self._hidden.isdisjoint(names)
        size = size_of_letters(style)  # an element inside it may have another one
        sizeless = around.sizeless if size is None else size < SMALLEST
        inside = _Open(tag, unseen, sizeless, _color(tag, said, style, around), behind(style, said, around.background))
        if tag == "img" and not (unseen or {said.get("width"), said.get("height")} & {"0", "1", "0px", "1px"}):
            self._see(said.get("alt", ""), is_words=False)
        if tag == "a":
            self._on_way_out = WAY_OUT.fullmatch(said.get("href", "")) is not None
        if tag not in EMPTY_TAGS:
            self._around.append(inside)

    def handle_endtag(self, tag: str) -> None:
        places = [place for place, one in enumerate(self._around) if one.tag == tag]
        del self._around[places[-1] if places else len(self._around) :]
        self._on_way_out = self._on_way_out and tag != "a"

    def handle_data(self, data: str) -> None:
        around = self._around[-1]
        if not (around.unseen or around.sizeless or is_like(around.color, around.background)):
            self._see(data, is_words=True)

    def _see(self, words: str, *, is_words: bool) -> None:
        if self._on_way_out and any(not one.isspace() and unicodedata.category(one) not in HIDDEN for one in words):
            self.seen.has_way_out = True
        if is_words and any(found[1] == "companyAddress" for found in VARIABLE.finditer(words)):
            self.seen.has_address = True
