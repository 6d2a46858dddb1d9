"""Secrets of the environment: read from files where NAME_FILE says so, refused where they could be guessed."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

LEAST = 50  # characters of a signing key: what `.env.example` asks for
MOST_BYTES = 64 * 1024  # of a file
# Written in public: what Django makes for a new project, what the Makefile has, what documents show.
KNOWN = ("django-insecure-", "only-for-checks-", "<", "changeme", "change-me", "collectstatic")
# NAME may be given as NAME_FILE: the path of a file that holds it.
NAMES = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "CONTACT_KEY_SECRETS",
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "REDIS_URL",
    "REALESTATEAPI_KEY",
    "SIGNALHOUSE_API_KEY",
    "APOLLO_API_KEY",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_SIGNING_KEYS",
    "SIGNALHOUSE_MESSAGING_KEY",
    "SIGNALHOUSE_WEBHOOK_SECRETS",
    "EMAIL_URL",
    "CAMPAIGN_EMAIL_URL",
    "IMAP_URL",
    "MAIL_WEBHOOK_SECRET",
    "METRICS_TOKEN",
    "OIDC_CLIENT_SECRET",
)


class BadSecret(ValueError):
    """A secret that cannot be used. The message names its variable and never quotes it."""


def from_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, with each secret that a file holds under its own name. Raises BadSecret."""
    found = dict(environment)
    for name in NAMES:
        path = found.pop(f"{name}_FILE", "").strip()
        if not path:
            continue
        if found.get(name, "").strip():
            raise BadSecret(f"{name} and {name}_FILE are both set. Keep one of them.")
        found[name] = _read(name, path)
    return found


def _read(name: str, path: str) -> str:
    try:
        if not Path(path).is_file() and Path(path).exists():  # a device or a pipe may never end
            raise OSError(errno.EINVAL, "not a file")
        with Path(path).open("rb") as file:
            read = file.read(MOST_BYTES + 1)
        text = read.decode()
    except UnicodeDecodeError:
        raise BadSecret(f"{name}_FILE={path!r} is not text. It holds {name}, on one line.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise BadSecret(f"{name}_FILE={path!r} cannot be read: {why}. It holds {name}, on one line.") from None
    if len(read) > MOST_BYTES:
        raise BadSecret(f"{name}_FILE={path!r} is longer than {MOST_BYTES} bytes. It holds {name}, on one line.")
    text = text.rstrip("\r\n")
    if not text.strip():
        raise BadSecret(f"{name}_FILE={path!r} is empty. It holds {name}, on one line.")
    if "\n" in text or "\r" in text or "\0" in text:
        raise BadSecret(f"{name}_FILE={path!r} has more than one line. It holds {name}, on one line.")
    return text


def weakness(secret: str, least: int = LEAST) -> str:
    """Why a secret of `least` characters could be guessed, in words without a period; empty where it could not.

    Of what is random nearly all pairs of neighbors differ, of what was typed over and over few do.
    """
    if secret.lower().startswith(KNOWN):
        return "begins as an example that is written in public"
    if len(secret) < least:
        return f"has {len(secret)} characters, fewer than {least}"
    distinct = least // 5
    if len(set(secret)) < distinct:
        return f"has {len(set(secret))} different characters, fewer than {distinct}"
    if len(set(pairwise(secret))) < least // 2:
        return "repeats itself"
    return ""
