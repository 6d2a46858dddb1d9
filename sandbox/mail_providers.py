"""Postmark's, SendGrid's and Mailgun's sending of one e-mail each. None knows an idempotency key: two requests are two
e-mails."""

import base64
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, default
from typing import Any
from urllib.parse import parse_qsl

from sandbox.mailing import Mails
from sandbox.wire import Answer, Endpoint, Json, Refusal, Request

HANG_S = 600.0


class MailProvider:
    """What the three share. key: of its API; domain: Mailgun's sending domain."""

    name = ""

    def __init__(self, mails: Mails, *, key: str, domain: str = "mail.example.com") -> None:
        self._mails, self._key, self._domain = mails, key, domain

    def refuse(self, refusal: Refusal, _endpoint: Endpoint | None) -> Answer:
        """In its shape."""
        code = 10 if refusal.status == 401 else 0
        return Answer(refusal.status, self.error(refusal.status, refusal.message or "Refused", code), answered=False)

    def pace_headers(self, _limit: int | None, _used: int, _wait_s: float | None) -> dict[str, str]:
        """None."""
        return {}

    def error(self, _status: int, words: str, _code: int) -> Json:
        """The body of a refusal."""
        return {"message": words}

    def deliver(
        self, mail: EmailMessage, to: str, sender: str, token: str, good: Callable[[str], Answer], id: str = ""
    ) -> Answer:
        """By the recipient's script. good: the answer of a yes, of the provider's id."""
        script = self._mails.mailboxes.at(to)

        def noted(answer: Answer, outcome: str) -> Answer:
            self._mails.note(sender, to, outcome)
            return answer

        if script == "hang-before":
            return noted(Answer(silent=True, wait_s=HANG_S, answered=False), "hung before")
        if script.isdigit() and script not in ("550", "554"):
            status = int(script)
            inactive = f"You tried to send to a recipient that has been marked as inactive. Found inactive addresses: {to}. Inactive recipients are ones that have generated a hard bounce or a spam complaint."  # noqa: E501
            words, code = (inactive, 406) if status == 406 else ("Refused on purpose", 300 if status == 422 else 0)
            answer = Answer(422 if status == 406 else status, self.error(status, words, code), answered=False)
            if status == 429:
                answer.headers["Retry-After"] = "1"
            return noted(answer, f"refused {status}")
        taken = self._mails.take(sender, to, mail.as_bytes(policy=SMTP), provider=self.name, token=token, id=id)
        if script == "hang-after":
            return noted(Answer(silent=True, wait_s=HANG_S), "taken, hung")
        if script == "500-after":
            return noted(Answer(500, self.error(500, "Internal error", 0)), "taken, 500")
        if script == "garbage":
            return noted(Answer(200, text='{"Mess'), "taken, garbage")
        return noted(good(taken.id), "taken")


class Postmark(MailProvider):
    """POST /email, a server token."""

    name = "postmark"

    def endpoints(self) -> list[Endpoint]:
        """Sending, which is free of the ledger: it is no vendor of data."""
        return [Endpoint("POST", "/postmark/email", "probe", self.send)]

    def authorise(self, request: Request, _endpoint: Endpoint) -> None:
        """X-Postmark-Server-Token."""
        if request.headers.get("x-postmark-server-token") != self._key:
            raise Refusal(401, "Request does not contain a valid Server token.")

    def error(self, _status: int, words: str, code: int) -> Json:
        """{"ErrorCode", "Message"}"""
        return {"ErrorCode": code, "Message": words}

    def send(self, request: Request) -> Answer:
        """One e-mail."""
        given: Any = request.json()
        mail = _mail(given["From"], given["To"], given["Subject"], given.get("TextBody", ""), given.get("HtmlBody", ""))
        for header in given.get("Headers", []):
            mail[header["Name"]] = header["Value"]
        if given.get("ReplyTo"):
            mail["Reply-To"] = given["ReplyTo"]
        token = str(given.get("Metadata", {}).get("delivery", ""))

        def good(id: str) -> Answer:
            told = {"To": given["To"], "SubmittedAt": "2026-09-15T15:00:00Z", "MessageID": id, "ErrorCode": 0,
                    "Message": "OK"}  # fmt: skip
            return Answer(200, told)

        return self.deliver(mail, _bare(given["To"]), _bare(given["From"]), token, good)


