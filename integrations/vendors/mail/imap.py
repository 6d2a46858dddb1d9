"""The mailbox that replies and bounces come to, by IMAP4rev1 (RFC 3501).

What is new there is told by a flag of our own, so that whoever reads the mailbox as well takes nothing from us; where
the server keeps no flags but its own, by \\Seen: then no mail program may read it.
"""

from __future__ import annotations

import imaplib
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings

from common.values.mail_urls import ImapPlace
from integrations.vendors.errors import Misconfigured, NotSent

KEYWORD: Final = "BucketStored"
WHOLE_MOST: Final = 25 * 1024 * 1024  # bytes; of a longer e-mail its headers are fetched
AT_ONCE: Final = 200  # e-mails of one look: the next look has the others
LOOK_S: Final = 30  # from one look to the next
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_GONE = (OSError, EOFError, imaplib.IMAP4.abort)
_CUT_MOST: Final = 1_000
_cut_at: set[int] = set()  # UIDs at which the connection went away: this process reads them last


def each_new(place: ImapPlace, store: Callable[[bytes], object], *, most: int = AT_ONCE) -> int:
    """Gives each new e-mail to `store`, the oldest first, and marks it once that has returned: one that was not marked
    is told again. None keeps those behind it from being read. Returns how many. Raises Misconfigured: it refuses us;
    NotSent: it is away, or went away meanwhile, or gives out or marks some of them not now.
    """
    try:
        box = _connected(place)
    except _GONE as error:
        raise NotSent(f"The mailbox cannot be reached ({type(error).__name__}).") from None
    try:
        return _each(box, place, store, most)
    except _GONE as error:
        raise NotSent(f"The mailbox went away ({type(error).__name__}).") from None
    except imaplib.IMAP4.error as error:
        raise NotSent(f"The mailbox does not answer as it should ({type(error).__name__}).") from None
    finally:
        _leave(box)


def _connected(place: ImapPlace) -> imaplib.IMAP4:
    if place.ssl:
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=context, timeout=settings.VENDOR_READ_TIMEOUT)
    return imaplib.IMAP4(place.host, place.port, timeout=settings.VENDOR_READ_TIMEOUT)


def _each(box: imaplib.IMAP4, place: ImapPlace, store: Callable[[bytes], object], most: int) -> int:
    try:
        box.login(place.user, place.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise Misconfigured("The mailbox does not take our user or password: check IMAP_URL.") from None
    kind, _ = box.select(f'"{place.mailbox}"')
    if kind != "OK":
        raise Misconfigured("There is no such mailbox: check IMAP_URL.")
    has_keywords = any(b"\\*" in one for one in box.response("PERMANENTFLAGS")[1] or [] if one)
    search, mark = (f"UNKEYWORD {KEYWORD}", KEYWORD) if has_keywords else ("UNSEEN", "\\Seen")
    kind, found = box.uid("SEARCH", search)
    if kind != "OK":
        raise NotSent("The mailbox does not search its e-mails now: it is asked again.")
    uids = sorted((int(uid) for line in found if line for uid in line.split()), key=lambda uid: (uid in _cut_at, uid))
    done, refused, waiting = 0, 0, deque(uids)
    while waiting and done < most and refused < 2 * most:
        uid = waiting.popleft()
        try:
            raw = _fetched(box, uid)
            if raw is not None:
                store(raw)
            _asked(box, "STORE", uid, "+FLAGS.SILENT", f"({mark})")
            done += 1
        except _Refused:
            refused += 1
            if refused == most:  # for good, perhaps, and so are others: each look goes on at another place behind them
                waiting.rotate(-int(time.time() / LOOK_S) * most)
        except _GONE:
            if len(_cut_at) > _CUT_MOST:
                _cut_at.clear()
            _cut_at.add(uid)
            raise
    if refused:
        words = f"The mailbox does not give out, or mark, {refused} of its e-mails now: they are asked for again."
        raise NotSent(words)
    return done


class _Refused(Exception):
    """The server has it, and does not give it out or mark it now: unread, it may hold an opt-out."""


def _asked(box: imaplib.IMAP4, *words: Any) -> list[Any]:
    """What it answers of one e-mail. Raises _Refused."""
    try:
        kind, told = box.uid(*map(str, words))
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:  # BAD
        raise _Refused from None
    if kind != "OK":
        raise _Refused
    return told


def _fetched(box: imaplib.IMAP4, uid: int) -> bytes | None:
    """None: somebody has deleted it meanwhile. Raises _Refused, also where it is there and nothing of it is told."""
    sizes = _asked(box, "FETCH", uid, "(RFC822.SIZE)")
    size = next((int(told[1]) for one in sizes if (told := _SIZE.search(_line(one)))), 0)
    what = "BODY.PEEK[]" if size <= WHOLE_MOST else "BODY.PEEK[HEADER]"
    parts = _asked(box, "FETCH", uid, f"({what})")
    raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
    if raw is None and any(b"NIL" in _line(part) for part in parts):
        raise _Refused
    return raw


def _line(one: Any) -> bytes:
    """Of an answer with or without a literal."""
    line = one[0] if isinstance(one, tuple) else one
    return line if isinstance(line, bytes) else b""


def _leave(box: imaplib.IMAP4) -> None:
    try:
        box.logout()
    except (*_GONE, imaplib.IMAP4.error):
        return
