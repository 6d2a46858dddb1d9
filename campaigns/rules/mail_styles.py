"""Which styles of an e-mail's element keep it from being read. Pure."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator, Mapping
from typing import Final

COMMENTS: Final = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
SHEETS: Final = re.compile(r"<style[^>]*>(.*?)</style", re.IGNORECASE | re.DOTALL)
NAMES: Final = re.compile(r"[.#][\w-]+")
NUMBER: Final = re.compile(r"(-?\d*\.?\d+)(px|pt|em|rem|ex|ch|in|cm|mm|pc|vh|vw|%)?")
PIXELS: Final = {"pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "in": 96.0, "cm": 38.0, "mm": 3.8,
                 "pc": 16.0, "vh": 8.0, "vw": 8.0, "%": 0.16}  # fmt: skip
SMALLEST: Final = 6.0  # pixels of letters that somebody reads
FLATTEST: Final = 6.0  # pixels of a box that cuts off what is in it
FAR: Final = 200.0  # pixels beside the page
FAINTEST: Final = 0.2  # opacity
# The last digits of #0000 and #00000019 are the opacity.
SEE_THROUGH: Final = re.compile(
    r"transparent|#(?:[0-9a-f]{3}[01]|[0-9a-f]{6}[01][0-9a-f])"
    r"|(?:(?:rgba|hsla)\([^)]*,|(?:rgb|hsl)a?\([^)]*/)(?:0|0*\.0\d*)%?\)"
)
Color = tuple[int, int, int]  # red, green, blue: 0 to 255
BLACK, WHITE, LINK = (0, 0, 0), (255, 255, 255), (0, 0, 238)  # of what says none: words, the page, a link's words
NEAREST: Final = 24  # of 255: so near its background in all three, a letter is not seen
NAMED: Final = {
    "white": WHITE, "black": BLACK, "silver": (192, 192, 192), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "red": (255, 0, 0), "maroon": (128, 0, 0), "yellow": (255, 255, 0), "olive": (128, 128, 0), "lime": (0, 255, 0),
    "green": (0, 128, 0), "aqua": (0, 255, 255), "cyan": (0, 255, 255), "teal": (0, 128, 128), "blue": (0, 0, 255),
    "navy": (0, 0, 128), "fuchsia": (255, 0, 255), "magenta": (255, 0, 255), "purple": (128, 0, 128),
    "orange": (255, 165, 0), "lightgray": (211, 211, 211), "lightgrey": (211, 211, 211), "gainsboro": (220, 220, 220),
    "whitesmoke": (245, 245, 245), "snow": (255, 250, 250), "ghostwhite": (248, 248, 255), "ivory": (255, 255, 240),
    "floralwhite": (255, 250, 240), "azure": (240, 255, 255), "mintcream": (245, 255, 250), "honeydew": (240, 255, 240),
    "aliceblue": (240, 248, 255), "seashell": (255, 245, 238), "beige": (245, 245, 220), "linen": (250, 240, 230),
    "darkgray": (169, 169, 169), "darkgrey": (169, 169, 169), "dimgray": (105, 105, 105), "dimgrey": (105, 105, 105),
}  # fmt: skip
HEX: Final = re.compile(r"#(?:([0-9a-f]{6})(?:[0-9a-f]{2})?|([0-9a-f]{3})[0-9a-f]?)(?![0-9a-f])")
MIXED: Final = re.compile(r"(rgb|hsl)a?\( ?(-?[\d.]{1,9})(?:deg)?(%?)[ ,]+(-?[\d.]{1,9})(%?)[ ,]+(-?[\d.]{1,9})(%?)")
PARTED: Final = frozenset({"color", "background", "background-color", "-webkit-text-fill-color"})
NO_COLOR: Final = ("", "none", "transparent", "inherit", "initial", "unset", "currentcolor")
SHUT: Final = re.compile(r"inset\((?:[5-9]\d|100)(?:\.\d+)?%|circle\(0|rect\(0|polygon\(00")


def declared(style: str) -> dict[str, str]:
    """What counts of a style: of each property the last value, an important one before others; without spaces, but of
    colors, whose numbers they part.
    """
    found: dict[str, str] = {}
    for one in COMMENTS.sub("", style).lower().split(";"):
        name, _, value = (part.strip() for part in one.partition(":"))
        space = " " if name in PARTED else ""
        value = space.join(value.split()).replace(" !", "!").replace("! ", "!")
        plain = value.removesuffix("!important")
        if value and (plain != value or not found.get(name, "").endswith("!important")):
            found[name] = value
    return {name: value.removesuffix("!important") for name, value in found.items()}


def hides(said: dict[str, str]) -> bool:
    """Whether nobody sees the element, and all that stands in it."""
    cuts = said.get("overflow", said.get("overflow-y", said.get("overflow-x", ""))) in ("hidden", "clip")
    sides = ["height", "max-height", *([] if "min-width" in said else ["width", "max-width"])]
    flat = any((size := pixels(said.get(name, ""))) is not None and size < FLATTEST for name in sides)
    places = ["text-indent", "margin", "margin-left", "margin-top"]
    if said.get("position") in ("absolute", "fixed", "relative"):
        places += ["left", "top", "right", "bottom"]
    opacity, turned = NUMBER.fullmatch(said.get("opacity", "")), said.get("transform", "")
    return (
        said.get("display") == "none"
        or said.get("visibility") in ("hidden", "collapse")
        or said.get("mso-hide") == "all"
        or (opacity is not None and float(opacity[1]) / (100 if opacity[2] else 1) < FAINTEST)
        or pixels(said.get("max-height", "")) == 0
        or (cuts and flat)
        or any((place := pixels(said.get(name, ""))) is not None and place <= -FAR for name in places)
        or SEE_THROUGH.fullmatch(said.get("color", "").replace(" ", "")) is not None
        or SHUT.search(said.get("clip", "") + said.get("clip-path", "")) is not None
        or turned in ("scale(0)", "scale(0,0)", "scalex(0)", "scaley(0)")
    )


def color_of(value: str) -> Color | None:
    """#f00, #ff0000, rgb(…), hsl(…), also among other words, or a usual name before others; None: not known."""
    if found := HEX.search(value):
        digits = found[1] or "".join(2 * one for one in found[2])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := MIXED.search(value):
        return _mixed(found)
    return NAMED.get(value.partition(" ")[0])