class SendGrid(MailProvider):
    """POST /v3/mail/send, a bearer key; 202 with an empty body."""

    name = "sendgrid"

    def endpoints(self) -> list[Endpoint]:
        """Sending."""
        return [Endpoint("POST", "/sendgrid/v3/mail/send", "probe", self.send)]

    def authorise(self, request: Request, _endpoint: Endpoint) -> None:
        """Bearer."""
        if request.headers.get("authorization") != f"Bearer {self._key}":
            raise Refusal(401, "The provided authorization grant is invalid, expired, or revoked")

    def error(self, _status: int, words: str, _code: int) -> Json:
        """{"errors": [{"message", "field", "help"}]}"""
        return {"errors": [{"message": words, "field": None, "help": None}]}

    def send(self, request: Request) -> Answer:
        """One e-mail."""
        given: Any = request.json()
        person = given["personalizations"][0]
        to, sender = person["to"][0]["email"], given["from"]["email"]
        parts = {one["type"]: one["value"] for one in given["content"]}
        text, html = parts.get("text/plain", ""), parts.get("text/html", "")
        mail = _mail(sender, to, given.get("subject") or person.get("subject", ""), text, html)
        for name, value in (given.get("headers", {}) | person.get("headers", {})).items():
            mail[name] = value
        reply = given.get("reply_to", {}).get("email") or given.get("reply_to_list", [{}])[0].get("email")
        if reply:
            mail["Reply-To"] = reply
        custom = given.get("custom_args", {}) | person.get("custom_args", {})
        answer = Answer(202, text="")
        token, id = str(custom.get("delivery", "")), str(custom.get("anymail_id", ""))
        return self.deliver(mail, to, sender, token, lambda _id: answer, id=id)


class Mailgun(MailProvider):
    """POST /v3/{domain}/messages, HTTP Basic api:KEY, a form."""

    name = "mailgun"

    def endpoints(self) -> list[Endpoint]:
        """Sending."""
        return [Endpoint("POST", f"/mailgun/v3/{self._domain}/messages", "probe", self.send)]

    def authorise(self, request: Request, _endpoint: Endpoint) -> None:
        """HTTP Basic."""
        if request.headers.get("authorization") != f"Basic {base64.b64encode(f'api:{self._key}'.encode()).decode()}":
            raise Refusal(401, "Forbidden")

    def send(self, request: Request) -> Answer:
        """One e-mail."""
        form = _form(request)
        mail = _mail(form["from"], form["to"], form.get("subject", ""), form.get("text", ""), form.get("html", ""))
        for name, value in form.items():
            if name.startswith("h:"):
                mail[name[2:]] = value
        token = form.get("v:delivery", "")
        to = _bare(form["to"])
        return self.deliver(
            mail, to, _bare(form["from"]), token,
            lambda id: Answer(200, {"id": f"<{id}>", "message": "Queued. Thank you."}),
        )  # fmt: skip


def _form(request: Request) -> dict[str, str]:
    """The fields of a web form, of either kind."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        parsed = BytesParser(policy=default).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
        return {str(part.get_param("name", header="content-disposition")): _text(part) for part in parsed.iter_parts()}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _text(part: Any) -> str:
    content: bytes = part.get_payload(decode=True) or b""
    return content.decode()


def _mail(sender: str, to: str, subject: str, text: str, html: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def _bare(address: str) -> str:
    return address.rpartition("<")[2].rstrip("> ").strip()
