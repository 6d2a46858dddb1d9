"""The whole product on one machine: servers, made-up vendors, web, worker and beat, started and supervised."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, Self

from django.conf import settings

from devtools import campaign_clock
from devtools.mode import NO_VENDORS, OWN, VENDORS, Mode, addresses, carriers, switches
from devtools.process import LocalError, end, kill_session, spawn, tail, wait_until
from devtools.running import Running
from devtools.servers import LOCAL, PROJECT, Servers
from devtools.steps import silent
from devtools.valkey import free_port
from sandbox.billing import OPERATIONS, PRICE_OF
from sandbox.server import SandboxConfig, mail_secrets

READY_SECONDS = 60.0
STOP_SECONDS = 60.0  # a worker sees through what it has paid for
STOP_ORDER = ("beat", "web", "worker", "sandbox")
LOOK_SECONDS = 0.3
LOOPBACK = "localhost,127.0.0.1,[::1]"  # host names that the web server of a stack answers to, whatever is set
Process = subprocess.Popen[bytes]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a stack is started with. Paces (requests a minute) and prices (US dollars a unit) go by operation, to the
    product and to the sandbox alike; what they leave out has the settings' value."""

    home: Path = LOCAL
    mode: Mode = Mode.SANDBOX  # real: the vendors of the environment are asked, and no sandbox is started
    port: int = 8000  # of the web server; 0 takes a free one
    parcels: tuple[Path, ...] = ()  # none: a million generated ones
    paces: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    sandbox: tuple[str, ...] = ()  # further arguments, such as faults
    environment: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 4  # children of the worker
    prefix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a command that starts a process, by its name
    web_threads: int = 16
    servers: Servers | None = None  # private ones that run; none: those of the mode, see `mode.addresses`
    tell: Callable[[str], None] = silent  # what is done now, as it begins


