"""What vendors of messages post, made ours: numbers and texts. Pure."""

from __future__ import annotations

import re

from integrations.vendors import normalise

TEXT_MAX = 10_000  # characters: no text is nearly as long


def number_of(value: object) -> str:
    """+1… where it is a whole number; else as it came, at most 40 characters: a short code is one. "" where nothing."""
    number = normalise.phone(value)
    if number is not None:
        return number
    raw = normalise.text(value, limit=40) or ""
    return f"+{raw}" if re.fullmatch(r"\d{11,15}", raw, re.ASCII) else raw


def clean_text(value: object) -> str:
    """What somebody wrote, without what PostgreSQL cannot hold."""
    text = value if isinstance(value, str) else ""
    return text[:TEXT_MAX].replace("\x00", "").encode("utf-8", errors="replace").decode()
