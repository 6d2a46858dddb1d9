"""Whether a post is Twilio's: both of its signature schemes (docs/vendors/twilio.md 3), on the raw bytes. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

_SETTINGS = "x-twilio-webhooks-signature-settings"
_HASHES: Mapping[str, Callable[..., Any]] = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}


def is_signed(
    *, url: str, headers: Mapping[str, str], body: bytes, token: str, signing_keys: Mapping[str, str]
) -> bool:
    """headers: lower-cased names. token: the account's; signing_keys: secrets by their id, for the newer scheme.

    1. Without settings in a header it is HMAC-SHA1 by the token; else the named key by the named algorithm, both known.
    2. Signed is the address, with or without its port, and of a form every distinct pair after it, sorted.
    3. Of another body its hash stands in the address, and must be right.
    """
    key, algorithm = _scheme(headers.get(_SETTINGS, ""), token, signing_keys)
    given = headers.get("x-twilio-signature", "").strip()
    if not key or algorithm not in _HASHES or not given:
        return False
    text = body.decode("utf-8", errors="replace")
    content_type = headers.get("content-type", "")
    hashes = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    if hashes and "x-www-form-urlencoded" not in content_type:
        if not hmac.compare_digest(hashes[0].lower().encode(), hashlib.sha256(body).hexdigest().encode()):
            return False
        text = ""
    try:
        pairs = sorted(set(parse_qsl(text, keep_blank_values=True, max_num_fields=500)))
        addresses = _with_and_without_port(url)
    except ValueError:
        return False
    fields = "".join(name + value for name, value in pairs)
    signed = [_sign(key, address + fields, _HASHES[algorithm]) for address in addresses]
    return any(hmac.compare_digest(one, given.encode()) for one in signed)


def _scheme(words: str, token: str, signing_keys: Mapping[str, str]) -> tuple[str, str]:
    """The secret and the algorithm a post is signed by; an empty secret where we know none such."""
    said = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in words.split(","))}
    if not said.get("key"):
        algorithm = (said.get("algorithm") or "HMAC_SHA1").upper()
        return (token if algorithm == "HMAC_SHA1" else ""), algorithm
    return signing_keys.get(said["key"], ""), (said.get("algorithm") or "").upper()


def _with_and_without_port(url: str) -> list[str]:
    """Twilio is not consistent about the port. Raises ValueError for a port that is none."""
    place = urlsplit(url)
    host = place.netloc if place.port is None else place.netloc.rpartition(":")[0]
    port = place.port or (443 if place.scheme == "https" else 80)
    return [_at(url, place.netloc, host), _at(url, place.netloc, f"{host}:{port}")]


def _at(url: str, netloc: str, new: str) -> str:
    return url.replace(f"//{netloc}", f"//{new}", 1)


def _sign(key: str, text: str, algorithm: Callable[..., Any]) -> bytes:
    return base64.b64encode(hmac.new(key.encode(), text.encode("utf-8", errors="replace"), algorithm).digest())