class Stack:
    """`with Stack(Options(...)) as stack:` — on the way out, however that is, every process it started is gone."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.logs = self.options.home / "log"
        self.processes: dict[str, Process] = {}
        self._port = self.options.port or free_port()
        self._sandbox_port = free_port()
        self._mail_ports = {name: free_port() for name in ("smtp", "imap", "dns")}
        self._environment: dict[str, str] = {}
        self._running = Running(self.options.home)

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self._sandbox_port}"

    @property
    def database_url(self) -> str:
        """Of the processes of a stack that has been started."""
        return self._environment["DATABASE_URL"]

    def vendor_addresses(self) -> list[str]:
        """Where the processes of a stack that has been started ask each vendor."""
        variables = [variable for _, variable, _ in VENDORS.values()]
        named = [self._environment.get(variable, "") for variable in (*variables, "CAMPAIGN_EMAIL_URL")]
        return [address for address in named if address]

    def start(self) -> Self:
        """Returns when a request would be served. Raises LocalError, with everything stopped, when a part fails."""
        sandbox = ["sandbox"] if self.options.mode == Mode.SANDBOX else []
        try:
            if self.options.servers is None:
                self._running.claim(url=self.web_url, mode=self.options.mode)
            if not _is_free(self._port):
                raise LocalError(f"port {self._port} is taken: choose another, for instance PORT={self._port + 1}")
            self._environment = self._make_environment()
            for name in sandbox:
                self.options.tell("Starting the made-up vendors")
                self._begin(name, {})
            self.options.tell("Bringing the tables up to date (the first time about half a minute)")
            self._migrate()
            self.options.tell("Starting the web server, the worker and the clock of periodic jobs")
            for name in ("web", "worker", "beat"):
                self._begin(name, {})
            for name in (*sandbox, "web", "worker"):
                self._wait(name)
            self._wait("web", "/readyz")  # a worker has given a sign of life
            self.agree_on_time()
            if self.options.servers is None:
                self._running.tell(url=self.web_url, mode=self.options.mode, environment=self._environment)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends what runs, in order. A second Ctrl-C kills what has not gone yet."""
        try:
            for kind in STOP_ORDER:
                for name in [name for name in self.processes if _kind(name) == kind]:
                    end(self.processes.pop(name), signal.SIGTERM, patience=STOP_SECONDS)
        finally:
            for process in self.processes.values():
                kill_session(process)
            self.processes.clear()
            self._running.release()

    def agree_on_time(self) -> None:
        """The made-up vendors take it to be the time that campaigns do, where CAMPAIGN_CLOCK sets it."""
        words = self._environment.get("CAMPAIGN_CLOCK", "").strip()
        if words and self.options.mode == Mode.SANDBOX:
            campaign_clock.agree(self._environment["DATABASE_URL"], self.sandbox_url, words)

    def restart(self, name: str) -> None:
        """Ends one process as an operator would and starts it again; returns when it is ready."""
        end(self.processes[name], signal.SIGTERM, patience=STOP_SECONDS)
        self.begin(name)

    def leave(self, name: str) -> None:
        """Ends one process as an operator would, and the stack goes on without it."""
        end(self.processes.pop(name), signal.SIGTERM, patience=STOP_SECONDS)

    def kill(self, name: str) -> None:
        """SIGKILL to one process and all it started, as when a host dies. `begin` starts it again."""
        kill_session(self.processes[name])

    def begin(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Starts one process that has ended, with these further variables; returns when it is ready."""
        self._begin(name, environment or {})
        self._wait(name)

    def check(self) -> None:
        """Raises LocalError when a process has died."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise LocalError(f"the {name} ended with status {process.returncode}. {tail(self._log(name))}")

    def watch(self) -> None:
        """Stays until interrupted, or raises LocalError when a process dies."""
        while True:
            self.check()
            time.sleep(LOOK_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _make_environment(self) -> dict[str, str]:
        servers = self.options.servers
        if servers is None:
            own = addresses(self.options.mode)
        else:
            own = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            # A stop waits for what runs and no longer. Production's (SIGQUIT) sleeps its 45 s whenever anything runs.
            "REMAP_SIGTERM": "",
            "PUMP_SECONDS": os.environ.get("PUMP_SECONDS", "5"),  # so that Ctrl-C is quick
            "DEBUG": "1",
            "HTTPS": "0",
            "ALLOWED_HOSTS": ",".join(filter(None, [LOOPBACK, os.environ.get("ALLOWED_HOSTS")])),
            "SECRET_KEY": settings.SECRET_KEY,
            "CONTACT_KEY_SECRETS": ",".join(settings.CONTACT_KEY_SECRETS),
            **(self._made_up_vendors() if self.options.mode == Mode.SANDBOX else {}),
            **{f"PACE_{name.upper()}": str(pace) for name, pace in self._paces().items()},
            **{f"PRICE_{name.upper()}": str(price) for name, price in self._prices().items()},
            **own,
            OWN: "1",
            **self.options.environment,
        }

    def _made_up_vendors(self) -> dict[str, str]:
        return {
            **NO_VENDORS,
            "REALESTATEAPI_BASE_URL": f"{self.sandbox_url}/realestateapi",
            "REALESTATEAPI_KEY": SandboxConfig.realestateapi_key,
            "SIGNALHOUSE_BASE_URL": f"{self.sandbox_url}/signalhouse",
            "SIGNALHOUSE_API_KEY": SandboxConfig.signalhouse_key,
            "APOLLO_BASE_URL": f"{self.sandbox_url}/apollo/api/v1",
            "APOLLO_API_KEY": SandboxConfig.apollo_key,
            **carriers(),
            **switches(),
            "TWILIO_BASE_URL": f"{self.sandbox_url}/twilio",
            "TWILIO_ACCOUNT_SID": SandboxConfig.twilio_account,
            "TWILIO_AUTH_TOKEN": SandboxConfig.twilio_token,
            "TWILIO_SIGNING_KEYS": "=".join(SandboxConfig.twilio_signing_key),
            "SIGNALHOUSE_MESSAGING_URL": f"{self.sandbox_url}/signalhouse-messaging",
            "SIGNALHOUSE_MESSAGING_KEY": SandboxConfig.signalhouse_messaging_key,
            "SIGNALHOUSE_MESSAGING_GROUP": SandboxConfig.signalhouse_messaging_group,
            "SIGNALHOUSE_WEBHOOK_SECRETS": ",".join(SandboxConfig.signalhouse_webhook_secrets),
            "PUBLIC_URL": self.web_url,  # what the made-up vendors call back
            "CAMPAIGN_EMAIL_URL": f"smtp://127.0.0.1:{self._mail_ports['smtp']}",
            "INBOUND_MAIL_DOMAIN": "in.example.com",
            "MAIL_DOMAIN_PACE": os.environ.get("MAIL_DOMAIN_PACE", "*=0"),  # made-up addresses are all in one domain
            "IMAP_URL": f"imap://{SandboxConfig.imap_user}:{SandboxConfig.imap_password}@127.0.0.1:"
            f"{self._mail_ports['imap']}/INBOX",
            "MAIL_WEBHOOK_SECRET": ",".join(mail_secrets(SandboxConfig)),
            "DNS_SERVER": f"127.0.0.1:{self._mail_ports['dns']}",
        }

    def _paces(self) -> dict[str, Decimal]:
        return {name: self.options.paces.get(name, o["pace"]) for name, o in settings.OPERATIONS.items()}

    def _prices(self) -> dict[str, Decimal]:
        return {name: self.options.prices.get(name, o["price"]) for name, o in settings.OPERATIONS.items()}

    def _command(self, name: str) -> list[str]:
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-A", "config"]
        match _kind(name):
            case "sandbox":
                return [*python, "sandbox", *self._sandbox_arguments()]
            case "web":
                bind = ["--bind", f"127.0.0.1:{self._port}", "--threads", str(self.options.web_threads)]
                return [*python, "gunicorn", "--config", "python:config.gunicorn", *bind, "config.wsgi"]
            case "worker":
                pool = ["-P", "prefork", "-c", str(self.options.concurrency), "-n", f"{name}-{self._port}@localhost"]
                return [*celery, "worker", *pool]
            case "beat":
                return [*celery, "beat", "-S", "django", "--pidfile="]
        raise LocalError(f"a stack has no {name!r}, only {', '.join(STOP_ORDER)}")

    def _sandbox_arguments(self) -> list[str]:
        arguments = ["--port", str(self._sandbox_port), "--callback", self.web_url]
        for name, port in self._mail_ports.items():
            arguments += [f"--{name}-port", str(port)]
        arguments.append("--mail")
        if clock := self._environment.get("CAMPAIGN_CLOCK", "").strip():
            arguments += ["--clock", clock]
        for path in self.options.parcels:
            arguments += ["--parcels", str(path)]
        for name, pace in self._paces().items():
            if pace and name in OPERATIONS:  # e-mails go to a mail server, which has no pace
                arguments += ["--pace", f"{name}={int(pace)}"]
        units = {PRICE_OF[name]: price for name, price in self._prices().items() if name in PRICE_OF}
        units["signalhouse_skip_trace"] = self._prices()["skip_trace"]
        for unit, price in units.items():
            arguments += ["--price", f"{unit}={price}"]
        return [*arguments, *self.options.sandbox]

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _begin(self, name: str, more: Mapping[str, str]) -> None:
        self._log(name).unlink(missing_ok=True)
        environment = {**self._environment, **more}
        command = [*self.options.prefix.get(name, ()), *self._command(name)]
        self.processes[name] = spawn(command, log=self._log(name), environment=environment, directory=PROJECT)

    def _wait(self, name: str, address: str = "/healthz") -> None:
        ready: Mapping[str, Callable[[], bool]] = {
            "sandbox": lambda: _answers(f"{self.sandbox_url}/sandbox/ledger"),
            "web": lambda: _answers(self.web_url + address),
            "worker": lambda: b" ready." in self._log(name).read_bytes(),
            "beat": lambda: True,
        }
        wait_until(
            ready[_kind(name)],
            process=self.processes[name],
            log=self._log(name),
            what=f"the {name}",
            seconds=READY_SECONDS,
        )

    def _migrate(self) -> None:
        log = self._log("migrate")
        log.unlink(missing_ok=True)
        command = [sys.executable, "manage.py", "migrate", "--noinput"]
        if spawn(command, log=log, environment=self._environment, directory=PROJECT).wait():
            raise LocalError(f"the database could not be migrated. {tail(log)}")


def _kind(name: str) -> str:
    """The kind of a process: "worker" of "worker-2", another worker host."""
    return name.partition("-")[0]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP end this process as Ctrl-C does: with everything stopped. Lines come out as written."""

    def interrupt(_signum: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    before = {signum: signal.signal(signum, interrupt) for signum in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
