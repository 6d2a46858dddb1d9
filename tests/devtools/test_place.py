"""`manage.py` in a development place and elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devtools import mode, place, servers
from devtools.mode import Mode
from devtools.process import LocalError
from devtools.running import Running
from devtools.stack import Options, Stack
from sandbox.server import SandboxConfig

MANAGE = [sys.executable, str(servers.PROJECT / "manage.py")]
LOCAL = {
    "DATABASE_URL": "postgresql://postgres@/buckets?host=%2Fsocket&port=5432",
    "REDIS_URL": "redis://:secret@127.0.0.1:7000/0",
}
THEIRS = {"DATABASE_URL": "postgres://them:secret@db.example:5432/buckets", "REDIS_URL": "redis://redis.example:6379/0"}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    names = ("PATH", "HOME", "LANG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [*MANAGE, *arguments], env={**kept, mode.OWN: "1", **environment}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A checkout without `.env`, whose servers have the addresses LOCAL; nothing is set."""
    before = dict(os.environ)
    monkeypatch.setattr(servers, "LOCAL", tmp_path)
    monkeypatch.setattr(servers, "read_env", lambda: None)
    monkeypatch.setattr(servers, "local", lambda *names: {name: LOCAL[name] for name in names})
    monkeypatch.setattr(servers, "make_database", lambda url, name: None)
    monkeypatch.setattr(servers, "is_empty", lambda url: False)
    monkeypatch.setattr(mode, "_found", {})
    for name in (
        *mode.APART,
        *mode.ADDRESSES,
        *(f"SANDBOX_{n}" for n in mode.ADDRESSES),
        "SECRET_KEY",
        "DEBUG",
        "CONTACT_KEY_SECRETS",
    ):
        os.environ.pop(name, None)
    yield monkeypatch
    os.environ.clear()
    os.environ.update(before)


def addresses() -> dict[str, str]:
    return {name: os.environ[name] for name in mode.ADDRESSES}


def test_where_debug_is_off_nothing_is_provided_and_one_line_says_what_is_missing() -> None:
    ended = manage("check", DEBUG="0")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("SECRET_KEY is not set. It is needed for")


def test_a_bad_value_is_one_line_too() -> None:
    ended = manage("check", DEBUG="1", SECRET_KEY="x", DATABASE_URL="mysql://x/y", REDIS_URL="redis://x")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "DATABASE_URL must be a PostgreSQL address" in ended.stderr


