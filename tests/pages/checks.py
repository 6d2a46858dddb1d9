"""What every page is held to, light and dark: no script error, no serious finding of axe-core, nothing sideways."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from devtools.fonts import CUT, SYMBOLS, icons_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1440, 390)  # px: a desk, a phone
# To parametrise "width" over: at 1440 px `axe_check` looks at both; at 390 px all is done, and checked anew, as `long`.
BOTH = [WIDTHS[0], pytest.param(WIDTHS[1], marks=pytest.mark.long)]
IMPACTS = ("serious", "critical")
OF_COLOUR = ("color-contrast", "link-in-text-block")  # the rules of axe-core that a page may keep light and break dark
# axe-core runs no rule whose findings would be below IMPACTS: they would be left out.
LESS_OFF = """() => { for (const rule of axe._audit.rules)
    if (["minor", "moderate"].includes(rule.impact)) rule.enabled = false; }"""
ALLOWED = (  # (rule of axe-core, part of the node's selector)
    # Django's own SelectFilter2.js names the help of its filter boxes on a <span>: users and groups, superusers only.
    ("aria-prohibited-attr", ".help-tooltip"),
)


def errors_on(page: Page, errors: list[str]) -> None:
    """Writes down every error of the page's console and scripts from now on, with the page's address."""
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on("console", lambda m: errors.append(f"{page.url}: {m.text}") if m.type == "error" else None)


def stops_missing(page: Page) -> list[str]:
    """Says so where the first stop of Tab is no way past the menu, or the page has not one main landmark."""
    found = page.evaluate(
        """() => {
            const first = document.querySelector("body a[href], body button, body input:not([type=hidden])");
            const leads = first?.matches("a[href^='#']:not([href='#'])");
            const to = leads && document.querySelector(first.getAttribute("href"));
            return [to?.tagName || "nowhere", document.querySelectorAll("main, [role=main]").length];
        }"""
    )
    return (
        [] if found == ["MAIN", 1] else [f"{page.url}: the first stop leads to {found[0]}; {found[1]} main landmarks"]
    )


@cache
def _icons() -> list[str]:
    return sorted(icons_of(CUT / f"{SYMBOLS}.woff2"))


def words_for_icons(page: Page) -> list[str]:
    """Says so where an icon is not in the small font, which draws its name as a word: `make fonts`."""
    missing = page.evaluate(
        """(known) => [...document.querySelectorAll(".material-symbols-outlined")]
            .map((e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join("").trim())
            .filter((name) => name && !known.includes(name))""",
        _icons(),
    )
    return [f"{page.url}: no icon {', '.join(sorted(set(missing)))} in the small font"] if missing else []


# Colours take three quarters of axe-core's time, and do not follow the width. Where nothing but the width has changed
# since a page was checked, they are looked at in what was not shown then.
TO_LOOK_AT = """() => {
    const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true});
    const all = [...document.body.querySelectorAll("*")];
    const form = [...document.querySelectorAll("input, select, textarea")].map((e) => [e.value, e.checked]);
    const following = / style="[^"]*"| simplebar-scrollable-[xy]/g;  // what scripts set as the width changes
    const html = document.documentElement.outerHTML.replace(following, "");
    const state = JSON.stringify([html, form, all.indexOf(document.activeElement)]);
    const last = window.lastChecked;
    const before = last && last.width !== innerWidth && last.state === state ? last.shown : new Set();
    window.lastChecked = {width: innerWidth, state, shown: new Set([...before, ...all.filter(shown)])};
    window.notShownBefore = before.size ? all.filter((e) => shown(e) && !before.has(e)) : null;
    return !before.size ? "everything" : window.notShownBefore.length ? "something" : "nothing";
}"""
LIGHT = """([whole, colours]) => axe.run(document, {
    rules: Object.fromEntries(colours.map((rule) => [rule, {enabled: whole}])), resultTypes: ["violations"],
})"""
COLOURS = """async ([dark, rules]) => {
    const paint = (dark) => {  // as the theme does it; a colour half way has no contrast
        document.documentElement.classList.toggle("dark", dark);
        for (const a of document.getAnimations()) if (a instanceof CSSTransition) a.finish();
    };
    paint(dark);
    const where = window.notShownBefore ? {include: window.notShownBefore} : document;
    const answer = await axe.run(where, {runOnly: rules, resultTypes: ["violations"]});
    paint(false);
    return answer;
}"""


def serious_findings(page: Page) -> list[str]:
    """One text a node: the rule, where it is, what axe-core says of it."""
    from axe_playwright_python.base import AXE_SCRIPT

    if page.evaluate("typeof axe === 'undefined'"):  # once a page, whatever its width
        page.evaluate(AXE_SCRIPT)
        page.evaluate(LESS_OFF)
    to_look_at = page.evaluate(TO_LOOK_AT)
    answers = [("light", page.evaluate(LIGHT, [to_look_at == "everything", OF_COLOUR]))]
    if to_look_at == "something":
        answers.append(("light", page.evaluate(COLOURS, [False, OF_COLOUR])))
    if to_look_at != "nothing":
        answers.append(("dark", page.evaluate(COLOURS, [True, OF_COLOUR])))
    return [
        f"{page.url} ({_width(page)} px, {look}) {rule['impact']} {rule['id']}: {rule['help']}\n"
        f"    {node['target'][-1]}\n    {node['html'][:300]}\n    {node['failureSummary']}"
        for look, answer in answers
        for rule in answer["violations"]
        if rule["impact"] in IMPACTS
        for node in rule["nodes"]
        if not _allowed(rule["id"], node)
    ]


def _allowed(rule: str, node: dict[str, Any]) -> bool:
    return any(rule == allowed and part in str(node["target"]) for allowed, part in ALLOWED)


def sideways(page: Page) -> list[str]:
    """Says so where the page is wider than its window, and by what."""
    wide = page.evaluate(
        """() => {
            if (document.scrollingElement.scrollWidth <= innerWidth) return null;
            const inside = (e) => {
                for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
                    if (getComputedStyle(p).overflowX !== "visible") return true;
                return false;
            };
            const out = [...document.querySelectorAll("body *")]
                .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !inside(e));
            return out.slice(0, 3).map((e) => e.outerHTML.slice(0, 200));
        }"""
    )
    return [] if wide is None else [f"{page.url} ({_width(page)} px) scrolls sideways:\n    " + "\n    ".join(wide)]


def _width(page: Page) -> int:
    return (page.viewport_size or {"width": 0})["width"]
