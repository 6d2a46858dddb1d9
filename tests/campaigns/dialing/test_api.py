"""The dialer, calls, lists and outcomes by the API and the command, as a script has them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.services import create_api_token
from campaigns.models import CallAttempt, Campaign, Member
from leads.calendar.table import Event
from leads.models import Lead
from tests.campaigns.dialing.world import Floor, call, late, make_floor
from tests.campaigns.sending.world import number_of

pytestmark = pytest.mark.django_db(transaction=True)


class Api:
    def __init__(self, client: Any, user: Any) -> None:
        self.client = client
        _, token, _ = create_api_token(username=user.username)
        self.headers = {"Authorization": f"Token {token}"}

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(self.client, method)(f"/api/{path}", headers={**self.headers, **headers}, **sent)
        assert answer.status_code == status, answer.content
        return answer.json()


@pytest.fixture
def floor(settings: Any) -> Floor:
    return make_floor(3, settings)


def test_a_day_of_a_caller_by_the_api(floor: Floor, client: Any) -> None:
    ann, caller = Api(client, floor.ann), Api(client, floor.callers[0])
    plan = {"name": "Monday", "bucketId": str(floor.bucket.pk), "callers": [floor.callers[0].pk], "priority": "equity"}
    caller("post", "call-lists", plan, 403)
    made = ann("post", "call-lists", plan, 201)
    assert made["added"] == {"leads": 3, "people": 3, "noPhone": 0, "sameOwner": 0}
    one = made["callList"]["id"]
    assert made["callList"]["callers"] == [floor.callers[0].pk] and made["callList"]["status"] == "draft"
    assert caller("post", "dialer/next", {})["nobody"]["words"] == "You have no open call list."
    assert ann("post", f"call-lists/{one}/open", {})["callList"]["status"] == "running"
    found = caller("post", "dialer/next", {})["offer"]
    assert {found["leaseUntil"][-1], found["numbers"][0]["fetchedAt"][-1]} == {"Z"}, "as every time of the API"
    assert found["lead"]["phone"] == number_of(0) and found["numbers"][0]["mayCall"] is True  # not masked for her
    assert caller("get", "dialer/current")["offer"]["memberId"] == found["memberId"]
    assert caller("post", f"dialer/{found['memberId']}/renew", {})["offer"]["leaseUntil"] >= found["leaseUntil"]
    body = {"leadId": found["lead"]["id"], "memberId": found["memberId"], "number": number_of(0)}
    call = caller("post", "calls", body, 201, **{"Idempotency-Key": "press-1"})["call"]
    again = caller("post", "calls", body, 201, **{"Idempotency-Key": "press-1"})["call"]
    assert call["id"] == again["id"] and CallAttempt.objects.count() == 1
    assert caller("post", "calls", body, 409)["error"]["code"] == "CALL_OPEN"
    assert caller("post", f"calls/{call['id']}/hang-up", {"seconds": 12})["call"]["seconds"] == 12
    bad = caller("post", f"calls/{call['id']}/dispose", {"code": "callback"}, 400)
    assert bad["error"]["fields"] == {"at": ["“Call back” needs a time."]}
    said = caller("post", f"calls/{call['id']}/dispose", {"code": "do_not_call", "note": "never again"})["call"]
    assert said["outcome"] == "do_not_call" and said["takeBackUntil"].endswith("Z")
    assert caller("post", f"calls/{call['id']}/take-back", {})["call"]["outcome"] is None
    caller("post", f"calls/{call['id']}/dispose", {"code": "interested"})
    assert [one["id"] for one in caller("get", "calls")["calls"]] == [call["id"]]
    assert ann("get", f"calls?listId={one}&leadId={found['lead']['id']}")["count"] == 1
    assert ann("get", "calls?mine=true")["count"] == 0
    assert caller("get", f"calls/{call['id']}")["call"]["outcome"] == "interested"
    second = caller("post", "dialer/next", {"lists": [one]})["offer"]
    caller("post", f"dialer/{second['memberId']}/skip", {"reason": "later"})
    third = caller("post", "dialer/next", {})["offer"]
    caller("post", f"dialer/{third['memberId']}/release", {})
    caller("post", f"dialer/{third['memberId']}/release", {}, 409)
    told = ann("get", f"call-lists/{one}/progress")["progress"]
    assert (told["people"], told["ready"], told["later"], told["done"], told["calls"], told["reached"]) == (
        3, 1, 1, 1, 1, 1,
    )  # fmt: skip
    assert told["words"].startswith("1 may be called now; 1 is waiting for their turn")
    refused = ann("post", "calls", {"leadId": found["lead"]["id"], "number": number_of(0)}, 409)["error"]
    assert refused["code"] == "NOT_ALLOWED" and refused["fields"]["receiptId"]
    assert refused["fields"]["againAt"][0].endswith("Z")
    assert [one["id"] for one in caller("get", "call-lists")["callLists"]] == [one]
    late(Member.objects.get(pk=third["memberId"]))
    other = Api(client, floor.callers[1])
    assert other("get", "call-lists")["count"] == 0
    other("get", f"call-lists/{one}", None, 404)
    other("get", f"calls/{call['id']}", None, 404)


@pytest.mark.long
def test_lists_and_outcomes_of_the_team_by_the_api(floor: Floor, client: Any) -> None:
    ann = Api(client, floor.ann)
    made = ann("post", "call-lists", {"name": "A", "leadIds": [str(floor.leads[0].pk)]}, 201)["callList"]
    for body, field in (({"name": "a", "bucketId": str(floor.bucket.pk)}, "name"), ({"name": ""}, "name"),
                        ({"name": "B"}, "bucketId"),
                        ({"name": "B", "bucketId": str(floor.bucket.pk), "callers": [10**9]}, "callers"),
                        ({"name": "B", "bucketId": str(floor.bucket.pk), "priority": "age"}, "priority"),
                        ({"name": "B", "bucketId": str(floor.bucket.pk), "filters": {"x": 1}}, "x")):  # fmt: skip
        assert field in ann("post", "call-lists", body, 400)["error"]["fields"], body
    one = made["id"]
    window = {"open": "10:00", "close": "12:00", "weekdays": [2]}
    assert ann("patch", f"call-lists/{one}", {"name": "C", "window": window})["callList"]["window"] == window
    assert ann("post", f"call-lists/{one}/leads", {"bucketId": str(floor.bucket.pk)})["added"]["people"] == 2
    assert ann("post", f"call-lists/{one}/pause", {}, 409)["error"]["code"] == "NOT_RUNNING"
    ann("post", f"call-lists/{one}/open", {})
    ann("post", f"call-lists/{one}/pause", {})
    assert ann("delete", f"call-lists/{one}", None, 409)["error"]["code"] == "NOT_DRAFT"
    assert ann("post", f"call-lists/{one}/close", {})["callList"]["status"] == "cancelled"
    assert ann("post", f"call-lists/{one}/leads", {}, 409)["error"]["code"] == "OVER"
    draft = ann("post", "call-lists", {"name": "D", "bucketId": str(floor.bucket.pk)}, 201)["callList"]
    ann("delete", f"call-lists/{draft['id']}")
    ann("get", f"call-lists/{draft['id']}", None, 404)
    assert ann("get", "campaigns")["count"] == 0 and ann("get", f"campaigns/{one}", None, 404)  # lists are no campaigns
    rows = ann("get", "dispositions")["dispositions"]
    assert [row["hotkey"] for row in rows] == list("1234567890")
    changed = ann("patch", f"dispositions/{rows[1]['id']}", {"label": "Engaged", "recycleMinutes": 90})["disposition"]
    assert (changed["label"], changed["recycleMinutes"]) == ("Engaged", 90)
    ann("delete", f"dispositions/{rows[1]['id']}")
    new = {"label": "Mail me", "hotkey": "2", "outcome": "contact", "needs": "note"}
    assert ann("post", "dispositions", new, 201)["disposition"]["code"] == "mail_me"
    assert ann("post", "dispositions", new, 400)["error"]["fields"]
    assert len(ann("get", "dispositions?retired=true")["dispositions"]) == 11


@pytest.mark.long
def test_a_lists_script_is_written_changed_and_read_out_by_the_api(floor: Floor, client: Any, tmp_path: Path) -> None:
    ann, caller = Api(client, floor.ann), Api(client, floor.callers[0])
    plan = {"name": "Monday", "bucketId": str(floor.bucket.pk)}
    bad = ann("post", "call-lists", plan | {"script": "Hi {{firstname}}"}, 400)["error"]
    assert "did you mean {{firstName}}" in bad["fields"]["script"][0] and not Campaign.objects.exists()
    made = ann("post", "call-lists", plan | {"script": "Hi {{firstName}},\r\nthis is Ann. "}, 201)["callList"]
    assert made["script"] == "Hi {{firstName}},\nthis is Ann."
    one = f"call-lists/{made['id']}"
    ann("post", f"{one}/open", {})
    assert caller("post", "dialer/next", {})["offer"]["script"] == "Hi Owner0,\nthis is Ann."
    caller("patch", one, {"script": "mine"}, 403)
    assert ann("patch", one, {"name": "Tuesday"})["callList"]["script"] == made["script"]
    for wrong in ("x" * 5_001, "a\x00b", "{{", None):
        ann("patch", one, {"script": wrong}, 400)
    assert ann("patch", one, {"script": ""})["callList"]["script"] == ""
    assert caller("get", "dialer/current")["offer"]["script"] == ""
    file = tmp_path / "script.txt"
    words = ("call_list", "make", "--name", "By hand", "--bucket", str(floor.bucket.pk), "--script", str(file))
    for content in (None, b"\xff", b"{{nobody}}", b"a\x00b"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(CommandError):
            call_command(*words, "--user", "ann")
    file.write_text("Hello {{firstName}}")
    call_command(*words, "--user", "ann")
    assert Campaign.objects.get(name="By hand").script == "Hello {{firstName}}"


def test_call_lists_by_the_command(floor: Floor, capsys: Any) -> None:
    def told(*words: str) -> Any:
        capsys.readouterr()
        call_command("call_list", *words, "--user", "ann", "--json")
        return json.loads(capsys.readouterr().out)

    made = told("make", "--name", "Monday", "--bucket", str(floor.bucket.pk), "--caller", "caller0", "--open")
    assert (made["callList"]["status"], made["added"]["people"]) == ("running", 3)
    one = made["callList"]["id"]
    Lead.objects.filter(pk=floor.leads[0].pk).update(status="lost")
    assert told("add", one)["added"]["people"] == 0
    assert told("pause", one)["callList"]["status"] == "paused"
    assert told("open", one)["progress"]["ready"] == 3
    assert [row["id"] for row in told("list")["callLists"]] == [one]
    assert told("show", one)["progress"]["words"] == "3 may be called now."
    assert told("close", one)["progress"]["stopped"] == 3
    for words in (["open"], ["make", "--name", "X", "--view", "none"], ["make", "--name", "X", "--caller", "nobody"],
                  ["open", one]):  # fmt: skip
        with pytest.raises(CommandError):
            call_command("call_list", *words, "--user", "ann")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("0001-01-01T00:00:00+14:00", "There is no such time."),
        ("9999-12-31T23:59:59-14:00", "There is no such time."),
        ("0001-01-01T00:00:00Z", "This time is past."),
        ("2027-03-14T02:30:00", "There is no 2:30 AM on that day in America/New_York"),
    ],
)
def test_a_time_that_is_none_is_refused_in_words_and_one_without_a_zone_is_by_her_clock(
    floor: Floor, client: Any, at: str, words: str
) -> None:
    floor.list()
    row, caller = call(floor.caller()), Api(client, floor.callers[0])
    for code in ("callback", "appointment"):
        refused = caller("post", f"calls/{row.pk}/dispose", {"code": code, "at": at}, 400)["error"]
        assert refused["fields"]["at"][0].startswith(words)
    ahead = timezone.localtime(timezone.now() + timedelta(days=2), ZoneInfo("America/New_York")).replace(
        hour=15, minute=0, second=0, microsecond=0
    )
    caller("post", f"calls/{row.pk}/dispose", {"code": "callback", "at": f"{ahead:%Y-%m-%dT%H:%M}"})
    assert Event.objects.get(lead=row.lead_id).starts_at == ahead
