"""Fonts as small as what pages show: `make fonts` cuts the theme's down into common/static/desk/fonts.

Inter keeps what American names and our sentences are written with; common/static/desk/fonts.css leaves other letters to
the theme's whole file, which a browser fetches only for a page that has one. Material Symbols keeps the icons that a
source of a page names: a symbol is a word that the font draws as one picture. tests/common/test_fonts.py fails when a
page's source names an icon that the cut font lacks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import unfold
from fontTools.subset import Options, Subsetter, load_font, save_font
from fontTools.ttLib import TTFont

from devtools.servers import PROJECT

THEME = Path(unfold.__file__).parent
FULL = THEME / "static/unfold/fonts"
CUT = PROJECT / "common/static/desk/fonts"
SYMBOLS = "Material-Symbols-Outlined"
LETTERS = ("Inter-Regular", "Inter-Medium", "Inter-SemiBold", "Inter-Bold")
# Basic Latin, Latin-1, Latin Extended-A (Hawaiian, Polish and Czech names), the okina and accents that combine,
# punctuation, the euro, the trademark, arrows and signs of mathematics that our pages have
RANGES = (
    (0x0020, 0x007E), (0x00A0, 0x017F), (0x02BB, 0x02BC), (0x02C6, 0x02C6), (0x02DA, 0x02DA), (0x02DC, 0x02DC),
    (0x0300, 0x0304), (0x2010, 0x2027), (0x2030, 0x203A), (0x20AC, 0x20AC), (0x2122, 0x2122), (0x2190, 0x2193),
    (0x2212, 0x2215), (0x2248, 0x2248), (0x2264, 0x2265),
)  # fmt: skip
FEATURES = ["kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "tnum", "case"]
# Kept though no source names them yet: what pages usually take next. Seventy bytes each.
SPARE = [
    "account_circle", "attach_money", "bar_chart", "bolt", "bookmark", "business", "calendar_view_week", "chat",
    "check_circle", "checklist", "content_copy", "credit_card", "dashboard", "description", "edit_note",
    "edit_calendar", "filter_alt", "flag", "folder", "insights", "label_important", "layers", "local_offer",
    "location_on", "mark_email_read", "monitoring", "notes", "notifications", "notifications_active",
    "notifications_none", "paid", "payments", "people", "person", "pin_drop", "pie_chart", "priority_high",
    "query_stats", "receipt", "repeat", "savings", "send", "settings", "star", "task_alt", "thumb_up", "timer",
    "trending_up", "tune", "view_kanban", "view_list", "view_column", "work_history",
]  # fmt: skip
LIGATURE, EXTENSION = 4, 7  # kinds of look-up in GSUB (OpenType 1.9, "Glyph Substitution Table")

# Where a page's icons are named: templates, the theme's and ours, scripts, styles, and the Python that fills them in.
ROOMS = ("accounts", "buckets", "campaigns", "common", "config", "enrichment", "integrations", "leads", "operations")
WORD = re.compile(r"""["'>}]\s*([a-z0-9][a-z0-9_]{2,})\s*["'<{]""")  # quoted, or alone in its element or its branch
CONTENT = re.compile(r"""content(?::|-\[)["']([a-z0-9_]{3,})["']""")


def icons_of(path: Path) -> dict[str, str]:
    """The icons that a font draws: word and the name of its picture."""
    with TTFont(path) as font:
        letters = {name: chr(code) for code, name in font.getBestCmap().items()}
        return {
            "".join(letters[part] for part in (first, *one.Component)): one.LigGlyph
            for lookup in font["GSUB"].table.LookupList.Lookup
            for table in lookup.SubTable
            for real in [table.ExtSubTable if table.LookupType == EXTENSION else table]
            if real.LookupType == LIGATURE
            for first, found in real.ligatures.items()
            for one in found
        }


def sources() -> Iterator[tuple[Path, re.Pattern[str]]]:
    """Files that may name an icon, each with what an icon's name looks like there."""
    for folder in (THEME / "templates", PROJECT / "templates"):
        yield from ((path, WORD) for path in folder.rglob("*.html"))
    yield from ((path, WORD) for path in THEME.glob("*.py"))
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            if "icon" in (text := path.read_text()) or "material-symbols" in text:
                yield path, WORD
    for folder in (THEME / "static", PROJECT / "common/static/desk"):
        yield from ((path, CONTENT) for path in folder.rglob("*.css"))
    yield from ((path, WORD) for path in (PROJECT / "common/static/desk").rglob("*.js"))
    yield THEME / "static/unfold/js/app.js", WORD


def used() -> set[str]:
    """Icons that a source names. A word that is an icon's name and means something else there is kept as well."""
    words = {word for path, pattern in sources() for word in pattern.findall(path.read_text())}
    return words & set(icons_of(FULL / "material-symbols" / f"{SYMBOLS}.woff2"))


def cut_symbols() -> Path:
    full = FULL / "material-symbols" / f"{SYMBOLS}.woff2"
    drawn = icons_of(full)
    wanted = used() | (drawn.keys() & set(SPARE))
    options = Options(flavor="woff2", layout_features=["*"], hinting=False, layout_closure=False, glyph_names=False)
    letters = {ord(letter) for word in wanted for letter in word}
    return _cut(full, options, unicodes=letters, glyphs={drawn[word] for word in wanted})


def cut_letters(name: str) -> Path:
    options = Options(flavor="woff2", layout_features=FEATURES, hinting=False)
    codes = {code for first, last in RANGES for code in range(first, last + 1)}
    return _cut(FULL / "inter" / f"{name}.woff2", options, unicodes=codes, glyphs=set())


def _cut(full: Path, options: Options, *, unicodes: set[int], glyphs: set[str]) -> Path:
    font = load_font(full, options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=unicodes, glyphs=glyphs)
    subsetter.subset(font)
    CUT.mkdir(exist_ok=True)
    made = CUT / full.name
    save_font(font, made, options)
    return made


def main() -> None:
    for made in (cut_symbols(), *map(cut_letters, LETTERS)):
        sys.stdout.write(f"{made.relative_to(PROJECT)}  {made.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
