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


def each_new(place: ImapPlace, store: Callable[[bytes], object], *, most: int = AT_ONCE) -> int:
    """Gives each new e-mail to `store`, the oldest first, and marks it once that has returned: one that was not marked
    is told again. Returns how many. Raises Misconfigured: it refuses us; NotSent: it is away, or went away meanwhile.
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
    uids = sorted(int(uid) for line in found if line for uid in line.split())
    done, refused, waiting = 0, 0, deque(uids)
    while waiting and done < most and refused < 2 * most:
        uid = waiting.popleft()
        try:
            raw = _fetched(box, uid)
        except _Refused:
            refused += 1
            if refused == most:  # for good, perhaps, and so are others: each look goes on at another place behind them
                waiting.rotate(-int(time.time() / LOOK_S) * most)
            continue
        if raw is not None:
            store(raw)
        box.uid("STORE", str(uid), "+FLAGS.SILENT", f"({mark})")
        done += 1
    if refused:
        raise NotSent(f"The mailbox does not give out {refused} of its e-mails now: they are asked for again.")
    return done


class _Refused(Exception):
    """The server has it, and does not give it out now: unread, it may hold an opt-out."""


def _fetched(box: imaplib.IMAP4, uid: int) -> bytes | None:
    """None: somebody has deleted it meanwhile. Raises _Refused."""
    kind, sizes = box.uid("FETCH", str(uid), "(RFC822.SIZE)")
    size = next((int(told[1]) for one in sizes if (told := _SIZE.search(_line(one)))), 0)
    what = "BODY.PEEK[]" if size <= WHOLE_MOST else "BODY.PEEK[HEADER]"
    if kind == "OK":
        kind, parts = box.uid("FETCH", str(uid), f"({what})")
    if kind != "OK":
        raise _Refused
    return next((part[1] for part in parts if isinstance(part, tuple)), None)


def _line(one: Any) -> bytes:
    """Of an answer with or without a literal."""
    line = one[0] if isinstance(one, tuple) else one
    return line if isinstance(line, bytes) else b""


def _leave(box: imaplib.IMAP4) -> None:
    try:
        box.logout()
    except (*_GONE, imaplib.IMAP4.error):
        return
