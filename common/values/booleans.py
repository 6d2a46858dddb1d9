"""One reader of yes and no for query strings, JSON bodies, commands, schedules, guards, saved views and pages."""

from __future__ import annotations

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
WORDS = "Write a boolean: true or false (yes or no, 1 or 0)."


def read(value: object) -> bool:
    """The boolean that a JSON value or a text says: true/false, yes/no, 1/0, in any case, with spaces around it.

    Raises ValueError for everything else: no value, 2, 1.0, "on", "maybe", a list, an object.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        meant = _WORDS.get(str(value).strip().casefold())
        if meant is not None:
            return meant
    raise ValueError(WORDS)
