"""What a log may say of an error."""

from __future__ import annotations

import logging
import re
import time
import traceback

from common.request_id import request_id

# What PostgreSQL adds to an error quotes values: DETAIL those of the row, LINE those of the statement.
_QUOTES = re.compile(
    r"^[ \t]*(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LINE \d+):.*(?:\n[ \t]*\^[ \t]*$)?\n?", re.MULTILINE
)
_AS_REPR = re.compile(r"(?:\\n)(?:DETAIL|HINT|CONTEXT|LINE \d+):.*?(?=['\"]\)|$)", re.MULTILINE)  # IntegrityError('…')
_QUERY = re.compile(r"((?:https?://|\"[A-Z]+ /)[^\s?\"']*)\?[^\s\"']*")  # what somebody searched for
# A phone, an e-mail, or a part longer than an id, which is somebody's secret (a static file's name goes with it).
_PRIVATE = re.compile(
    r"(?P<id>(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![^/]))"
    r"|[^/]*(?:@|%40)[^/]*|(?<=/)[^/]{38,}|\d(?:[\W_]{0,3}\d){9,}"
)
_PATH = re.compile(r"(?:(?<=http:/)|(?<=https:/)|(?<![^\s\"'=(]))/[^\s\"'?]+")
_QUOTED = re.compile(r'(invalid input syntax for type [\w ]+: |value )"[^"\n]*"')
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(10, 32), *range(127, 160), 0x2028, 0x2029)}


def discreet_path(path: str) -> str:
    """The path of an address as a log may have it: ids stay, phones, e-mails and secrets do not."""
    return _PRIVATE.sub(lambda found: found["id"] or "…", path)


def discreet(words: str) -> str:
    """Without the values that a database's error quotes, and without queries and persons in addresses."""
    words = _QUERY.sub(r"\1?…", words)
    words = _PATH.sub(lambda found: discreet_path(found[0]), words)
    return _QUOTED.sub(r'\1"…"', _AS_REPR.sub("", _QUOTES.sub("", words)))


def plain(words: str) -> str:
    """With control characters spelled out: nobody begins a line of a log, or erases one, by what she sends."""
    return words.translate(_CONTROLS)


class Discreet(logging.Formatter):
    """Log lines without the values that a database's error quotes, such as a unique key, and without
    searches and whom an address names. Times are UTC's; what follows a line break is indented, and so no entry."""

    converter = time.gmtime  # type: ignore[assignment]  # a builtin is not bound
    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        path, words = getattr(getattr(record, "request", None), "path", ""), super().format(record)
        words = discreet(words.replace(path, discreet_path(path)) if path else words)  # it may have spaces in it
        called = request_id.get()
        if called and called not in words:
            first, line, rest = words.partition("\n")
            words = f"{first} (request {called}){line}{rest}"
        return "\n    ".join(map(plain, words.split("\n")))


def safe_traceback(error: BaseException) -> str:
    """Its type and where it happened. Not its words: those of a database or a parser may quote a person's data."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}".rstrip()
