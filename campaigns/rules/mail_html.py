"""HTML of an e-mail: what of it may be sent, its text, and HTML made of a text. What cannot be sent is refused, and
never taken out in silence.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from campaigns.rules.templates import SNIPPET, VARIABLE, BadTemplate

TAGS: Final = frozenset(
    {
        "a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "body", "br", "caption", "center", "cite",
        "code", "col", "colgroup", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1",
        "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "img", "ins", "li", "main", "meta", "nav",
        "ol", "p", "pre", "q", "s", "section", "small", "span", "strike", "strong", "style", "sub", "sup", "table",
        "tbody", "td", "tfoot", "th", "thead", "title", "tr", "tt", "u", "ul", "wbr"
    }
)  # fmt: skip
ATTRIBUTES: Final = frozenset(
    {
        "abbr", "align", "alt", "background", "bgcolor", "border", "cellpadding", "cellspacing", "charset", "class",
        "cite", "color", "cols", "colspan", "content", "dir", "face", "headers", "height", "href", "hspace", "id",
        "lang", "link", "name", "noshade", "nowrap", "rel", "role", "rowspan", "rules", "scope", "size", "span", "src",
        "start", "style", "summary", "target", "text", "title", "type", "valign", "value", "vlink", "vspace",
        "width", "xmlns"
    }
)  # fmt: skip
WORDS: Final = {
    "script": "Scripts cannot be sent: mail programs drop them, and filters the mail.",
    **dict.fromkeys(("form", "input", "button", "select", "option", "textarea", "label"), "Forms cannot be sent: "
                    "link to a page that has one."),
    **dict.fromkeys(("iframe", "frame", "frameset", "object", "embed", "applet"), "Pages and files inside an e-mail "
                    "cannot be sent: link to them."),
    **dict.fromkeys(("audio", "video", "source", "track"), "Sound and video cannot be sent: link to them."),
    **dict.fromkeys(("svg", "math", "canvas"), "Drawings cannot be sent: link to a picture by https."),
    "link": "Style sheets from elsewhere cannot be sent: write the styles into <style>.",
    "base": "<base> cannot be sent: write whole addresses.",
}  # fmt: skip
ATTACHED = "Attachments cannot be sent: put the picture or file on the web and link to it by https."
EMPTY_TAGS: Final = frozenset({"br", "hr", "img", "meta", "wbr", "col"})
WAY_OUT: Final = re.compile(r"\s*\{\{\s*unsubscribeUrl\s*\}\}\s*")
BAD_STYLES: Final = (
    "expression(", "javascript:", "vbscript:", "@import", "@font-face", "behavior:", "-moz-binding", "image-set(",
    "element(", "src(", "\\",
)  # fmt: skip
STYLE_URL: Final = re.compile(r"url\(\s*(['\"]?)([^)]*)", re.IGNORECASE)
SCHEMES: Final = ("http", "https", "mailto", "tel")
SPACES: Final = re.compile(r"[\x00-\x20\x7f]")
# An address in a text; it ends before punctuation that ends a sentence.
ADDRESS: Final = re.compile(r"https?://[^\s<>\"{}\x00-\x1f]+", re.IGNORECASE)
ENDS: Final = ".,;:!?'’”)]*_"
LINK_MOST: Final = 2_000  # characters
SHEETS_MOST: Final = 20
DEEPEST: Final = 150  # elements open at once; parsers that call themselves for each run out of stack at thousands
# Elements that the next of their kind ends: many e-mails leave them open.
ENDED_BY_OTHERS: Final = frozenset({
    "body", "col", "colgroup", "dd", "dt", "head", "html", "li", "p", "tbody", "td", "tfoot", "th", "thead", "tr"
})  # fmt: skip
BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "figcaption", "figure",
        "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
        "table", "tr", "ul"
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link: where it leads and what stands on it. position: in the HTML, from 0."""

    url: str
    words: str
    position: int


@dataclass(slots=True)
class Page:
    """What an e-mail's HTML holds. bare: pictures without words of their own."""

    anchors: list[Anchor] = field(default_factory=list)
    pictures: int = 0
    bare: int = 0
    letters: int = 0


def check_html(html: str) -> Page:
    """Raises BadTemplate at the first thing that cannot be sent: scripts, forms, frames, files inside it, handlers,
    styles from elsewhere, pictures that are not linked by https, addresses that are not whole, and variables anywhere
    but in its text, in words for a picture and, {{unsubscribeUrl}} alone, as where a link leads.
    """
    if html.lower().count("<style") > SHEETS_MOST:
        raise BadTemplate(html.lower().find("<style"), f"At most {SHEETS_MOST} <style>: write the styles into one.")
    reader = _Checker(html)
    reader.feed(html)
    reader.close()
    return reader.page


def addresses_in(text: str) -> list[tuple[str, int]]:
    """The web addresses in a text part, each with its position. Raises BadTemplate where a variable touches one: a link
    is the same for everybody, so that it can be followed and counted.
    """
    found = []
    for match in ADDRESS.finditer(text):
        if text[match.end() : match.end() + 1] == "{":
            raise BadTemplate(match.start(), "A link is the same for everybody: a variable cannot stand in it.")
        url = whole(match[0])
        _checked_url(url, match.start())
        found.append((url, match.start()))
    return found


