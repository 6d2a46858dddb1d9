"""Whose posts are believed: every part of a signature changed, by itself. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations.vendors import messaging
from integrations.vendors.signalhouse_messaging import signature as signalhouse
from integrations.vendors.twilio import signature as twilio

URL = "https://app.example.com/api/webhooks/twilio/message"
PAIRS = [("Body", "Stop. Thank you"), ("From", "+12025550143"), ("AddOns", "b"), ("AddOns", "a"), ("Empty", "")]
BODY = urlencode([*PAIRS, ("AddOns", "b")])
FORM = {"content-type": "application/x-www-form-urlencoded"}
KEYS = {"webhooks_sharedkey_1": "shared-secret"}
NOW = datetime(2026, 11, 29, 17, 12, tzinfo=UTC)


def sign(text: str, key: str = "token", algorithm: Any = hashlib.sha1) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), algorithm).digest()).decode()


def of_form(url: str = URL) -> str:
    """Twilio's recipe, written out: the address, then key and value of each distinct pair, sorted."""
    return url + "AddOnsaAddOnsbBodyStop. Thank youEmptyFrom+12025550143"


def signed(url: str = URL, body: str = BODY, token: str = "token", **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return twilio.is_signed(url=url, headers=FORM | named, body=body.encode(), token=token, signing_keys=KEYS)


def test_the_first_scheme_signs_the_address_and_the_sorted_form() -> None:
    good = sign(of_form())
    assert signed(x_twilio_signature=good)
    assert signed(url=URL.replace(".com/", ".com:443/"), x_twilio_signature=good), "signed without its port"
    assert signed(x_twilio_signature=sign(of_form(URL.replace(".com/", ".com:443/")))), "and with it"
    assert signed(url="http://a.test:8000/x", x_twilio_signature=sign(of_form("http://a.test/x")))
    for wrong in (
        {"body": BODY + "&Extra=1"},
        {"body": BODY.replace("Stop", "Start")},
        {"url": URL + "?a=1"},
        {"token": "another"},
        {"url": "https://app.example.com:x/"},
    ):
        assert not signed(**wrong, x_twilio_signature=good)
    assert not signed() and not signed(x_twilio_signature="")
    assert not signed(token="", x_twilio_signature=sign(of_form(), key="")), "an empty token signs nothing"


def test_twilio_documents_this_example() -> None:
    """The example in the tests of its SDK for Python (tests/unit/test_request_validator.py)."""
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
    body = urlencode(fields | {"Caller": "+14158675309"}).encode()
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    headers = FORM | {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    assert twilio.is_signed(url=url, headers=headers, body=body, token="12345", signing_keys={})


def test_the_second_scheme_names_its_key_and_algorithm() -> None:
    good = sign(of_form(), "shared-secret", hashlib.sha256)
    named = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    assert signed(x_twilio_signature=good, x_twilio_webhooks_signature_settings=named)
    for settings, by in (
        ("key=another,algorithm=HMAC_SHA256", good),
        ("key=webhooks_sharedkey_1,algorithm=HMAC_MD5", good),
        ("key=webhooks_sharedkey_1", good),
        ("algorithm=HMAC_SHA256", sign(of_form(), "token", hashlib.sha256)),
        (named, sign(of_form(), "token", hashlib.sha256)),
        (named, sign(of_form())),
    ):
        assert not signed(x_twilio_signature=by, x_twilio_webhooks_signature_settings=settings), settings


def test_of_json_the_hash_in_the_address_is_signed() -> None:
    body = b'{"MessageSid": "SM1"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"

    def holds(url: str, body: bytes, kind: str = "application/json") -> bool:
        headers = {"content-type": kind, "x-twilio-signature": sign(url)}
        return twilio.is_signed(url=url, headers=headers, body=body, token="token", signing_keys={})

    assert holds(url, body)
    assert not holds(url, body + b" ")
    assert not holds(URL, body), "without a hash nothing vouches for the body"
    assert not holds(url, b"Body=STOP", FORM["content-type"]), "a form's fields are signed, whatever the address has"


def stamp(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def mark(at: str, secret: str, body: bytes = b"{}") -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def holds(headers: dict[str, str], body: bytes = b"{}", secrets: tuple[str, ...] = ("new", "old")) -> bool:
    return signalhouse.is_signed(headers=headers, body=body, secrets=secrets, now=NOW)


@pytest.mark.parametrize(
    ("age", "good"), [(0, True), (300, True), (301, False), (-300, True), (-301, False), (86_400, False)]
)
def test_signalhouse_counts_for_five_minutes(age: int, good: bool) -> None:
    at = stamp(NOW - timedelta(seconds=age))
    assert holds({"x-signalhouse-signature-v1": f"t={at},v1={mark(at, 'new')}"}) is good
    assert holds({"x-signalhouse-timestamp": at, "x-signalhouse-signature": mark(at, "old")}) is good


def test_signalhouse_is_believed_by_every_listed_secret_and_no_other() -> None:
    at = stamp(NOW)
    for given in (f"v1={mark(at, 'new')}", f"v1={mark(at, 'old')}", f"v1={mark(at, 'x')},v1={mark(at, 'old')}"):
        assert holds({"x-signalhouse-signature-v1": f"t={at},{given}"})
    good = {"x-signalhouse-signature-v1": f"t={at},v1={mark(at, 'new')}"}
    assert not holds(good, body=b"{} ") and not holds(good, secrets=()) and not holds(good, secrets=("x",))
    seconds = str(int(NOW.timestamp()))
    for bad in (
        {},
        {"x-signalhouse-signature-v1": f"t={at},v1="},
        {"x-signalhouse-signature-v1": f"t={at},t={at},v1={mark(at, 'new')}"},
        {"x-signalhouse-signature-v1": f"v1={mark(at, 'new')}", "x-signalhouse-timestamp": at},
        {"x-signalhouse-signature-v1": f"t={seconds},v1={mark(seconds, 'new')}"},
        {"x-signalhouse-signature": mark(at, "new")},
        {"x-signalhouse-timestamp": at, "x-signalhouse-signature": mark(at, "")},
        {"x-signalhouse-timestamp": "now", "x-signalhouse-signature": mark("now", "new")},
    ):
        assert not holds(bad, secrets=("new", "")), bad


@pytest.mark.parametrize("vendor", ["twilio", "signalhouse_messaging"])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b"[" * 5000, b"MessageSid=", b"Body=hi", b'{"event": 3}', b"x" * 9999,
        b'{"event": "MESSAGE_RECEIVED"}', b'{"event": "MESSAGE_DELIVERED", "metaData": []}', b"MessageSid=SM1&From=x",
        b'{"event": "MESSAGE_RECEIVED", "identifier": "1", "metaData": {"Message": {"senderPhoneNumber": ""}}}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_so_and_has_a_key(vendor: str, body: bytes) -> None:
    read = messaging.read_post(vendor, {}, body)
    assert isinstance(read, messaging.Unreadable) and read.why
    assert 1 <= len(messaging.dedupe_of(vendor, {"X-SignalHouse-Delivery-Id": "d-1"}, body)) <= 128


def test_what_is_no_business_of_ours_is_nothing() -> None:
    assert messaging.read_post("signalhouse_messaging", {}, b'{"event": "BRAND_VERIFIED", "metaData": {}}') == []
    assert messaging.read_post("twilio", {}, b"MessageSid=SM00000000000000000001&MessageStatus=new-one") == []


def test_the_words_of_a_person_are_kept_as_they_are_but_for_what_no_table_holds() -> None:
    said = "st\x00op \N{THUMBS UP SIGN}"
    body = urlencode({"MessageSid": "SM00000000000000000001", "From": "+12025550143", "Body": said})
    read = messaging.read_post("twilio", {}, body.encode())
    assert isinstance(read, list) and isinstance(read[0], messaging.IncomingText)
    assert read[0].text == "stop \N{THUMBS UP SIGN}"