def test_an_environment_that_is_complete_is_left_alone(
    checkout: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.setattr(servers, "local", lambda *names: pytest.fail("no server is needed"))
    os.environ.update(THEIRS, SECRET_KEY="x" * 50, CONTACT_KEY_SECRETS="y" * 50)
    before = dict(os.environ)
    place.provide("check")
    assert dict(os.environ) == before
    assert capsys.readouterr().err == ""


def test_what_is_missing_is_provided(checkout: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place.provide("migrate")
    assert (os.environ["DEBUG"], addresses()) == ("1", LOCAL)
    key = os.environ["SECRET_KEY"]
    assert len(key) >= 50 and (tmp_path / "secret").stat().st_mode & 0o077 == 0
    keys = os.environ["CONTACT_KEY_SECRETS"]
    assert len(keys) >= 50 and keys != key
    os.environ.pop("SECRET_KEY")
    os.environ.pop("CONTACT_KEY_SECRETS")
    place.provide("migrate")
    assert os.environ["SECRET_KEY"] == key, "sessions must outlive a restart"
    assert os.environ["CONTACT_KEY_SECRETS"] == keys, "a phone must stay the same phone"


@pytest.mark.parametrize("command", ["demo", "screenshots", "up"])
def test_made_up_vendors_never_get_the_servers_of_the_environment(checkout: pytest.MonkeyPatch, command: str) -> None:
    os.environ.update(THEIRS, DEBUG="0", APOLLO_WEBHOOK_URL="https://buckets.example/api/apollo/webhook")
    if command != "up":
        os.environ.update(REALESTATEAPI_KEY="real-key", APOLLO_API_KEY="other-key")
    place.provide(command)
    assert addresses() == LOCAL
    assert {name: os.environ[name] for name in mode.NO_VENDORS} == dict.fromkeys(mode.NO_VENDORS, "")
    assert mode.carriers() == {"SMS_VENDOR": "twilio", "VOICE_VENDOR": "twilio"}
    assert os.environ["DEBUG"] == "1", "the command would not be there"


@pytest.mark.parametrize("flag", ["--sandbox", "--sandbox=--seed=2", "--sand"])
def test_up_asks_made_up_vendors_where_it_is_told_to(checkout: pytest.MonkeyPatch, flag: str) -> None:
    os.environ.update(THEIRS, REALESTATEAPI_KEY="real-key")
    place.provide("up", ["--port", "0", flag])
    assert (addresses(), os.environ["REALESTATEAPI_KEY"]) == (LOCAL, "")
    assert mode.first_line(Mode.SANDBOX, {}) == (
        "Sandbox: the vendors are made up, and so is their money. Your vendor keys are not used."
    )


def test_up_with_a_key_uses_the_servers_of_the_environment(checkout: pytest.MonkeyPatch) -> None:
    os.environ.update(THEIRS, APOLLO_API_KEY="real-key")
    place.provide("up", ["--port", "0"])
    assert (addresses(), os.environ["APOLLO_API_KEY"]) == (THEIRS, "real-key")


def test_real_and_made_up_data_live_in_two_databases_of_a_checkouts_servers(checkout: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    checkout.setattr(servers, "make_database", lambda url, name: made.append(name))
    os.environ["REALESTATEAPI_KEY"] = "real-key"
    assert mode.addresses(Mode.REAL) == {
        "DATABASE_URL": "postgresql://postgres@/buckets_real?host=%2Fsocket&port=5432",
        "REDIS_URL": "redis://:secret@127.0.0.1:7000/1",
    }
    assert mode.addresses(Mode.SANDBOX) == LOCAL
    assert made == ["buckets_real"]


def test_made_up_vendors_take_the_servers_that_are_given_to_them(checkout: pytest.MonkeyPatch) -> None:
    os.environ.update(THEIRS, SANDBOX_DATABASE_URL="postgres://them@db.example/sandbox")
    place.provide("demo")
    assert addresses() == {"DATABASE_URL": "postgres://them@db.example/sandbox", "REDIS_URL": LOCAL["REDIS_URL"]}


def test_one_database_for_both_is_refused(checkout: pytest.MonkeyPatch) -> None:
    os.environ.update(THEIRS, SANDBOX_DATABASE_URL="postgresql://other:words@db.example:5432/buckets")
    with pytest.raises(SystemExit, match=r"^demo: SANDBOX_DATABASE_URL is DATABASE_URL: real and made-up data must"):
        place.provide("demo")
    assert os.environ["DATABASE_URL"] == THEIRS["DATABASE_URL"]


@pytest.mark.parametrize(
    ("name", "given", "made_up"),
    [
        ("DATABASE_URL", "postgres://me@localhost/buckets", "postgresql://127.0.0.1:5432/buckets"),
        ("DATABASE_URL", "postgres://me@[::1]/buckets", "postgres://LOCALHOST:5432/buckets/"),
        ("DATABASE_URL", "postgres://me@/buckets?host=/var/run/postgresql", "postgres://127.1/buckets?sslmode=disable"),
        ("DATABASE_URL", "postgres://DB.example./buckets", "postgres://other@db.example:5432/bucket%73"),
        ("DATABASE_URL", "postgres://buckets@localhost", "postgres://me@localhost/buckets"),
        ("REDIS_URL", "redis://localhost", "redis://:word@127.0.0.1:6379/0"),
        ("REDIS_URL", "redis://[::ffff:127.0.0.1]/", "rediss://localhost:6379?db=0"),
        ("REDIS_URL", "redis://cache.example/02", "redis://cache.example:6379/2"),
    ],
)
def test_another_spelling_of_the_same_database_is_refused_too(
    checkout: pytest.MonkeyPatch, name: str, given: str, made_up: str
) -> None:
    os.environ.update({name: given, f"SANDBOX_{name}": made_up})
    with pytest.raises(SystemExit, match=rf"^demo: SANDBOX_{name} is {name}: real and made-up data must not share it"):
        place.provide("demo")
    assert os.environ[name] == given


@pytest.mark.parametrize(
    ("name", "given", "made_up"),
    [
        ("DATABASE_URL", "postgres://localhost/buckets", "postgres://localhost/sandbox"),
        ("DATABASE_URL", "postgres://localhost/buckets", "postgres://localhost:5433/buckets"),
        ("DATABASE_URL", "postgres://localhost/buckets", "postgres://db.example/buckets"),
        ("REDIS_URL", "redis://localhost", "redis://localhost/1"),
        ("REDIS_URL", "redis://localhost", "redis://localhost:6380"),
    ],
)
def test_two_databases_are_taken_however_alike(
    checkout: pytest.MonkeyPatch, name: str, given: str, made_up: str
) -> None:
    os.environ.update({name: given, f"SANDBOX_{name}": made_up})
    place.provide("demo")
    assert os.environ[name] == made_up


@pytest.mark.parametrize("command", ["up", "demo", "screenshots"])
def test_made_up_vendors_trace_by_the_default_vendor_whatever_is_set(
    checkout: pytest.MonkeyPatch, command: str
) -> None:
    os.environ.update(SKIP_TRACE_VENDOR="signalhouse")
    place.provide(command)
    assert os.environ["SKIP_TRACE_VENDOR"] == ""
    assert mode.first_line(Mode.SANDBOX, {}).endswith(" SKIP_TRACE_VENDOR is not used.")


@pytest.mark.parametrize("command", ["up", "demo", "screenshots"])
def test_which_made_up_vendor_carries_texts_and_calls_may_be_chosen_and_its_keys_are_not_used(
    checkout: pytest.MonkeyPatch, command: str
) -> None:
    os.environ.update(SMS_VENDOR="signalhouse", VOICE_VENDOR="signalhouse", VOICE_CONFIRM="1")
    if command != "up":
        os.environ.update(SIGNALHOUSE_MESSAGING_KEY="real-key", SIGNALHOUSE_MESSAGING_GROUP="G9")
    place.provide(command)
    assert (set(mode.carriers().values()), os.environ["SIGNALHOUSE_MESSAGING_KEY"]) == ({"signalhouse"}, "")
    assert mode.first_line(Mode.SANDBOX, {}).endswith(
        " Texts go by SMS_VENDOR=signalhouse, made up too. Calls go by VOICE_VENDOR=signalhouse, made up too."
    )
    environment = Stack(Options(port=0))._make_environment()
    assert (environment["SMS_VENDOR"], environment["VOICE_VENDOR"]) == ("signalhouse", "signalhouse")
    assert (environment["VOICE_CONFIRM"], environment["VOICE_AMD"]) == ("1", "")
    assert environment["SIGNALHOUSE_MESSAGING_KEY"] == SandboxConfig.signalhouse_messaging_key
    assert urlsplit(environment["SIGNALHOUSE_MESSAGING_URL"]).hostname == "127.0.0.1"
    assert environment["SIGNALHOUSE_MESSAGING_GROUP"] == SandboxConfig.signalhouse_messaging_group


def test_a_real_stack_traces_by_the_vendor_that_is_set(checkout: pytest.MonkeyPatch) -> None:
    os.environ.update(THEIRS, SIGNALHOUSE_API_KEY="real-key", SKIP_TRACE_VENDOR="signalhouse")
    place.provide("up")
    assert os.environ["SKIP_TRACE_VENDOR"] == "signalhouse"


def test_a_key_of_spaces_is_no_key(checkout: pytest.MonkeyPatch) -> None:
    os.environ.update(THEIRS, REALESTATEAPI_KEY="  ", REALESTATEAPI_BASE_URL="http://127.0.0.1:9999")
    assert mode.keys_set(os.environ) == []
    place.provide("up")
    assert addresses() == LOCAL
    assert mode.first_line(Mode.SANDBOX, {}).endswith(
        " REALESTATEAPI_BASE_URL is not used: REALESTATEAPI_KEY is not set."
    )


def test_the_settings_take_spaces_around_a_key_away_and_an_empty_trace_vendor_for_the_default() -> None:
    code = "from config import settings as s; print([v['key'] for v in s.VENDORS.values()], s.SKIP_TRACE_VENDOR)"
    keys = {"REALESTATEAPI_KEY": " ", "SIGNALHOUSE_API_KEY": " key ", "APOLLO_API_KEY": "\t", "SKIP_TRACE_VENDOR": ""}
    place_of_its_own = {"SECRET_KEY": "x" * 50, "DEBUG": "1", "ENV_FILE": os.devnull, **place.NOWHERE}
    environment = {"PATH": os.environ["PATH"], **place_of_its_own, **keys}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=servers.PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "['', 'key', '', '', '', 'none'] realestateapi\n", ended.stderr


def test_a_command_works_on_the_data_of_the_stack_that_runs_and_says_so(
    checkout: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    running = Running(tmp_path)
    running.claim(url="http://127.0.0.1:8000", mode=Mode.SANDBOX)
    told = LOCAL | {"REALESTATEAPI_KEY": "sandbox-key", "PRICE_SKIP_TRACE": "0.07", "SECRET_KEY": "not told"}
    told |= {"SMS_VENDOR": "signalhouse", "PUBLIC_URL": "http://127.0.0.1:8000"}
    running.tell(url="http://127.0.0.1:8000", mode=Mode.SANDBOX, environment=told)
    os.environ.update(THEIRS, REALESTATEAPI_KEY="real-key", SECRET_KEY="mine" * 20, SMS_VENDOR="twilio")
    place.provide("bucket_status", ["--json"])
    assert addresses() == LOCAL
    assert (os.environ["REALESTATEAPI_KEY"], os.environ["PRICE_SKIP_TRACE"]) == ("sandbox-key", "0.07")
    assert (os.environ["SMS_VENDOR"], os.environ["PUBLIC_URL"]) == ("signalhouse", "http://127.0.0.1:8000")
    assert os.environ["SECRET_KEY"] == "mine" * 20
    output = capsys.readouterr()
    assert (output.out, output.err) == (
        "",
        "Sandbox data (made up), of the stack that is running "
        f"(process {os.getpid()}, http://127.0.0.1:8000, made-up vendors).\n",
    )
    running.release()


def test_a_real_stack_tells_where_its_data_is_and_writes_no_key(
    checkout: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    running = Running(tmp_path)
    running.claim(url="http://127.0.0.1:8000", mode=Mode.REAL)
    told = THEIRS | {"REALESTATEAPI_KEY": "real-key", "REALESTATEAPI_BASE_URL": "https://api.example"}
    told |= {"TWILIO_AUTH_TOKEN": "real-key-2", "SIGNALHOUSE_WEBHOOK_SECRETS": "real-key-3"}
    running.tell(url="http://127.0.0.1:8000", mode=Mode.REAL, environment=told)
    assert "real-key" not in (tmp_path / "stack.json").read_text()
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0
    place.provide("bucket_status")
    assert (addresses(), os.environ["REALESTATEAPI_BASE_URL"]) == (THEIRS, "https://api.example")
    assert "REALESTATEAPI_KEY" not in os.environ
    said = capsys.readouterr().err
    assert said.startswith("Real data, of the stack that is running (process ") and said.count("\n") == 1
    assert said.endswith(" No vendor key is set for this command.\n")
    running.release()


@pytest.mark.parametrize(("key", "said"), [("", "Sandbox data (made up)"), ("real-key", "Real data")])
def test_while_no_stack_runs_a_key_decides_whose_data_it_is(
    checkout: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str, said: str
) -> None:
    os.environ["REALESTATEAPI_KEY"] = key
    place.provide("bucket_status")
    assert os.environ["DATABASE_URL"].startswith(f"postgresql://postgres@/buckets{'_real' if key else ''}?")
    assert capsys.readouterr().err == f"{said}, of this checkout; no stack is running.\n"


def test_one_stack_at_a_time_runs_in_a_checkout(checkout: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout.setattr(servers, "local", lambda *names: pytest.fail("no server is needed"))
    first, second = Running(tmp_path), Running(tmp_path)
    first.claim(url="http://127.0.0.1:8000", mode=Mode.REAL)
    words = f"is running already (process {os.getpid()}, http://127.0.0.1:8000, real vendors): stop it first"
    with pytest.raises(LocalError) as refused:
        second.claim(url="http://127.0.0.1:8001", mode=Mode.SANDBOX)
    assert words in str(refused.value)
    with pytest.raises(SystemExit) as ended:
        place.provide("up", ["--sandbox"])
    assert words in str(ended.value)
    first.release()
    second.claim(url="http://127.0.0.1:8001", mode=Mode.SANDBOX)
    assert (second.facts() or first).url == "http://127.0.0.1:8001"  # type: ignore[union-attr]
    second.release()
    assert second.facts() is None


def test_a_stack_that_was_killed_is_in_nobodys_way(checkout: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from devtools.running import Mode, Running\n"
        "Running(Path(sys.argv[1])).claim(url='http://127.0.0.1:8000', mode=Mode.REAL)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, tmp_path], cwd=servers.PROJECT, check=False, timeout=30)
    assert killed.returncode == -9 and (tmp_path / "stack.json").exists()
    running = Running(tmp_path)
    assert running.facts() is None
    running.claim(url="http://127.0.0.1:8000", mode=Mode.SANDBOX)
    running.release()


def test_a_base_url_without_a_key_is_said_to_be_unused(checkout: pytest.MonkeyPatch) -> None:
    os.environ["REALESTATEAPI_BASE_URL"] = "http://127.0.0.1:9999"
    place.provide("up")
    assert mode.first_line(Mode.SANDBOX, {}).endswith(
        " REALESTATEAPI_BASE_URL is not used: REALESTATEAPI_KEY is not set."
    )


def test_the_first_line_of_a_real_stack_names_who_is_asked_and_who_is_not_available() -> None:
    vendors = {
        "realestateapi": {"base_url": "https://user:secret@api.example/v2", "key": "k"},
        "signalhouse": {"base_url": "", "key": "k"},
        "apollo": {"base_url": "https://apollo.example", "key": ""},
        "twilio": {"base_url": "https://twilio.example", "key": "k"},
        "signalhouse_messaging": {"base_url": "", "key": ""},
    }
    assert mode.first_line(Mode.REAL, vendors) == (
        "Real vendors: RealEstateAPI at https://api.example/v2, Twilio at https://twilio.example. "
        "What is bought costs money. Not available: SignalHouse (no address: SIGNALHOUSE_BASE_URL), "
        "Apollo (no key: APOLLO_API_KEY), SignalHouse messaging (no key: SIGNALHOUSE_MESSAGING_KEY)."
    )
