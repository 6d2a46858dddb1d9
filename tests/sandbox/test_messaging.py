"""The made-up vendors of messages, asked as anybody would: shapes, knobs by number and header, the log, the clock."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.clock import Clock
from sandbox.numbers import ENDINGS, PRESETS, ScriptError, script_of
from sandbox.texting import segments
from tests.receiver import Receiver
from tests.sandbox.helpers import SAMPLES, differences, ledger, running, sample

OURS = "+13125550100"
AUTH = ("ACsandbox0000000000000000000000000", "sandbox-twilio-token")
BEARER = {"Authorization": "Bearer sandbox-signalhouse-messaging-key"}
Server = tuple[Sandbox, requests.Session]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(generate=10, clock="2026-09-15T15:00Z/20") as pair:
        yield pair


def twilio(server: Server, to: str, *, do: str = "", **form: str) -> requests.Response:
    url = f"{server[0].vendor_urls['twilio']}/2010-04-01/Accounts/{AUTH[0]}/Messages.json"
    headers = {"X-Sandbox-Do": do} if do else {}
    return server[1].post(url, {"To": to, "From": OURS, "Body": "Hi"} | form, auth=AUTH, headers=headers, timeout=60)


def signalhouse(
    server: Server, to: str, *, do: str = "", key: str = "", text: str = "Hi", **fields: Any
) -> requests.Response:
    body = {"senderPhoneNumber": OURS[1:], "recipientPhoneNumber": [to[1:]], "messageBody": text} | fields
    headers = BEARER | ({"X-Sandbox-Do": do} if do else {}) | ({"Idempotency-Key": key} if key else {})
    url = f"{server[0].vendor_urls['signalhouse_messaging']}/message/sms"
    return server[1].post(url, json=body, headers=headers, timeout=60)


def asked(server: Server, path: str, **query: Any) -> Any:
    url = f"{server[0].vendor_urls['signalhouse_messaging']}{path}"
    return server[1].get(url, params={"groupId": "G1234567", **query}, headers=BEARER, timeout=60).json()


def control(server: Server, path: str, order: Any) -> requests.Response:
    return server[1].post(f"{server[0].base_url}/sandbox/{path}", json=order, timeout=60)


def log(server: Server, to: str = "", **query: str) -> Any:
    return server[1].get(f"{server[0].base_url}/__log", params={"to": to, **query}, timeout=60).json()


# --- Shapes -----------------------------------------------------------------------------------------------------------


def test_answers_have_the_published_shapes(server: Server) -> None:
    plain = twilio(server, "+12025550101").json()
    assert differences(sample("twilio_message_201_createWoService"), plain) == []
    by_service = twilio(server, "+12025550101", MessagingServiceSid="MG" + "a" * 32, From="").json()
    assert differences(sample("twilio_message_201_createWithMessagingService"), by_service) == []
    assert (by_service["from"], plain["from"], plain["num_segments"]) == (None, OURS, "1")
    for name, do in (("enqueued", ""), ("blocked_optout", "opted_out"), ("blocked_dnc", "dnc")):
        answer = signalhouse(server, "+12025550101", do=do)
        published = sample(f"signalhouse_send_sms_201_{name}")
        assert answer.status_code == 201 and differences(published, answer.json()) == []
        counts = ("requestedRecipientCount", "enqueuedCount", "failedCount")
        assert [answer.json()[count] for count in counts] == [published[count] for count in counts]
    assert answer.json()["dncBlockedNumbers"] == ["12025550101"], "area code 555 of the samples is nobody's"


def test_a_published_recipient_of_area_code_555_is_no_number(server: Server) -> None:
    if SAMPLES.exists():
        assert "5555550199" in (SAMPLES / "signalhouse_send_sms_req.json").read_text()
    refused = twilio(server, "+15555550199")
    assert (refused.status_code, refused.json()["code"]) == (400, 21211)
    assert signalhouse(server, "+15555550199").status_code == 400
    assert log(server, "+15555550199")["hits"] == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": " "}, 21602),
        ({"From": "+1312"}, 21606),
        ({"Body": "x" * 1601}, 21617),
        ({"ValidityPeriod": "0"}, 21667),
        ({"ValidityPeriod": "36001"}, 21667),
    ],
)
def test_twilio_refuses_in_its_own_words(server: Server, form: dict[str, str], code: int) -> None:
    answer = twilio(server, "+12025550102", **form)
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (400, code, 400)


def test_who_has_no_key_is_refused(server: Server) -> None:
    url = f"{server[0].vendor_urls['twilio']}/2010-04-01/Accounts/{AUTH[0]}/Messages.json"
    assert server[1].post(url, {"To": "+12025550103"}, auth=(AUTH[0], "no"), timeout=60).json()["code"] == 20003
    url = f"{server[0].vendor_urls['signalhouse_messaging']}/notification?groupId=G1234567"
    assert server[1].get(url, timeout=60).json() == {"message": "Unauthorized"}


# --- Knobs ------------------------------------------------------------------------------------------------------------


def test_a_script_is_of_a_number_or_of_a_request_and_nobody_elses(server: Server) -> None:
    assert control(server, "numbers", {"+12025550104": "bad_number"}).json() == {"numbers": 1}
    assert [twilio(server, to).status_code for to in ("+12025550104", "+12025550105")] == [400, 201]
    assert [twilio(server, "+12025550105", do=do).status_code for do in ("500", "", "401", "402")] == [
        500,
        201,
        401,
        402,
    ]
    assert [twilio(server, "+16805550164").status_code for _ in range(3)] == [429, 201, 201], "asked too often, once"
    assert set(ENDINGS.values()) <= set(PRESETS)
    assert log(server, "+12025550105")["hitsByRecipient"] == {"+12025550105": 2}


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"+12025550104": "shout"}, "unknown script 'shout'"),
        ({"+12025550104": {"sms": 1}}, "unknown field 'sms'"),
        ({"+12025550104": {"deliver_after": "soon"}}, "deliver_after: 'soon' cannot be read"),
        ({"+12025550104": 3}, "a script is names"),
        ({"+15555550104": "stop"}, "no number"),
        (["+12025550104"], "JSON object"),
    ],
)
def test_an_order_that_means_nothing_is_refused_and_changes_nothing(server: Server, order: Any, told: str) -> None:
    before = server[0].messaging.numbers.of("+12025550104")
    answer = control(server, "numbers", order)
    assert answer.status_code == 400 and told in answer.json()["message"]
    assert server[0].messaging.numbers.of("+12025550104") == before


def test_scripts_are_joined() -> None:
    script = script_of({"do": "stop+twice+unsigned", "deliver_after": 60})
    assert (script.says, script.posts, script.deliver_after) == (
        ((3.0, "STOP"),),
        frozenset({"twice", "unsigned"}),
        60.0,
    )
    with pytest.raises(ScriptError):
        script_of({"posts": ["loudly"]})


def test_one_key_is_one_message(server: Server) -> None:
    first = signalhouse(server, "+12025550106", key="k-1")
    again = signalhouse(server, "+12025550106", key="k-1")
    other = signalhouse(server, "+12025550106", key="k-1", text="Another")
    assert first.content == again.content and other.status_code == 409
    known = log(server, "+12025550106")
    assert (known["hitsByKey"], known["requestsByKey"]) == ({"k-1": 1}, {"k-1": 3})
    assert [one["outcome"] for one in known["requests"]] == ["accepted", "replayed", "key used"]
    assert ledger(*server, "?inputs=1")["inputs"]["sms"]["+12025550106|Hi"] == 1, "and is billed once"


@pytest.mark.parametrize(
    ("text", "count"), [("x" * 160, 1), ("x" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("é🙂" * 23, 1), ("🙂" * 36, 2)]
)
def test_segments_are_counted_as_carriers_do(text: str, count: int) -> None:
    assert segments(text) == count


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_messages_are_listed_by_number_and_day_in_pages(server: Server) -> None:
    sids = [twilio(server, "+12025550107", do="early").json()["sid"] for _ in range(3)]
    base = f"{server[0].vendor_urls['twilio']}"
    page = f"/2010-04-01/Accounts/{AUTH[0]}/Messages.json?To=%2B12025550107&PageSize=2"
    found = []
    while page:
        answer = server[1].get(base + page, auth=AUTH, timeout=60).json()
        found += [one["sid"] for one in answer["messages"]]
        page = answer["next_page_uri"]
    assert found == sids[::-1]
    twilio(server, "+12025550107", do="silent")  # still queued: it has no day of sending
    for query, count in (("DateSent%3E=2026-09-15", 3), ("DateSent%3E=2126-01-01", 0), ("From=%2B13125550199", 0)):
        path = f"/2010-04-01/Accounts/{AUTH[0]}/Messages.json?To=%2B12025550107&{query}"
        assert len(server[1].get(base + path, auth=AUTH, timeout=60).json()["messages"]) == count, query
    assert server[1].get(f"{base}/2010-04-01/Accounts/{AUTH[0]}/Messages/{sids[0]}.json", auth=AUTH, timeout=60).ok

    ids = [signalhouse(server, "+12025550108").json()["insertedMessages"][0]["_id"] for _ in range(3)]
    window = {"startDate": "2026-09-15T00:00:00Z", "endDate": "2126-09-15T00:00:00Z", "dateBounds": "exact"}
    pages = [asked(server, "/message", recipientPhoneNumber="12025550108", limit=2, page=n, **window) for n in (1, 2)]
    assert [one["_id"] for page in pages for one in page["messages"]] == ids
    assert asked(server, "/message", groupId="")["message"] == "groupId, startDate and endDate are required"
    report = (
        server[1]
        .post(
            f"{server[0].vendor_urls['signalhouse_messaging']}/message/delivery-report",
            json={"messageIds": ids},
            headers=BEARER,
            timeout=60,
        )
        .json()
    )
    assert [one["messageId"] for one in report["data"]] == ids


# --- Posts ------------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_signalhouse_tries_three_times_with_one_delivery_id(server: Server) -> None:
    with Receiver() as receiver:
        control(server, "callbacks", {"+13125550109": receiver.url})
        receiver.answers[:] = [500, 429]
        order = {"vendor": "signalhouse_messaging", "from": "+12025550110", "to": "+13125550109", "text": "STOP"}
        assert control(server, "texts", order).ok
        posts = receiver.wait(3)
    assert len({post.headers["X-SignalHouse-Delivery-Id"] for post in posts}) == 1
    for post in posts:
        stamp, _, given = post.headers["X-SignalHouse-Signature-V1"].partition(",v1=")
        text = f"{stamp.removeprefix('t=')}.".encode() + post.body
        assert hmac.new(b"sandbox-webhook-secret", text, hashlib.sha256).hexdigest() == given
        assert differences(sample("signalhouse_webhook_event_message_received"), json.loads(post.body)) == []
    (kept,) = asked(server, "/notification", limit=1, eventTypes="MESSAGE_RECEIVED")["notifications"]
    assert kept == json.loads(posts[0].body)
    assert [one["optOutKeyword"] for one in asked(server, "/message/dnc")["data"]] == ["stop"]


def test_all_posts_are_replayed_in_reverse() -> None:
    with running(generate=10) as own, Receiver() as receiver:
        control(own, "callbacks", {OURS: receiver.url})
        for text in ("one", "two"):
            control(own, "texts", {"vendor": "twilio", "from": "+12025550111", "to": OURS, "text": text})
        assert control(own, "replay", {"reverse": True, "times": 2}).json() == {"posts": 4}
        bodies = [post.body for post in receiver.posts]
        replayed = [post["replay"] for post in log(own, posts="1")["posts"]]
    assert [b"Body=one" in body for body in bodies] == [True, False, False, True, False, True]
    assert replayed == [False, False, True, True, True, True]
    signature = base64.b64decode(receiver.posts[0].headers["X-Twilio-Signature"])
    assert len(signature) == 20


def test_nothing_is_posted_to_another_machine(server: Server) -> None:
    control(server, "callbacks", {"+13125550112": "https://example.com"})
    order = {"vendor": "twilio", "from": "+12025550113", "to": "+13125550112", "text": "Hi"}
    assert control(server, "texts", order).ok
    posts = [post for post in log(server, posts="1")["posts"] if "example.com" in post["url"]]
    assert [post["status"] for post in posts] == [None, None]


# --- The clock --------------------------------------------------------------------------------------------------------


def test_the_log_is_stamped_by_the_clock_that_was_set(server: Server) -> None:
    twilio(server, "+12025550114")
    assert log(server, "+12025550114")["hits"][0]["at"].startswith("2026-09-15T15:")
    with running(generate=10) as own:
        assert control(own, "clock", {"clock": "2026-12-24T12:00-05:00/10"}).ok
        twilio(own, "+12025550114")
        assert log(own)["hits"][0]["at"].startswith("2026-12-24T17:00:")
        assert control(own, "clock", {"clock": "tomorrow"}).status_code == 400


@pytest.mark.parametrize("words", ["2026-09-15T15:00", "2026-09-15T15:00Z/21", "2026-09-15T15:00Z/0", "soon"])
def test_a_clock_without_a_zone_or_too_fast_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        Clock(words)
