"""The small fonts have every icon that a page's source names and every letter that pages are written with."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from devtools import fonts
from devtools.servers import PROJECT

CSS = (PROJECT / "common/static/desk/fonts.css").read_text()


def test_every_icon_that_a_source_names_is_in_the_small_font() -> None:
    drawn = set(fonts.icons_of(fonts.CUT / f"{fonts.SYMBOLS}.woff2"))
    assert {"home", "search", "close", "close_small", "warning", "real_estate_agent"} <= drawn
    assert sorted(fonts.used() - drawn) == [], "run `make fonts`"


def test_an_icon_is_found_in_each_kind_of_source(tmp_path: Path) -> None:
    html = '<span class="material-symbols-outlined">\n  map\n</span> {% x icon="pin_drop" %}'
    assert set(fonts.WORD.findall(html)) == {"map", "pin_drop"}
    assert fonts.CONTENT.findall('a{--tw-content:"warning";content:var(--tw-content)}') == ["warning"]


def test_what_templates_and_scripts_write_is_in_the_small_letters() -> None:
    known = {chr(code) for first, last in fonts.RANGES for code in range(first, last + 1)} | set("\n\t\r")
    files = [*(PROJECT / "templates").rglob("*.html"), *(PROJECT / "common/static/desk").glob("*.js")]
    assert len(files) > 100
    lacking = {letter: path.name for path in files for letter in set(path.read_text()) - known}
    assert lacking == {}


def test_the_styles_ask_for_the_small_files_where_they_have_the_letter_and_for_the_whole_ones_elsewhere() -> None:
    ranges = ", ".join(f"U+{a:04X}" if a == b else f"U+{a:04X}-{b:04X}" for a, b in fonts.RANGES)
    for name in fonts.LETTERS:
        assert f'url(fonts/{name}.woff2) format("woff2"); unicode-range: {ranges}; }}' in CSS
        whole = re.search(rf"unfold/fonts/inter/{name}\.woff2\) format\(\"woff2\"\); unicode-range: (.*); }}", CSS)
        assert whole
        rest = [
            (int(first, 16), int(last or first, 16))
            for first, last in re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", whole[1])
        ]
        both = sorted([*fonts.RANGES, *rest])
        behind_latin = [(first, last) for first, last in both if first >= 0x180]
        assert behind_latin[0][0] == 0x180 and behind_latin[-1][1] == 0xFFFF
        assert all(one[1] + 1 == after[0] for one, after in itertools.pairwise(behind_latin))


def test_the_small_files_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in fonts.CUT.glob("*.woff2")}
    assert len(sizes) == 5
    assert sizes.pop(f"{fonts.SYMBOLS}.woff2") < 30_000  # bytes; the theme's has 292 kB
    assert all(size < 30_000 for size in sizes.values()), sizes  # the theme's have 115 kB each
