"""The made-up mail server from outside: scripts by address, what is told of it, the mailbox, who fetches links."""

from __future__ import annotations

import http.server
import imaplib
import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from threading import Thread
from typing import Any

import pytest
import requests

from sandbox import Sandbox, SandboxConfig
from sandbox.mail_scripts import Mailboxes, script_of
from sandbox.numbers import ScriptError


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(generate=10, mail=True, clock="2026-09-15T15:00Z/20")) as server:
        yield server


def post(sandbox: Sandbox, path: str, order: Any) -> requests.Response:
    return requests.post(f"{sandbox.base_url}/sandbox/{path}", json=order, timeout=60)


def send(sandbox: Sandbox, to: str, text: str = "Hi", **headers: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "jane@mail.example.com", to, "Your house"
    mail["Message-ID"], mail["Reply-To"] = f"<{to}>", "r+1@in.example.com"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", sandbox.messaging.sink.port) as smtp:
        smtp.sendmail("b+1@in.example.com", [to], mail.as_bytes())


def test_a_script_is_used_up_and_a_wrong_one_is_refused(sandbox: Sandbox) -> None:
    mailboxes = Mailboxes()
    assert [mailboxes.at("greylist@example.com") for _ in range(2)] == ["greylist", ""]
    assert [mailboxes.at("554+a@example.com") for _ in range(2)] == ["554", "554"]
    assert mailboxes.at("pat@example.com") == ""
    assert script_of({"do": "greylist+away", "times": 3}).times == 3
    wrong: list[Any] = ["nonsense", {"says": []}, 5]
    for order in wrong:
        with pytest.raises(ScriptError):
            script_of(order)
        assert post(sandbox, "mailboxes", {"pat@example.com": order}).status_code == 400
    assert post(sandbox, "mail/answer", {"to": "nobody@example.com", "what": "reply"}).status_code == 400


@pytest.mark.long
def test_the_server_throttles_everybody_for_a_while(sandbox: Sandbox) -> None:
    taken = post(sandbox, "mail", {}).json()["taken"]
    post(sandbox, "mail", {"throttle_from": taken + 1, "throttle_seconds": 3})
    send(sandbox, "first@example.com")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(sandbox, "second@example.com")
    time.sleep(3)
    send(sandbox, "second@example.com")
    post(sandbox, "mail", {"throttle_from": None})
    log = requests.get(f"{sandbox.base_url}/__mail", params={"to": "second@example.com"}, timeout=60).json()
    assert [one["outcome"] for one in log["tries"]] == ["454 4.7.0 Throttled", "taken"]
    assert log["hitsByRecipient"] == {"second@example.com": 1}
    assert "raw" not in log["hits"][0]


def test_what_comes_back_lies_in_the_mailbox(sandbox: Sandbox) -> None:
    post(sandbox, "mail", {"inbound": "imap"})
    for what in ("bounce", "complaint", "away", "alias"):
        to = f"{what}-box@example.com"
        send(sandbox, to)
        assert post(sandbox, "mail/answer", {"to": to, "what": what}).json() == {"messageId": f"<{to}>"}
    post(sandbox, "mail/post", {"raw": "From: a@example.com\r\n\r\nHi", "to": "r+1@in.example.com", "as": "imap"})
    config = sandbox.config
    with imaplib.IMAP4("127.0.0.1", int(sandbox.mail_urls["imap"].rpartition(":")[2].partition("/")[0])) as box:
        with pytest.raises(imaplib.IMAP4.error):
            box.login(config.imap_user, "wrong")
        box.login(config.imap_user, config.imap_password)
        assert box.select("Other")[0] == "NO"
        assert box.select("INBOX") == ("OK", [b"5"])
        uids = box.uid("SEARCH", "UNSEEN")[1][0].split()
        raw: Any = [box.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0] for uid in uids]
        kinds = [b"report-type", b"feedback-report", b"auto-replied (vacation)", b"alias-box+home@example.com", b"Hi"]
        assert all(kind in one[1] for kind, one in zip(kinds, raw, strict=True))
        box.uid("STORE", uids[0].decode(), "+FLAGS", "(\\Seen)")
        box.uid("STORE", ",".join(uid.decode() for uid in uids[1:3]), "+FLAGS.SILENT", "(\\Deleted)")
        box.expunge()
        assert box.uid("SEARCH", "UNSEEN")[1][0].split() == uids[3:]
        assert box.uid("SEARCH", f"UID {uids[3].decode()}:*")[1][0].split() == uids[3:]


def test_scanners_fetch_every_link_and_a_click_is_of_one_and_nothing_leaves_this_machine(sandbox: Sandbox) -> None:
    came: list[tuple[str, str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            came.append((self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length", "0")))))
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        text = f"See {base}/l/1 and {base}/o/1.gif and http://192.0.2.1/x or leave: {base}/u/1"
        send(sandbox, "links@example.com", text, List_Unsubscribe=f"<{base}/u/1>")
        for what in ("scan", "click", "visit", "open", "unsubscribe"):
            came.append((what, "", b""))
            post(sandbox, "mail/answer", {"to": "links@example.com", "what": what}).raise_for_status()
        server.shutdown()
    asked = [(method, path) for method, path, _ in came]
    both = [(method, path) for path in ("/l/1", "/o/1.gif", "/u/1") for method in ("HEAD", "GET")]
    assert asked == [
        ("scan", ""), *both, *both, ("click", ""), ("GET", "/l/1"), ("visit", ""), ("GET", "/l/1"),
        ("POST", "/l/1"), ("open", ""), ("GET", "/o/1.gif"), ("unsubscribe", ""), ("POST", "/u/1"),
    ]  # fmt: skip
    assert came[-1][2] == b"List-Unsubscribe=One-Click"
