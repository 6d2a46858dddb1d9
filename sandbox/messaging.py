"""The made-up vendors of messages and calls together, and the sandbox's own endpoints about them.

GET /__log                  what was asked for, taken, written, called; ?to=, ?from=, ?posts=1
POST /sandbox/numbers       {"+12025550143": "stop"}: what becomes of texts to these numbers (`sandbox.numbers`)
POST /sandbox/calls         {"+12025550143": "busy"}: what becomes of calls to these numbers (`sandbox.call_numbers`)
POST /sandbox/callbacks     {"+13125550100": "http://127.0.0.1:8000"}: the product that these numbers of ours are of
POST /sandbox/texts         {"vendor", "from", "to", "text"}: a person writes, now
POST /sandbox/health        {"event", "metaData", "to"}: a warning of SignalHouse's
POST /sandbox/replay        {"reverse": true, "times": 2}: every post again
GET /__mail, POST /sandbox/mailboxes, /sandbox/mail…   of e-mails (`sandbox.mailing`)
POST /sandbox/clock         {"clock": "2026-09-15T15:00Z/20"}; GET tells the moment
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.call_numbers import CallNumbers
from sandbox.calling import Phones
from sandbox.clock import Clock
from sandbox.imap import ImapStore
from sandbox.mail_posts import MailPosts
from sandbox.mail_providers import Mailgun, Postmark, SendGrid
from sandbox.mail_scripts import Mailboxes, MailScript
from sandbox.mail_sink import Sink
from sandbox.mailing import Mails
from sandbox.numbers import Numbers, ScriptError
from sandbox.outbox import Outbox
from sandbox.signalhouse_calls import SignalHouseCalls
from sandbox.signalhouse_messaging import SignalHouseMessaging
from sandbox.texting import Poster, Texts
from sandbox.twilio import Twilio
from sandbox.twilio_calls import TwilioCalls
from sandbox.wire import Answer, Json, Request


class Config(Protocol):
    """What is needed of the sandbox's configuration."""

    @property
    def twilio_account(self) -> str: ...
    @property
    def twilio_token(self) -> str: ...
    @property
    def twilio_signing_key(self) -> tuple[str, str]: ...
    @property
    def signalhouse_messaging_key(self) -> str: ...
    @property
    def signalhouse_messaging_group(self) -> str: ...
    @property
    def signalhouse_webhook_secrets(self) -> tuple[str, str]: ...
    @property
    def callback_base(self) -> str: ...
    @property
    def mail_basic(self) -> str: ...
    @property
    def mail_signing_key(self) -> str: ...
    @property
    def mail_key(self) -> str: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def clock(self) -> str: ...
    @property
    def texts(self) -> str: ...


