"""A made-up mailbox, and just as much of IMAP4rev1 (RFC 3501) as a poll needs: LOGIN, SELECT, UID SEARCH, UID FETCH,
UID STORE, UID EXPUNGE of one folder, INBOX. On the loopback; one user."""

import re
import socketserver
from threading import Lock, Thread
from typing import Any

HOST = "127.0.0.1"
_LINE_MAX = 8192


class ImapStore:
    """The e-mails of the mailbox, by UID. Thread-safe."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.mails: dict[int, bytes] = {}
        self.flags: dict[int, set[str]] = {}
        self._next = 1
        self.keeps_keywords = True  # flags of a client's own, as most servers do
        self.cuts: list[str] = []  # verbs (FETCH, STORE) at whose next use the connection is cut
        self.refuses: list[tuple[str, int]] = []  # a verb, and how many of its uses before the one answered NO
        self.broken: set[int] = set()  # UIDs that are never given out
        self.bad: dict[int, str] = {}  # by UID: "FETCH BAD", "STORE NO", "FETCH cut", "FETCH NIL"

    def add(self, raw: bytes) -> int:
        """It comes in; returns its UID."""
        with self.lock:
            uid, self._next = self._next, self._next + 1
            self.mails[uid], self.flags[uid] = raw, set()
            return uid

    @property
    def next_uid(self) -> int:
        """Of the next e-mail."""
        return self._next


class Imap:
    """The server. user, password: of its one mailbox."""

    def __init__(self, store: ImapStore, *, user: str, password: str, port: int = 0) -> None:
        self._server = _Server((HOST, port), _Session, store, user, password)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox-imap", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._server.server_address[1]
        return port

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: Any, handler: Any, store: ImapStore, user: str, password: str) -> None:
        self.store, self.user, self.password = store, user, password
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's error."""


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._say("* OK made-up mailbox")
        known, selected = False, False
        while line := self.rfile.readline(_LINE_MAX):
            tag, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            command, _, rest = rest.partition(" ")
            command = command.upper()
            if command == "LOGOUT":
                self._say("* BYE see you")
                self._say(f"{tag} OK done")
                return
            if command == "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1 UIDPLUS")
                self._say(f"{tag} OK done")
            elif command == "NOOP":
                self._say(f"{tag} OK done")
            elif command == "LOGIN":
                known = [_plain(one) for one in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', rest)] == [
                    self.server.user, self.server.password,
                ]  # fmt: skip
                self._say(f"{tag} OK done" if known else f"{tag} NO [AUTHENTICATIONFAILED] wrong user or password")
            elif not known:
                self._say(f"{tag} NO sign in first")
            elif command in ("SELECT", "EXAMINE"):
                selected = _plain(rest.strip()).upper() == "INBOX"
                self._select(tag, selected)
            elif not selected:
                self._say(f"{tag} NO select a mailbox first")
            elif command in ("UID", "EXPUNGE", "CLOSE", "UNSELECT"):
                self._uid(tag, command, rest)
            else:
                self._say(f"{tag} BAD not made up: {command}")

    def _select(self, tag: str, found: bool) -> None:  # noqa: FBT001
        if not found:
            self._say(f"{tag} NO there is no such mailbox")
            return
        store = self.server.store
        self._say("* FLAGS (\\Seen \\Deleted)")
        self._say(f"* {len(store.mails)} EXISTS")
        self._say("* OK [PERMANENTFLAGS (\\Seen \\Deleted" + (" \\*" if store.keeps_keywords else "") + ")]")
        self._say("* OK [UIDVALIDITY 1]")
        self._say(f"* OK [UIDNEXT {store.next_uid}]")
        self._say(f"{tag} OK [READ-WRITE]")

    def _uid(self, tag: str, command: str, rest: str) -> None:
        verb, _, rest = rest.partition(" ")
        verb = "EXPUNGE" if command in ("EXPUNGE", "CLOSE") else verb.upper()
        store = self.server.store
        if verb in store.cuts:
            store.cuts.remove(verb)
            raise ConnectionAbortedError
        refused = (verb, 0) in store.refuses
        store.refuses = [(one, n - (one == verb)) for one, n in store.refuses if (one, n) != (verb, 0)]
        if refused:
            self._say(f"{tag} NO [UNAVAILABLE] not now")
            return
        with store.lock:
            if verb == "SEARCH":
                found = [uid for uid in store.mails if self._matches(uid, rest)]
                self._say("* SEARCH" + "".join(f" {uid}" for uid in found))
            elif verb in ("FETCH", "STORE"):
                chosen, _, what = rest.partition(" ")
                of, _, how = store.bad.get(int(chosen) if chosen.isdecimal() else 0, "").partition(" ")
                if of == verb and how == "cut":
                    raise ConnectionAbortedError
                if of == verb and how != "NIL":
                    self._say(f"{tag} {how} not this one")
                    return
                if verb == "FETCH" and not store.broken.isdisjoint(_numbers(chosen, store.next_uid)):
                    self._say(f"{tag} NO [SERVERBUG] it cannot be read")
                    return
                for number, uid in enumerate(list(store.mails), 1):
                    if uid in _numbers(chosen, store.next_uid):
                        (self._fetch if verb == "FETCH" else self._store)(number, uid, what)
            elif verb == "EXPUNGE":
                gone = [uid for uid, flags in store.flags.items() if "\\Deleted" in flags]
                for uid in gone:
                    self._say(f"* {list(store.mails).index(uid) + 1} EXPUNGE")
                    del store.mails[uid], store.flags[uid]
        self._say(f"{tag} OK done")

    def _matches(self, uid: int, terms: str) -> bool:
        terms = terms.upper()
        flags = self.server.store.flags[uid]
        if ("UNSEEN" in terms and "\\Seen" in flags) or ("UNDELETED" in terms and "\\Deleted" in flags):
            return False
        without = re.search(r"UNKEYWORD (\S+)", terms)
        if without and without[1] in {flag.upper() for flag in flags}:
            return False
        chosen = re.search(r"\bUID (\S+)", terms)
        return not chosen or uid in _numbers(chosen[1], self.server.store.next_uid)

    def _fetch(self, number: int, uid: int, what: str) -> None:
        store, what = self.server.store, what.upper()
        raw, flags = store.mails[uid], store.flags[uid]
        told = [f"UID {uid}", f"FLAGS ({' '.join(sorted(flags))})", f"RFC822.SIZE {len(raw)}"]
        if "BODY" not in what and "RFC822" not in what.replace("RFC822.SIZE", ""):
            self._say(f"* {number} FETCH ({' '.join(told)})")
            return
        name = "RFC822" if "BODY" not in what else "BODY[]"
        if store.bad.get(uid) == "FETCH NIL":
            self._say(f"* {number} FETCH (UID {uid} {name} NIL)")
            return
        self.wfile.write(f"* {number} FETCH ({' '.join(told)} {name} {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        if "PEEK" not in what:
            flags.add("\\Seen")

    def _store(self, number: int, uid: int, what: str) -> None:
        flags, named = self.server.store.flags[uid], set(re.findall(r"[\\$]?\w+", what.partition(" ")[2]))
        if what.upper().startswith("-FLAGS"):
            flags -= named
        else:
            flags |= named
        if "SILENT" not in what.upper():
            self._say(f"* {number} FETCH (UID {uid} FLAGS ({' '.join(sorted(flags))}))")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word


def _numbers(chosen: str, following: int) -> set[int]:
    """1,3:5,7:* as numbers; * is the last one."""
    last, found = following - 1, set()
    for one in chosen.split(","):
        start, _, end = one.partition(":")
        ends = [last if part == "*" else int(part) if part.isdigit() else 0 for part in (start, end or start)]
        found |= set(range(min(ends), max(ends) + 1))
    return found
