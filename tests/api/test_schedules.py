from __future__ import annotations

from datetime import timedelta

import pytest

from common.db.clock import database_now
from enrichment.models import Run, Schedule
from enrichment.scheduling.tick import run_due_schedules
from tests.api.client import Api, body_of, refused
from tests.support import make_bucket

SCHEDULES = "/api/schedules"


@pytest.fixture
def bucket(sandbox, ann):
    return make_bucket(sandbox, ann, 6)


def asked(bucket, **more):
    return {"bucketId": str(bucket.pk), "kind": "enrich", "cadence": "30 2 * * *", "maxCost": "5.00", **more}


def made(api, bucket, **more):
    return body_of(api.post(SCHEDULES, asked(bucket, **more)), 201)["schedule"]


def test_a_schedule_is_made_read_changed_and_deleted(api, ann, bucket):
    ann.time_zone = "America/New_York"
    ann.save()

    schedule = made(api, bucket, limit=3, skipTrace=False, guard={"absenteeOwner": True})

    assert {name: schedule[name] for name in schedule if name not in ("id", "nextAt", "createdAt")} == {
        "bucketId": str(bucket.pk),
        "bucketName": "Leads",
        "kind": "enrich",
        "options": {"limit": 3, "skipTrace": False, "guard": {"absenteeOwner": True}},
        "maxCost": 5,
        "cadence": "30 2 * * *",
        "timeZone": "America/New_York",
        "enabled": True,
        "lastAt": None,
        "lastResult": "",
        "failures": 0,
        "lastRunId": None,
        "lastFillId": None,
    }
    address = f"{SCHEDULES}/{schedule['id']}"
    assert body_of(api.get(address))["schedule"] == schedule
    assert body_of(api.get(SCHEDULES))["schedules"] == [schedule]

    changed = body_of(api.patch(address, {"cadence": "0 5 * * 1", "timeZone": "UTC", "limit": 4}))["schedule"]
    assert (changed["cadence"], changed["timeZone"], changed["options"]["limit"]) == ("0 5 * * 1", "UTC", 4)
    assert changed["options"]["skipTrace"] is False
    assert changed["nextAt"].endswith("T05:00:00Z")

    off = body_of(api.patch(address, {"enabled": False}))["schedule"]
    assert (off["enabled"], off["nextAt"]) == (False, None)
    refused(api.post(f"{address}/run"), 409)

    assert body_of(api.delete(address))["id"] == schedule["id"]
    refused(api.get(address), 404)


def test_run_now_makes_it_due_and_the_worker_does_it(api, bucket):
    schedule = made(api, bucket, limit=2)

    due = body_of(api.post(f"{SCHEDULES}/{schedule['id']}/run"), 202)["schedule"]
    assert due["nextAt"] < schedule["nextAt"]
    assert run_due_schedules() == 1

    told = body_of(api.get(f"{SCHEDULES}/{schedule['id']}"))["schedule"]
    run = Run.objects.get()
    assert (told["lastRunId"], told["nextAt"]) == (str(run.pk), schedule["nextAt"])
    assert told["lastResult"].startswith("2 leads taken. Last enrichment job: queued, 0 of 2 leads done")


def test_a_search_is_the_buckets_own_unless_another_is_given(api, bucket):
    bucket.filters = {"state": "WA"}
    bucket.save()

    given = {"bucketId": str(bucket.pk), "kind": "refresh", "cadence": "0 6 * * 1"}
    own = body_of(api.post(SCHEDULES, given), 201)["schedule"]
    other = body_of(api.post(SCHEDULES, {**given, "search": {"zip": "98101"}}), 201)["schedule"]

    assert (own["options"], own["maxCost"]) == ({"search": {"state": "WA"}}, None)
    assert other["options"] == {"search": {"zip": "98101"}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cadence", "* * * * *"),
        ("cadence", "30 2 * *"),
        ("cadence", "0 0 30 2 *"),
        ("cadence", ""),
        ("cadence", 5),
        ("cadence", "1\u0000 2 * * *"),
        ("cadence", "9" * 101),
        ("timeZone", "Mars/Olympus"),
        ("timeZone", "../../etc/passwd"),
        ("timeZone", "localtime"),
        ("timeZone", ""),
        ("limit", 0),
        ("limit", 10**9),
        ("limit", 10**30),
        ("limit", "ten"),
        ("maxCost", 0),
        ("maxCost", -1),
        ("maxCost", "NaN"),
        ("maxCost", None),
        ("skipTrace", "perhaps"),
        ("guard", []),
        ("nonsense", {}),
        ("kind", "sell"),
        ("bucketId", 7),
        ("enabled", "x"),
        ("olderThanDays", 3),
        ("search", {"state": "WA"}),
        ("wish", 1),
    ],
)
def test_bad_input_is_refused_by_name_and_makes_nothing(api, bucket, field, value):
    body = asked(bucket, guard={"nonsense": 1}) if field == "nonsense" else asked(bucket, **{field: value})

    refused(api.post(SCHEDULES, body), 400, field)

    assert not Schedule.objects.exists()


@pytest.mark.parametrize("days", [0, -1, 4000, 10**20, "old", None, 1.5])
def test_a_rebuy_needs_an_age(api, bucket, days):
    refused(api.post(SCHEDULES, asked(bucket, kind="rebuy", olderThanDays=days)), 400, "olderThanDays")
    refused(api.post(SCHEDULES, asked(bucket, kind="rebuy")), 400, "olderThanDays")
    assert not Schedule.objects.exists()


@pytest.mark.parametrize("change", [{"cadence": "61 * * * *"}, {"timeZone": "Moon"}, {"limit": 0}, {"maxCost": 0}])
def test_a_refused_change_changes_nothing(api, bucket, change):
    schedule = made(api, bucket)

    refused(api.patch(f"{SCHEDULES}/{schedule['id']}", change), 400, next(iter(change)))
    refused(api.patch(f"{SCHEDULES}/{schedule['id']}", {"kind": "rebuy"}), 400, "kind")

    assert body_of(api.get(f"{SCHEDULES}/{schedule['id']}"))["schedule"] == schedule


def test_somebody_elses_bucket_or_schedule_is_not_there(api, bob, bucket):
    schedule = made(api, bucket)
    other = Api(bob)

    refused(other.post(SCHEDULES, asked(bucket)), 404)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/run")):
        refused(other.send(method, f"{SCHEDULES}/{schedule['id']}{path}", {} if method == "PATCH" else None), 404)
    assert body_of(other.get(SCHEDULES))["schedules"] == []
    assert Schedule.objects.count() == 1


def test_a_schedule_of_a_deleted_bucket_can_still_be_read_and_deleted(api, bucket):
    schedule = made(api, bucket)
    body_of(api.delete(f"/api/property/bucket/{bucket.pk}"))
    Schedule.objects.update(next_at=database_now() - timedelta(minutes=1))
    assert run_due_schedules() == 1

    told = body_of(api.get(f"{SCHEDULES}/{schedule['id']}"))["schedule"]
    assert (told["bucketId"], told["bucketName"], told["enabled"]) == (None, "Leads", False)
    assert told["lastResult"] == "Its bucket was deleted. It has switched itself off."
    body_of(api.delete(f"{SCHEDULES}/{schedule['id']}"))
