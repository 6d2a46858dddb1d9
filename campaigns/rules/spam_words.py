"""Words that keep an e-mail from its reader, each with its reason: a warning while it is written, and no more.

The phrases are those that public filters weigh (SpamAssassin's body rules), and two that a rule of the government is
about. One that an honest seller of houses needs ("cash offer", "as is") is not among them.
"""

from __future__ import annotations

from typing import Final

_PRESSES = "it presses the reader, as bulk mail does"
_PROMISES = "it promises what filters know from bulk mail"
_PRETENDS = "it pretends to know the reader, or to be no advertisement"
_REGULATED = "help with foreclosures is regulated (12 CFR 1015): ask counsel before you offer it"

SPAM_WORDS: Final[dict[str, str]] = {
    "100% free": _PROMISES,
    "act now": _PRESSES,
    "as seen on": _PROMISES,
    "avoid bankruptcy": _PROMISES,
    "cash bonus": _PROMISES,
    "click below": "a link says by its own words where it leads",
    "click here": "a link says by its own words where it leads",
    "congratulations": _PRETENDS,
    "dear friend": _PRETENDS,
    "dear homeowner": _PRETENDS,
    "don't delete": _PRESSES,
    "double your": _PROMISES,
    "earn extra": _PROMISES,
    "extra income": _PROMISES,
    "final notice": _PRETENDS,
    "free money": _PROMISES,
    "guaranteed": _PROMISES,
    "last chance": _PRESSES,
    "limited time": _PRESSES,
    "make money": _PROMISES,
    "no catch": _PROMISES,
    "no obligation": _PROMISES,
    "once in a lifetime": _PRESSES,
    "pre-approved": _PRETENDS,
    "risk-free": _PROMISES,
    "save your home": _REGULATED,
    "stop foreclosure": _REGULATED,
    "this is not spam": _PRETENDS,
    "urgent": _PRESSES,
    "winner": _PROMISES,
}

# Addresses behind which another one hides: filters and providers block whole domains of them.
SHORTENERS: Final = frozenset(
    {
        "bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly", "shorturl.at",
        "t.co", "t.ly", "tiny.cc", "tinyurl.com", "v.gd",
    }
)  # fmt: skip