def whole(found: str) -> str:
    """An address as it was found in a text, without what ends the sentence."""
    return found.rstrip(ENDS)


class _Reader(HTMLParser):
    """Knows where it is: offsets from 0."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._lines = [0]
        for line in html.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    @property
    def position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


class _Checker(_Reader):
    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.page = Page()
        self._in_style = False
        self._open: tuple[str, int] | None = None
        self._words: list[str] = []
        self._inside: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            words = WORDS.get(tag, f"<{tag}> cannot be sent: mail programs do not know it.")
            raise BadTemplate(self.position, words)
        if tag not in EMPTY_TAGS | ENDED_BY_OTHERS:
            self._inside[tag] += 1
            if self._inside.total() > DEEPEST:
                words = f"More than {DEEPEST} elements are inside each other here: close them, or write it simpler."
                raise BadTemplate(self.position, words)
        said = {name: value or "" for name, value in attrs}
        if len(said) != len(attrs):
            raise BadTemplate(self.position, f"<{tag}> has the same attribute twice.")
        for name, value in said.items():
            self._attribute(tag, name, value)
        self._in_style = tag == "style"
        if tag == "a" and "href" in said:
            self._end_anchor()
            self._open = (said["href"].strip(), self.position)
        if tag == "img":
            self.page.pictures += 1
            self.page.bare += not said.get("alt", "").strip()
            if not said.get("src"):
                raise BadTemplate(self.position, 'A picture needs its address: src="https://…".')
        if tag == "meta" and said.get("http-equiv", "").lower() not in ("", "content-type", "x-ua-compatible"):
            raise BadTemplate(self.position, "<meta http-equiv> cannot be sent.")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # as mail programs read it: the slash means nothing
        self._in_style = False

    def handle_endtag(self, tag: str) -> None:
        self._inside[tag] -= self._inside[tag] > 0  # by its name alone: what else is open stays so for some parsers
        self._in_style = False
        if tag == "a":
            self._end_anchor()

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._style(data, "A style sheet")
            return
        self.page.letters += len("".join(data.split()))
        if self._open is not None:
            self._words.append(data)

    def handle_comment(self, data: str) -> None:
        if "[" in data or "<" in data or ">" in data:
            raise BadTemplate(self.position, "Comments for one mail program cannot be sent: leave them out.")
        if "{{" in data:
            raise BadTemplate(self.position, "A variable cannot stand in a comment.")

    def handle_decl(self, decl: str) -> None:
        if not decl.lower().startswith("doctype"):
            raise BadTemplate(self.position, f"<!{decl[:20]} cannot be sent.")

    def handle_pi(self, data: str) -> None:
        raise BadTemplate(self.position, f"<?{data[:20]} cannot be sent.")

    def unknown_decl(self, data: str) -> None:
        raise BadTemplate(self.position, f"<![{data[:20]} cannot be sent.")

    def close(self) -> None:
        super().close()
        self._end_anchor()

    def _end_anchor(self) -> None:
        if self._open is None:
            return
        url, position = self._open
        if url.lower().startswith("http"):
            self.page.anchors.append(Anchor(url, " ".join("".join(self._words).split()), position))
        self._open, self._words = None, []

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            raise BadTemplate(self.position, f"{name}=… runs a script: mail programs drop it, and filters the mail.")
        if name == "http-equiv" and tag == "meta":
            return
        if name not in ATTRIBUTES and not name.startswith(("data-", "aria-")):
            raise BadTemplate(self.position, f"{name}=… of <{tag}> cannot be sent: mail programs do not know it.")
        if name == "style":
            self._style(value, "style=…")
        elif name in ("href", "src", "background", "cite"):
            self._url(tag, name, value.strip())
        elif "{{" in value and (name not in ("alt", "title") or SNIPPET.search(value)):
            raise BadTemplate(self.position, f"A variable cannot stand in {name}=…, only in texts.")

    def _url(self, tag: str, name: str, url: str) -> None:
        if tag == "a" and WAY_OUT.fullmatch(url):
            return
        if "{" in url:
            words = "A link is the same for everybody: a variable cannot stand in it, but for {{unsubscribeUrl}} alone."
            raise BadTemplate(self.position, words)
        if name == "href" and tag == "a":
            if not (url.startswith("#") and not SPACES.search(url)):
                _checked_url(url, self.position)
        elif not url.lower().startswith("https://"):
            if url.lower().startswith(("cid:", "data:", "file:", "blob:")):
                raise BadTemplate(self.position, ATTACHED)
            raise BadTemplate(self.position, 'A picture is linked by https: src="https://…".')
        else:
            _checked_url(url, self.position)

    def _style(self, css: str, what: str) -> None:
        plain = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).lower()
        for bad in BAD_STYLES:
            if bad in "".join(plain.split()):
                raise BadTemplate(self.position, f"{what} holds “{bad}”, which cannot be sent.")
        if VARIABLE.search(css) or SNIPPET.search(css):
            raise BadTemplate(self.position, f"{what} holds a variable: those stand in texts alone.")
        if "<" in css:
            raise BadTemplate(self.position, f"{what} holds “<”, which cannot be sent.")
        for match in STYLE_URL.finditer(plain):
            url = match[2].strip().strip("'\"")
            if url.startswith(("cid:", "data:")):
                raise BadTemplate(self.position, ATTACHED)
            if not url.startswith("https://"):
                raise BadTemplate(self.position, f"{what} has a picture that is not linked by https.")


def _checked_url(url: str, position: int) -> None:
    """Raises BadTemplate: no whole address of the web, an e-mail or a phone."""
    scheme = url.partition(":")[0].lower()
    if scheme in ("cid", "data"):
        raise BadTemplate(position, ATTACHED)
    if SPACES.search(url) or scheme not in SCHEMES:
        raise BadTemplate(position, f"“{url[:40]}” is no whole address: https://…, mailto:… or tel:…")
    if scheme in ("mailto", "tel"):
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or "@" in parts.netloc or len(url) > LINK_MOST:
        raise BadTemplate(position, f"“{url[:40]}” is no address that a link can lead to.")


# --- One part made of the other ---------------------------------------------------------------------------------------


def text_of(html: str) -> str:
    """The text part of an HTML part: blocks on lines of their own, links with where they lead, pictures as their words.
    Variables stay.
    """
    reader = _Texts(html)
    reader.feed(html)
    reader.close()
    lines = ("".join(reader.said)).split("\n")
    text = "\n".join(" ".join(line.split()) for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _Texts(_Reader):
    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.said: list[str] = []
        self._quiet = ""
        self._link = ""
        self._since = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag in ("style", "title", "head") and not self._quiet:
            self._quiet = tag
        elif tag == "body":
            self._quiet = ""
        elif tag == "br":
            self.said.append("\n")
        elif tag == "img":
            self.said.append(said.get("alt", ""))
        elif tag == "li":
            self.said.append("\n- ")
        elif tag in BLOCKS:
            self.said.append("\n" if tag == "tr" else "\n\n")
        elif tag == "td":
            self.said.append(" ")
        if tag == "a":
            self._link, self._since = said.get("href", "").strip(), len(self.said)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._quiet:
            self._quiet = ""
        if tag == "a" and self._link:
            words = " ".join("".join(self.said[self._since :]).split())
            link = self._link.removeprefix("mailto:").removeprefix("tel:")
            if words in ("", link.partition("://")[2].removesuffix("/")):
                self.said[self._since :] = [link]
            elif not link.startswith("#") and words != link:
                self.said.append(f": {link} ")
            self._link = ""
        elif tag in BLOCKS and tag not in ("li", "tr"):
            self.said.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.said.append(re.sub(r"\s+", " ", data))


_P: Final = '<p style="margin: 0 0 1em 0;">'
_WAY_OUT_LINE: Final = re.compile(r"unsubscribe\W*\{\{\s*unsubscribeUrl\s*\}\}\W*", re.IGNORECASE)
_LINKS: Final = re.compile(rf"{ADDRESS.pattern}|\{{\{{\s*unsubscribeUrl\s*\}}\}}", re.IGNORECASE)
WIDTH: Final = 600  # px: what mail programs on a desk show without a bar


def html_of(text: str) -> str:
    """The HTML part of a text part: its paragraphs, its lines, its links. Variables stay."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip("\n")) if part.strip()]
    said = "\n".join(f"{_P}{'<br>'.join(map(_line, part.split(chr(10))))}</p>" for part in paragraphs)
    style = "font-family: Arial, Helvetica, sans-serif; font-size: 16px; line-height: 1.5; color: #222222;"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body style="margin: 0;"><div style="max-width: {WIDTH}px; padding: 16px; {style}">\n{said}\n'
        "</div></body></html>"
    )


def lines_of(text: str) -> str:
    """A snippet's lines as HTML inside a paragraph."""
    return "<br>".join(map(_line, text.strip("\n").split("\n")))


def _line(line: str) -> str:
    if _WAY_OUT_LINE.fullmatch(line.strip()):
        return '<a href="{{unsubscribeUrl}}">Unsubscribe</a>'
    made, start = [], 0
    for match in _LINKS.finditer(line):
        made.append(_escaped(line[start : match.start()]))
        url = match[0] if match[0].startswith("{") else whole(match[0])
        shown = url if url.startswith("{") else escape(url.partition("://")[2].removesuffix("/"))
        made.append(f'<a href="{url if url.startswith("{") else escape(url)}">{shown}</a>')
        start = match.start() + len(url)
    return "".join((*made, _escaped(line[start:])))


def _escaped(text: str) -> str:
    """The words escaped; variables as they are, their defaults too: those are escaped when they are written."""
    made, start = [], 0
    for match in VARIABLE.finditer(text):
        made += [escape(text[start : match.start()], quote=False), match[0]]
        start = match.end()
    return "".join((*made, escape(text[start:], quote=False)))
