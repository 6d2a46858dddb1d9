"""What the desk's own scripts never do, whatever text they are given."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = {
    path.name: path.read_text() for path in (Path(__file__).resolve().parents[2] / "common/static/desk").glob("*.js")
}
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc")
COMPUTED = re.compile(r"(?<!const )(?<!let )(?<!\[)\[(?!\d+\])[^\[\]\"'/]+\]\s*=(?![=>])")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [line.strip() for text in SCRIPTS.values() for line in text.splitlines() if pattern.search(line)]


def test_text_is_set_as_text_and_markup_comes_from_our_templates_alone() -> None:
    assert len(SCRIPTS) > 5
    ours = "// our own template's, escaped there"
    assert sorted(set(lines_with(MARKUP))) == [
        f"box.innerHTML = await answer.text(); {ours}", f"list.innerHTML = html; {ours}", f"stage.innerHTML = html; {ours}",
    ]  # fmt: skip


def test_nothing_is_written_under_a_name_that_comes_from_outside() -> None:
    """An object's prototype is one such name."""
    assert COMPUTED.search("errors[name] = 1") and COMPUTED.search("o[a.b] = {}")
    assert lines_with(COMPUTED) == []


def test_nobody_is_kept_from_pasting() -> None:
    assert lines_with(re.compile(r"paste|autocomplete")) == []
