"""How the characters of a person's file are written. Pure: bytes in, a name out."""

from __future__ import annotations

import codecs
import io
from typing import IO, Any

from common.files.table import Unreadable

_SAMPLE_BYTES = 64 * 1024
_BLOCK = 1024 * 1024
_BOMS = (  # UTF-32 first: its little end begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "It is an Excel workbook or a ZIP archive: save it as CSV first."),
    (b"\xd0\xcf\x11\xe0", "It is an Excel workbook: save it as CSV first."),
    (b"%PDF", "It is a PDF, not a CSV."),
    (b"\x1f\x8b", "It is compressed: unpack it first."),
)
_CONTROL = bytes(set(range(1, 32)) - set(b"\t\n\r\x0b\x0c\x1a\x1b"))
REPLACED = "\ufffd"  # what a byte that is no character becomes


def encoding_of(file: IO[bytes]) -> str:
    """UTF-8, UTF-16 or UTF-32 by their mark, UTF-16 by its zeros, UTF-8 where nearly all of it is, else Windows-1252.

    Raises Unreadable.
    """
    file.seek(0)
    head = file.read(_SAMPLE_BYTES)
    if not head.strip(b"\0 \t\r\n\x0b\x0c"):
        raise Unreadable("It is empty.")
    for mark, words in _OTHER_FILES:
        if head.startswith(mark):
            raise Unreadable(words)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), None) or _by_zeros(head)
    if encoding is None:
        _check_text(head)
    if encoding in ("utf-16", "utf-32", "utf-16-le", "utf-16-be"):
        if not _decodes(file, encoding):
            raise Unreadable(f"It begins as {encoding.upper()} text and does not go on as such.")
        return encoding
    if _decodes(file, "utf-8"):
        return encoding or "utf-8"
    whole, broken = _utf8_share(file)
    if encoding == "utf-8-sig":
        if broken > max(1, whole):
            raise Unreadable("It begins as UTF-8 text and does not go on as such.")
        return encoding
    return "utf-8" if (whole >= broken and whole) or (broken == 1 and _is_cut(file)) else "cp1252"


def text_of_file(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The file as text with its line ends as they are; a byte that is no character is REPLACED."""
    file.seek(0)
    whole: Any = file
    return io.TextIOWrapper(whole, encoding, errors="replace", newline="")


def _check_text(head: bytes) -> None:
    """A few NULs stand in many a text; other control characters, or NULs everywhere, do not."""
    written = head.translate(None, b"\0")
    if 2 * len(written) < len(head) or 50 * len(written.translate(None, _CONTROL)) < 49 * len(written):
        raise Unreadable("It is not text, so it is no CSV.")


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 without its mark: in a Western text every second byte is zero."""
    even, odd, half = head[0::2].count(0), head[1::2].count(0), len(head) / 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else None


def _decodes(file: IO[bytes], encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_cut(file: IO[bytes]) -> bool:
    """Whether the file ends inside a character of UTF-8: with the first byte of a Latin letter, or more of another."""
    file.seek(0)
    tail = b""
    while block := file.read(_BLOCK):
        tail = (tail + block)[-3:]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(tail)
    left = decoder.getstate()[0]
    return len(left) > 1 or left in (b"\xc2", b"\xc3", b"\xc4", b"\xc5")


def _utf8_share(file: IO[bytes]) -> tuple[int, int]:
    """(characters that only UTF-8 writes so, bytes that it never does).

    Two letters of Windows-1252 beside each other are hardly ever a character of UTF-8: one such is a sign.
    """
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole = broken = 0
    while block := file.read(_BLOCK):
        whole, broken = _counted(decoder.decode(block), whole, broken)
    return _counted(decoder.decode(b"", final=True), whole, broken)


def _counted(text: str, whole: int, broken: int) -> tuple[int, int]:
    if text.isascii():
        return whole, broken
    replaced = text.count(REPLACED)
    return whole + len(text) - len(text.encode("ascii", "ignore")) - replaced, broken + replaced
