"""A browser by the words people know it by."""

from __future__ import annotations

# What its user agent says, the most telling first: every browser claims to be Mozilla, and most to be Safari.
BROWSERS = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome")),
    *(("Chrome/", "Chrome"), ("Safari/", "Safari")),
)
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
    *(("Mac OS X", "Mac"), ("CrOS", "Chromebook"), ("Linux", "Linux")),
)


def browser_of(user_agent: str) -> str:
    """Such as Chrome on Windows; of what is no browser the first words."""
    browser, system = (next((name for sign, name in known if sign in user_agent), "") for known in (BROWSERS, SYSTEMS))
    return " on ".join(filter(None, (browser, system))) or user_agent[:60] or "Unknown"
