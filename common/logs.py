"""What a log may say of an error."""

from __future__ import annotations

import traceback


def safe_traceback(error: BaseException) -> str:
    """Its type and where it happened. Not its words: those of a database or a parser may quote a person's data."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}".rstrip()