class Messaging:
    """The vendors of texts, calls and e-mails over one clock and one outbox."""

    def __init__(self, config: Config) -> None:
        """Raises ValueError for a clock, ScriptError for a script that cannot be read."""
        self.clock, self.outbox = Clock(config.clock), Outbox()
        self.numbers = Numbers(config.texts, config.callback_base)
        self.texts = Texts(self.clock, self.numbers, self.outbox)
        self.twilio = Twilio(
            self.texts,
            account=config.twilio_account,
            token=config.twilio_token,
            signing_key=config.twilio_signing_key,
        )
        self.signalhouse = SignalHouseMessaging(
            self.texts,
            token=config.signalhouse_messaging_key,
            group=config.signalhouse_messaging_group,
            secrets=config.signalhouse_webhook_secrets,
        )
        self.call_numbers = CallNumbers()
        self.phones = Phones(self.clock, self.call_numbers, self.outbox)
        self.twilio_calls = TwilioCalls(self.twilio, self.phones)
        self.signalhouse_calls = SignalHouseCalls(self.phones)
        self.mailboxes, self.imap_store = Mailboxes(), ImapStore()
        self.mail_posts = MailPosts(
            self.outbox,
            self.imap_store,
            base=config.callback_base,
            basic=config.mail_basic,
            signing_key=config.mail_signing_key,
        )
        self.mails = Mails(self.clock, self.outbox, self.mail_posts, self.mailboxes)
        self.sink = Sink(self.mailboxes, taken=self.mails.take, noted=self.mails.note, port=config.smtp_port)
        self.mail_providers = [kind(self.mails, key=config.mail_key) for kind in (Postmark, SendGrid, Mailgun)]
        self._orders: Mapping[str, Callable[[Json], Json]] = {
            "/sandbox/numbers": self._order_numbers,
            "/sandbox/calls": self._order_calls,
            "/sandbox/callbacks": self._order_callbacks,
            "/sandbox/texts": self._write,
            "/sandbox/health": self._warn,
            "/sandbox/replay": self._replay,
            "/sandbox/clock": self._set_clock,
            "/sandbox/mailboxes": self._order_mailboxes,
            "/sandbox/mail": self._order_mail,
            "/sandbox/mail/answer": self._answer_mail,
            "/sandbox/mail/post": self._bring_mail,
        }

    def log(self, request: Request) -> Answer:
        """GET /__log."""
        return Answer(200, {**self.texts.log(request.query), **self.phones.log(request.query)})

    def mail_log(self, request: Request) -> Answer:
        """GET /__mail."""
        return Answer(200, self.mails.log(request.query))

    def control(self, request: Request) -> Answer | None:
        """The sandbox's own endpoints; None where it is none of these."""
        path = request.path.rstrip("/")
        if path not in self._orders:
            return None
        if (request.method, path) == ("GET", "/sandbox/clock"):
            return Answer(200, {"now": self.clock.now().isoformat(), "speed": self.clock.speed})
        if request.method != "POST":
            return Answer(405, {"message": "POST"})
        try:
            order: Any = request.json()
            if not isinstance(order, dict):
                raise ScriptError("the body is a JSON object")
            return Answer(200, self._orders[path](order))
        except ScriptError as error:
            return Answer(400, {"message": str(error)})
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, {"message": f"the body cannot be read: {error!r}"})

    def vendor(self, name: str) -> Poster:
        """Raises KeyError for a vendor that carries no messages."""
        vendors: Mapping[str, Poster] = {"twilio": self.twilio, "signalhouse_messaging": self.signalhouse}
        return vendors[name]

    def _order_numbers(self, order: Json) -> Json:
        self.numbers.order(order)
        return {"numbers": len(order)}

    def _order_calls(self, order: Json) -> Json:
        self.call_numbers.order(order)
        return {"numbers": len(order)}

    def _order_callbacks(self, order: Json) -> Json:
        self.numbers.call_back({str(number): str(base) for number, base in order.items()})
        return {"callbacks": len(order)}

    def _write(self, order: Json) -> Json:
        vendor = self.vendor(order["vendor"])
        text = self.texts.write(str(order["from"]), str(order["to"]), str(order["text"]), vendor)
        return {"id": text.id}

    def _warn(self, order: Json) -> Json:
        self.signalhouse.warn(str(order["event"]), dict(order["metaData"]), str(order["to"]))
        return {}

    def _replay(self, order: Json) -> Json:
        times = self.outbox.replay(reverse=bool(order.get("reverse")), times=int(order.get("times", 1)))
        return {"posts": times}

    def _set_clock(self, order: Json) -> Json:
        self.clock.set(str(order["clock"]))
        return {"now": self.clock.now().isoformat()}

    def _order_mailboxes(self, order: Json) -> Json:
        self.mailboxes.order(order)
        return {"mailboxes": len(order)}

    def _order_mail(self, order: Json) -> Json:
        if "greeting" in order:
            self.sink.greeting = str(order["greeting"])
        if "throttle_from" in order:
            since = order["throttle_from"]
            self.sink.throttled_from = None if since is None else int(since)
            self.sink.throttle_s, self.sink.throttled_until = float(order.get("throttle_seconds", 1.0)), None
        if "inbound" in order:
            self.mail_posts.inbound = str(order["inbound"])
        return {"taken": self.sink.count}

    def _answer_mail(self, order: Json) -> Json:
        return self.mails.answer(
            str(order["to"]), str(order["what"]), words=str(order.get("words", "")),
            callback=str(order.get("callback", "")),
        )  # fmt: skip

    def _bring_mail(self, order: Json) -> Json:
        script = MailScript(callback=str(order.get("callback", "")))
        raw, to, sender = str(order["raw"]).encode(), str(order["to"]), str(order.get("from", ""))
        self.mail_posts.bring(raw, to=to, sender=sender, script=script, inbound=str(order.get("as", "")))
        return {}