def _mixed(found: re.Match[str]) -> Color | None:
    try:
        one, two, three = (float(found[place]) for place in (2, 4, 6))
    except ValueError:
        return None
    shares: tuple[float, ...] = tuple(
        n / (100 if found[place] else 255) for n, place in ((one, 3), (two, 5), (three, 7))
    )
    if found[1] == "hsl":
        shares = colorsys.hls_to_rgb(one % 360 / 360, three / 100, two / 100)
    red, green, blue = (min(255, max(0, round(255 * share))) for share in shares)
    return red, green, blue


def behind(said: Mapping[str, str], given: Mapping[str, str], under: Color | None) -> Color | None:
    """The color behind the words of an element. given: its attributes; under: behind it. None: not known."""
    picture = said.get("background-image", "") + said.get("background", "")
    if "url(" in picture or "gradient(" in picture or given.get("background"):
        return None
    value = said.get("background-color", said.get("background", given.get("bgcolor", "").lower()))
    is_none = value in NO_COLOR or SEE_THROUGH.fullmatch(value.replace(" ", "")) is not None
    return under if is_none else color_of(value)


def is_like(color: Color | None, background: Color | None) -> bool:
    """Whether a letter of this color is not seen there."""
    if color is None or background is None:
        return False
    return all(abs(one - other) < NEAREST for one, other in zip(color, background, strict=True))


def size_of_letters(said: dict[str, str]) -> float | None:
    """In pixels, about; None: it says none."""
    if "font-size" in said:
        return pixels(said["font-size"])
    return pixels(said["font"]) if NUMBER.match(said.get("font", "")) else None


def pixels(value: str) -> float | None:
    """A length; None: none."""
    found = NUMBER.match(value)
    return float(found[1]) * PIXELS.get(found[2] or "px", 1.0) if found is not None else None


def hidden_names(html: str) -> frozenset[str]:
    """Classes and ids (.x, #x) that a style sheet hides on some screens: on a phone an e-mail is to be read, too."""
    return frozenset(_names(html))


def _names(html: str) -> Iterator[str]:
    for sheet in SHEETS.findall(html):
        for rule in COMMENTS.sub("", sheet).split("}"):
            before, _, style = rule.rpartition("{")
            selectors, said = before.rpartition("{")[2], declared(style)
            size = size_of_letters(said)
            if hides(said) or (size is not None and size < SMALLEST):
                for selector in selectors.split(","):
                    yield from NAMES.findall(selector.split()[-1] if selector.split() else "")
