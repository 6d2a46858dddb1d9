"""The made-up vendors of messages and calls together, and the sandbox's own endpoints about them.

GET /__log                  what was asked for, taken, written, called; ?to=, ?from=, ?posts=1
POST /sandbox/numbers       {"+12025550143": "stop"}: what becomes of texts to these numbers (`sandbox.numbers`)
POST /sandbox/calls         {"+12025550143": "busy"}: what becomes of calls to these numbers (`sandbox.call_numbers`)
POST /sandbox/callbacks     {"+13125550100": "http://127.0.0.1:8000"}: the product that these numbers of ours are of
POST /sandbox/texts         {"vendor", "from", "to", "text"}: a person writes, now
POST /sandbox/health        {"event", "metaData", "to"}: a warning of SignalHouse's
POST /sandbox/replay        {"reverse": true, "times": 2}: every post again
POST /sandbox/clock         {"clock": "2026-09-15T15:00Z/20"}; GET tells the moment
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.call_numbers import CallNumbers
from sandbox.calling import Phones
from sandbox.clock import Clock
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
    def clock(self) -> str: ...
    @property
    def texts(self) -> str: ...


class Messaging:
    """Both vendors over one clock, one outbox and one set of numbers."""

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
        self._orders: Mapping[str, Callable[[Json], Json]] = {
            "/sandbox/numbers": self._order_numbers,
            "/sandbox/calls": self._order_calls,
            "/sandbox/callbacks": self._order_callbacks,
            "/sandbox/texts": self._write,
            "/sandbox/health": self._warn,
            "/sandbox/replay": self._replay,
            "/sandbox/clock": self._set_clock,
        }

    def log(self, request: Request) -> Answer:
        """GET /__log."""
        return Answer(200, {**self.texts.log(request.query), **self.phones.log(request.query)})

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
