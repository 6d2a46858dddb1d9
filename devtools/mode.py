"""Whether this place asks real vendors or made-up ones, and which database and broker go with that.

Real data and made-up data never share a database. DATABASE_URL and REDIS_URL belong to real data; made-up data has
servers of its own, or those of SANDBOX_DATABASE_URL and SANDBOX_REDIS_URL.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import urlsplit, urlunsplit

from devtools import apart, servers
from devtools.process import LocalError

VENDORS = {  # name: its title, where it answers, its key
    "realestateapi": ("RealEstateAPI", "REALESTATEAPI_BASE_URL", "REALESTATEAPI_KEY"),
    "signalhouse": ("SignalHouse", "SIGNALHOUSE_BASE_URL", "SIGNALHOUSE_API_KEY"),
    "apollo": ("Apollo", "APOLLO_BASE_URL", "APOLLO_API_KEY"),
    "twilio": ("Twilio", "TWILIO_BASE_URL", "TWILIO_AUTH_TOKEN"),
    "signalhouse_messaging": ("SignalHouse messaging", "SIGNALHOUSE_MESSAGING_URL", "SIGNALHOUSE_MESSAGING_KEY"),
}
VENDOR_NAMES = tuple(name for _, address, key in VENDORS.values() for name in (address, key))
# What else belongs to an account with them, and who of them is chosen.
THEIRS = (
    "APOLLO_WEBHOOK_URL",
    "SKIP_TRACE_VENDOR",
    "SMS_VENDOR",
    "VOICE_VENDOR",
    "VOICE_AMD",
    "VOICE_CONFIRM",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_SIGNING_KEYS",
    "SIGNALHOUSE_MESSAGING_GROUP",
    "SIGNALHOUSE_WEBHOOK_SECRETS",
    "CAMPAIGN_EMAIL_URL",
    "INBOUND_MAIL_DOMAIN",
    "IMAP_URL",
    "MAIL_WEBHOOK_SECRET",
    "DNS_SERVER",
)
ADDRESSES = ("DATABASE_URL", "REDIS_URL")
# For what must never ask a real vendor: no address, no key, none that a made-up vendor would push phones to, and no
# choice of who traces, which was made for real vendors. Who carries texts and calls may be chosen: CHOOSABLE.
NO_VENDORS = dict.fromkeys((*VENDOR_NAMES, *THEIRS), "")
# Kept on made-up vendors too: which of two stand-ins there is tried. What goes by it, in words.
CHOOSABLE = {"SMS_VENDOR": "Texts", "VOICE_VENDOR": "Calls"}
SWITCHES = ("VOICE_AMD", "VOICE_CONFIRM")  # of calls, whoever places them: kept too
# Set where the environment is complete: no stack's addresses take the place of its own.
OWN = "OWN_ADDRESSES"
# For tests, chaos and benchmarks: vendors that refuse (the discard port), nothing from `.env`, no stack's addresses.
APART = {
    **{name: "http://127.0.0.1:9" if name.endswith("_URL") else "made-up-key" for name in VENDOR_NAMES},
    **dict.fromkeys(THEIRS, ""),
    "CAMPAIGN_EMAIL_URL": "smtp://127.0.0.1:9",
    "DNS_SERVER": "127.0.0.1:9",
    "CAMPAIGN_CLOCK": "",
    "ENV_FILE": os.devnull,
    OWN: "1",
}
REAL_DATABASE = "buckets_real"
REAL_BROKER = 1  # Valkey's database; made-up data has 0

_found: dict[Mode, dict[str, str]] = {}
_unused: list[str] = []  # sentences about settings that are set and not used


class Mode(StrEnum):
    """Which vendors are asked."""

    REAL = "real"
    SANDBOX = "sandbox"

    @classmethod
    def of_stack(cls, command: str, arguments: Sequence[str]) -> Mode:
        """Real for `up` where a vendor's key is set and --sandbox is not among its arguments; else made up."""
        forced = any(is_sandbox_flag(argument) for argument in arguments)
        return cls.REAL if command == "up" and not forced and keys_set(os.environ) else cls.SANDBOX

    @classmethod
    def of_command(cls) -> Mode:
        """What a command works on while no stack runs: real data where a key or DATABASE_URL is set."""
        return cls.REAL if keys_set(os.environ) or os.environ.get("DATABASE_URL") else cls.SANDBOX


