"""The sandbox's command line, for `python -m sandbox` and `manage.py sandbox` alike."""

import argparse
import signal
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from sandbox.billing import OPERATIONS, PRICES
from sandbox.clock import Clock
from sandbox.faults import Fault, FaultError, parse_flag
from sandbox.generator import DEFAULT_PARCELS
from sandbox.numbers import ScriptError, script_of
from sandbox.outbox import LOOPBACK
from sandbox.parcels import ParcelFileError
from sandbox.server import Sandbox, SandboxConfig

ENVELOPES = ("capture", "2026", "published")
EXAMPLE = """example:
  %(prog)s --port 8001 --parcels king_county_sales.csv --pace property_detail=100 --pace skip_trace=50 \\
      --price property_detail=0.05 --price skip_trace=0.10 --fault skip_trace:timeout:rate=0.01:seconds=30

  Then point the vendors' base URLs at it:
    http://127.0.0.1:8001/realestateapi  http://127.0.0.1:8001/signalhouse  http://127.0.0.1:8001/apollo/api/v1
    http://127.0.0.1:8001/twilio  http://127.0.0.1:8001/signalhouse-messaging
  Keys: sandbox-realestateapi-key, sandbox-signalhouse-key (Bearer), sandbox-apollo-key; of messages: sandbox/server.py.
  GET /sandbox/ledger shows what was billed; POST a JSON list to /sandbox/faults to make it fail.
  GET /__log shows every text; sandbox/numbers.py says which numbers answer, and how.
  With --mail, GET /__mail shows every e-mail; sandbox/mail_scripts.py says which addresses break or answer, and how."""


