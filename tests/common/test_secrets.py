"""Secrets of the environment: strong ones only without DEBUG, from files too, and never quoted."""

from __future__ import annotations

import inspect
import os
import random
import re
from pathlib import Path

import pytest
from django.conf import global_settings
from django.contrib.auth import hashers
from django.core import signing
from django.core.exceptions import ImproperlyConfigured

from common.values.secrets import NAMES, weakness
from tests.test_furniture import REQUIRED, loaded, names_read

STRONG = "another-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"


def refusal(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        loaded(monkeypatch, REQUIRED | values)
    words = str(caught.value)
    assert "\n" not in words
    return words


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("short-0123456789", "has 16 characters, fewer than 50"),
        ("abc" * 20, "has 3 different characters, fewer than 10"),
        ("abcdefghij" * 6, "repeats itself"),
        ("abcdefghijk" + 60 * "x", "repeats itself"),
        ("django-insecure-0123456789-abcdefghijklmnopqrstuvwxyz-01234", "begins as an example"),
        ("only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789", "begins as an example"),
        ("<50 random characters> 0123456789 abcdefghijklmnopqrstuvwxyz", "begins as an example"),
    ],
)
def test_production_refuses_a_weak_key_that_signs_and_one_that_once_signed(
    monkeypatch: pytest.MonkeyPatch, key: str, why: str
) -> None:
    words = refusal(monkeypatch, SECRET_KEY=key)
    assert words.startswith(f"SECRET_KEY {why}")
    assert key not in words
    words = refusal(monkeypatch, SECRET_KEY_FALLBACKS=f"{STRONG},{key}")
    assert words.startswith(f"A key of SECRET_KEY_FALLBACKS {why}")
    assert key not in words
    assert loaded(monkeypatch, REQUIRED | {"SECRET_KEY": key, "DEBUG": "1"})["SECRET_KEY"] == key


@pytest.mark.parametrize(("name", "subject"), [("CONTACT_KEY_SECRETS", "The first of "), ("METRICS_TOKEN", "")])
def test_production_refuses_weak_secrets_of_contacts_and_metrics(
    monkeypatch: pytest.MonkeyPatch, name: str, subject: str
) -> None:
    for weak, why in ((40 * "a", "has 1 different characters"), (8 * "abcdefgh", "repeats itself")):
        words = refusal(monkeypatch, **{name: weak})
        assert words.startswith(f"{subject}{name} {why}")
        assert weak not in words
        assert loaded(monkeypatch, REQUIRED | {name: weak, "DEBUG": "1"})


def test_a_weak_secret_that_has_written_keys_stays_behind_a_strong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given = loaded(monkeypatch, REQUIRED | {"CONTACT_KEY_SECRETS": f"{STRONG},{40 * 'a'}"})
    assert given["CONTACT_KEY_SECRETS"] == [STRONG, 40 * "a"]


@pytest.mark.parametrize("length", [20, 32, 50])
def test_random_secrets_are_strong(length: int) -> None:
    chance = random.Random(length)
    assert not any(weakness("".join(chance.choices("0123456789abcdef", k=length)), length) for _ in range(1000))


def test_what_the_key_before_signed_stays_good_while_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = loaded(monkeypatch, REQUIRED | {"SECRET_KEY": STRONG, "SECRET_KEY_FALLBACKS": REQUIRED["SECRET_KEY"]})
    assert given["SECRET_KEY_FALLBACKS"] == [REQUIRED["SECRET_KEY"]]
    signed = signing.Signer(key=REQUIRED["SECRET_KEY"]).sign("ann")
    signer = signing.Signer(key=given["SECRET_KEY"], fallback_keys=given["SECRET_KEY_FALLBACKS"])
    assert signer.unsign(signed) == "ann"
    assert signer.sign("ann") != signed
    assert loaded(monkeypatch, REQUIRED)["SECRET_KEY_FALLBACKS"] == []


@pytest.mark.parametrize("name", ["REALESTATEAPI", "SIGNALHOUSE", "APOLLO"])
def test_production_sends_keys_and_phones_over_tls_alone_or_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variable = f"{name}_BASE_URL"
    words = refusal(monkeypatch, **{variable: "http://vendor.example.com"})
    assert words == (
        f"{variable} is no https address. Keys, addresses and phones go there. "
        f"Example: {variable}=https://vendor.example.com"
    )
    assert refusal(monkeypatch, **{variable: "http://localhost.example.com"}) == words
    for url in ("https://vendor.example.com", "http://127.0.0.1:9"):
        assert loaded(monkeypatch, REQUIRED | {variable: url})["VENDORS"][name.lower()]["base_url"] == url
    assert loaded(monkeypatch, REQUIRED | {variable: "http://vendor.example.com", "DEBUG": "1"})


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_may_lie_in_a_file_whose_last_line_break_is_not_part_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str
) -> None:
    (tmp_path / "key").write_bytes(f"{STRONG}{ending}".encode())
    given = loaded(
        monkeypatch, {**REQUIRED, "SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path / "key"), "DATABASE_URL_FILE": ""}
    )
    assert given["SECRET_KEY"] == STRONG


def test_a_file_of_a_secret_that_cannot_be_used_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where = tmp_path / "file"
    with monkeypatch.context() as patch:
        assert (
            refusal(patch, REDIS_URL_FILE=str(where)) == "REDIS_URL and REDIS_URL_FILE are both set. Keep one of them."
        )
    told = {"APOLLO_API_KEY_FILE": str(where)}
    about = f"APOLLO_API_KEY_FILE='{where}'"
    last = "It holds APOLLO_API_KEY, on one line."
    assert refusal(monkeypatch, **told) == f"{about} cannot be read: No such file or directory. {last}"
    where.write_text("\n")
    assert refusal(monkeypatch, **told) == f"{about} is empty. {last}"
    where.write_text("one\ntwo\n")
    assert refusal(monkeypatch, **told) == f"{about} has more than one line. {last}"
    where.write_bytes(b"\xff\xfe")
    assert refusal(monkeypatch, **told) == f"{about} is not text. {last}"
    where.write_text(70_000 * "x")
    assert refusal(monkeypatch, **told) == f"{about} is longer than 65536 bytes. {last}"
    assert "cannot be read: not a file." in refusal(monkeypatch, APOLLO_API_KEY_FILE="/dev/zero")  # and does end
    where.unlink()
    os.mkfifo(where)
    assert refusal(monkeypatch, **told) == f"{about} cannot be read: not a file. {last}"


def test_every_secret_the_settings_read_may_lie_in_a_file() -> None:
    looks_secret = {
        name for name in names_read() if name.endswith(("_KEY", "_SECRET", "_SECRETS", "_FALLBACKS", "_TOKEN"))
    }
    assert looks_secret | {"DATABASE_URL", "REDIS_URL", "OWNER_DATABASE_URL"} <= set(NAMES)


def test_a_password_costs_a_guesser_what_owasp_advises(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = re.search(r"iterations = ([\d_]+)", inspect.getsource(hashers.PBKDF2PasswordHasher))  # tests have fewer
    assert rounds and int(rounds[1]) >= 600_000
    assert "PASSWORD_HASHERS" not in loaded(monkeypatch, REQUIRED)
    assert global_settings.PASSWORD_HASHERS[0].endswith(".PBKDF2PasswordHasher")