def is_sandbox_flag(argument: str) -> bool:
    """--sandbox, --sandbox=…, and what argparse takes for it (--sand)."""
    flag = argument.split("=")[0]
    return len(flag) > len("--s") and "--sandbox".startswith(flag)


def keys_set(environment: Mapping[str, str]) -> list[str]:
    """The vendors that have a key. Spaces are none."""
    return [vendor for vendor, (_, _, key) in VENDORS.items() if environment.get(key, "").strip()]


def forget_vendors() -> None:
    """From here on this process can ask no vendor. `first_line` says what was set."""
    _unused[:] = _set_and_not_used()
    os.environ.update(NO_VENDORS | {name: os.environ.get(name, "") for name in (*CHOOSABLE, *SWITCHES)})


def switches() -> dict[str, str]:
    """How calls go, as was chosen."""
    return {name: os.environ.get(name, "") for name in SWITCHES}


def carriers() -> dict[str, str]:
    """Which made-up vendor carries texts and which calls: as was chosen, else Twilio."""
    return {name: os.environ.get(name, "").strip() or "twilio" for name in CHOOSABLE}


def addresses(mode: Mode) -> dict[str, str]:
    """DATABASE_URL and REDIS_URL of this mode: what the environment gives it, else servers of this checkout.

    Servers are started where they are needed and run until this process ends. Raises LocalError.
    """
    if mode not in _found:
        _check_apart()
        prefix = "SANDBOX_" if mode == Mode.SANDBOX else ""
        given = {name: os.environ.get(f"{prefix}{name}", "") for name in ADDRESSES}
        local = servers.local(*[name for name in ADDRESSES if not given[name]])
        if mode == Mode.REAL:
            local = {name: _real(name, url) for name, url in local.items()}
        _found[mode] = {**given, **local}
    return _found[mode]


def _real(name: str, url: str) -> str:
    """The address of real data on a server of this checkout; its database is made where it is missing."""
    address = urlsplit(url)
    if name == "REDIS_URL":
        return urlunsplit(address._replace(path=f"/{REAL_BROKER}"))
    servers.make_database(url, REAL_DATABASE)
    return urlunsplit(address._replace(path=f"/{REAL_DATABASE}"))


def _check_apart() -> None:
    for name in ADDRESSES:
        given, made_up = os.environ.get(name), os.environ.get(f"SANDBOX_{name}")
        if given and made_up and apart.same(given, made_up):
            raise LocalError(f"SANDBOX_{name} is {name}: real and made-up data must not share it. Name another")


# --- Words ------------------------------------------------------------------------------------------------------------


def first_line(mode: Mode, vendors: Mapping[str, Mapping[str, str]]) -> str:
    """Which vendors are asked, for the first line of `up`. vendors: base_url and key by name, as in the settings."""
    if mode == Mode.SANDBOX:
        chosen = {name: os.environ.get(name, "").strip().lower() for name in CHOOSABLE}
        by = [f"{what} go by {name}={chosen[name]}, made up too." for name, what in CHOOSABLE.items() if chosen[name]]
        return " ".join(["Sandbox: the vendors are made up, and so is their money.", *_unused, *by])
    asked, lacking = [], []
    for vendor, (title, address, key) in VENDORS.items():
        account = vendors[vendor]
        if account["key"] and account["base_url"]:
            asked.append(f"{title} at {_shown(account['base_url'])}")
        else:
            lacking.append(f"{title} (no key: {key})" if not account["key"] else f"{title} (no address: {address})")
    line = f"Real vendors: {', '.join(asked) or 'none'}. What is bought costs money."
    return f"{line} Not available: {', '.join(lacking)}." if lacking else line


def _set_and_not_used() -> list[str]:
    names = ("SKIP_TRACE_VENDOR", "CAMPAIGN_EMAIL_URL")
    chosen = [f"{name} is not used." for name in names if os.environ.get(name, "").strip()]
    if keys_set(os.environ):
        return ["Your vendor keys are not used.", *chosen]
    unused = [
        f"{address} is not used: {key} is not set."
        for _, address, key in VENDORS.values()
        if os.environ.get(address, "").strip()
    ]
    return unused + chosen


def _shown(url: str) -> str:
    """Without a user and a password."""
    address = urlsplit(url)
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment=""))
