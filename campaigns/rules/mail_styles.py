"""Which styles of an e-mail's element keep it from being read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
SEE_THROUGH: Final = re.compile(r"transparent|(?:(?:rgba|hsla)\([^)]*,|(?:rgb|hsl)a?\([^)]*/)(?:0|0*\.0\d*)%?\)")
SHUT: Final = re.compile(r"inset\((?:[5-9]\d|100)(?:\.\d+)?%|circle\(0|rect\(0|polygon\(00")


def declared(style: str) -> dict[str, str]:
    """What counts of a style: of each property the last value, an important one before others; without spaces."""
    found: dict[str, str] = {}
    for one in COMMENTS.sub("", style).lower().split(";"):
        name, _, value = ("".join(part.split()) if at else part.strip() for at, part in enumerate(one.partition(":")))
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
        or SEE_THROUGH.fullmatch(said.get("color", "")) is not None
        or SHUT.search(said.get("clip", "") + said.get("clip-path", "")) is not None
        or turned in ("scale(0)", "scale(0,0)", "scalex(0)", "scaley(0)")
    )


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