class BadFlag(Exception):
    """A flag nobody could mean; the text is one line for the person who gave it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    parser.add_argument("--port", type=int, default=8001, help="port on 127.0.0.1; 0 picks a free one (8001)")
    parser.add_argument("--parcels", type=Path, action="append", default=[], metavar="FILE.csv", help="repeatable")
    parser.add_argument(
        "--generate", type=int, default=DEFAULT_PARCELS, metavar="N", help="parcels without files (1000000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="everything made up follows from it (1)")
    parser.add_argument(
        "--envelope", default="capture", help=f"RealEstateAPI's shapes: {', '.join(ENVELOPES)} (capture)"
    )
    parser.add_argument(
        "--pace", action="append", default=[], metavar="OPERATION=N", help=f"requests a minute: {', '.join(OPERATIONS)}"
    )
    parser.add_argument(
        "--price", action="append", default=[], metavar="UNIT=USD", help=f"US dollars a unit: {', '.join(PRICES)}"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="OPERATION:KIND[:rate=..][:count=..][:seconds=..][:after=..][:billed=1]",
        help="repeatable; kinds are listed by a wrong one",
    )
    parser.add_argument("--realestateapi-key", default=SandboxConfig.realestateapi_key, metavar="KEY")
    parser.add_argument("--signalhouse-key", default=SandboxConfig.signalhouse_key, metavar="KEY")
    parser.add_argument("--apollo-key", default=SandboxConfig.apollo_key, metavar="KEY")
    parser.add_argument("--webhook-delay", type=float, default=2.0, metavar="SECONDS", help="until Apollo's phones (2)")
    parser.add_argument("--mail", action="store_true", help="a mail server, a mailbox and a name server besides")
    for name, what in (("smtp", "mail server"), ("imap", "mailbox"), ("dns", "name server")):
        parser.add_argument(f"--{name}-port", type=int, default=0, help=f"port of the {what} (any free one)")
    parser.add_argument(
        "--callback", default="", metavar="URL", help="the product on this machine that messages to it are posted to"
    )
    parser.add_argument(
        "--clock", default="", metavar="START/SPEED", help="the time of messages: 2026-09-15T15:00Z/20 (the real time)"
    )
    parser.add_argument(
        "--texts", default="", metavar="SCRIPT", help="what becomes of a text, where its number says nothing else"
    )


def config_of(options: argparse.Namespace) -> SandboxConfig:
    """The configuration the flags mean. Raises BadFlag."""
    for name in ("port", "smtp_port", "imap_port", "dns_port"):
        if not 0 <= getattr(options, name) <= 65535:
            raise BadFlag(f"--{name.replace('_', '-')} {getattr(options, name)}: not a port")
    if options.generate < 1:
        raise BadFlag(f"--generate {options.generate}: at least 1")
    if options.envelope not in ENVELOPES:
        raise BadFlag(f"--envelope {options.envelope}: {' or '.join(ENVELOPES)}")
    if options.webhook_delay < 0:
        raise BadFlag(f"--webhook-delay {options.webhook_delay}: not below 0")
    if urlsplit(options.callback).hostname not in (*LOOPBACK, None):
        raise BadFlag(f"--callback {options.callback}: not on this machine")
    try:
        script_of(options.texts)
    except ScriptError as error:
        raise BadFlag(f"--texts {options.texts}: {error}") from None
    try:
        Clock(options.clock)
    except ValueError:
        raise BadFlag(f"--clock {options.clock}: START/SPEED such as 2026-09-15T15:00Z/20") from None
    return SandboxConfig(
        port=options.port,
        parcels=tuple(options.parcels),
        generate=options.generate,
        seed=options.seed,
        envelope=options.envelope,
        prices=dict(_price(text) for text in options.price),
        pace=dict(_pace(text) for text in options.pace),
        faults=tuple(_fault(text) for text in options.fault),
        realestateapi_key=options.realestateapi_key,
        signalhouse_key=options.signalhouse_key,
        apollo_key=options.apollo_key,
        webhook_delay_s=options.webhook_delay,
        mail=options.mail,
        smtp_port=options.smtp_port,
        imap_port=options.imap_port,
        dns_port=options.dns_port,
        callback_base=options.callback,
        clock=options.clock,
        texts=options.texts,
    )


def _pace(text: str) -> tuple[str, int]:
    operation, _, number = text.partition("=")
    if operation not in OPERATIONS or not number.isdigit():
        raise BadFlag(f"--pace {text}: OPERATION=N with N requests a minute, OPERATION one of {', '.join(OPERATIONS)}")
    return operation, int(number)


def _price(text: str) -> tuple[str, Decimal]:
    name, _, number = text.partition("=")
    try:
        price = Decimal(number)
    except InvalidOperation:
        price = Decimal(-1)
    if name not in PRICES or not price.is_finite() or price < 0:
        raise BadFlag(f"--price {text}: UNIT=US dollars, UNIT one of {', '.join(PRICES)}")
    return name, price


def _fault(text: str) -> Fault:
    try:
        return parse_flag(text)
    except FaultError as error:
        raise BadFlag(f"--fault {text}: {error}") from None


def serve(options: argparse.Namespace) -> None:
    """Runs until interrupted or terminated; prints one line when requests can come. Raises BadFlag."""
    config = config_of(options)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        sandbox = Sandbox(config)
        skipped = getattr(sandbox.source, "unreadable", 0)
        sandbox.start()
    except (OSError, ParcelFileError) as error:
        raise BadFlag(f"cannot start: {error}") from None
    urls = " ".join(f"{vendor}={url}" for vendor, url in sandbox.vendor_urls.items())
    unread = f" ({skipped} rows skipped)" if skipped else ""
    mail = f" mail={sandbox.mail_urls['smtp']}" if config.mail else ""
    print(f"sandbox ready: {len(sandbox.source)} parcels{unread} {urls}{mail}", flush=True)
    stop.wait()
    sandbox.stop()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse would print usage and exit 2
        raise BadFlag(message)


def main(argv: Sequence[str] | None = None, prog: str = "python -m sandbox") -> int:
    """Parses, serves; the exit code. A bad flag is one line on standard error and 1."""
    parser = _Parser(
        prog=prog,
        description="RealEstateAPI, SignalHouse, Apollo, Twilio and mail in one process, made up, on 127.0.0.1.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    try:
        serve(parser.parse_args(argv))
    except BadFlag as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0
