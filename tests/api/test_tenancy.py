"""Every address, as nobody and as somebody else. An address that is new here fails until it has a sample."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from buckets.filling.fills import start_fill
from buckets.imports.services import upload
from buckets.models import Bucket, Fill, Import, ImportPiece
from buckets.services import create_bucket
from enrichment.models import FairShare, Run, RunItem, Schedule
from enrichment.options import RunOptions
from enrichment.scheduling.services import create_schedule
from enrichment.services import start_run
from integrations.models import Operation
from leads.models import Activity, Lead, Tag
from leads.services import add_activity, create_tag, set_tags
from tests.api.client import Api, body_of, refused

OPEN = {"token": {"POST"}, "apollo-webhook": {"POST"}}  # what nobody needs a token for
VENDOR = "realestateapi"
LIST = b"Address,Zip\n1 Main St,95757\n"
OWN = {"success", "count", "nextCursor"}  # what a list says beside its rows


class World:
    """What belongs to Ann, and her ids."""

    def __init__(self, ann: Any) -> None:
        self.bucket, _ = create_bucket(by=ann, name="Ann's", property_ids=["1", "2", "3"])
        Fill.objects.filter(pk=start_fill(bucket=self.bucket, criteria={"state": "WA"}).pk).update(status="failed")
        self.lead = Lead.objects.order_by("pk")[0]
        self.tag = create_tag(by=ann, name="hot", color="#ff0000")
        set_tags(lead=self.lead, names=["hot"])
        add_activity(lead=self.lead, by=ann, kind="note", text="secret")
        tomorrow = timezone.now() + timedelta(days=1)
        add_activity(lead=self.lead, by=ann, kind="callback", text="secret", due_at=tomorrow)
        self.lead.refresh_from_db()
        self.run, _ = start_run(bucket=self.bucket, by=ann, options=RunOptions(limit=2))
        self.schedule = create_schedule(
            by=ann, bucket=self.bucket, kind="enrich", cadence="30 2 * * *", max_cost=Decimal(5)
        )
        self.ids: dict[str, Any] = {"bucket_id": self.bucket.pk, "lead_id": self.lead.pk, "tag_id": self.tag.pk}
        self.ids["run_id"] = self.run.pk
        self.ids["schedule_id"] = self.schedule.pk
        self.ids["token"] = "no-such-token"
        self.ids["name"] = VENDOR
        self.ids["import_id"] = upload(bucket=self.bucket, file=BytesIO(LIST), name="secret.csv").pk

    def rows(self) -> list[list[dict[str, Any]]]:
        models: list[Any] = [Bucket, Fill, Lead, Tag, Activity, Run, RunItem, FairShare, Schedule, Lead.tags.through]
        models += [Import, ImportPiece, Operation, LogEntry]
        return [list(model.objects.order_by("pk").values()) for model in models]


# (address, method): (body or query with Ann's ids, status for Bob). {…} is filled with the ids above.
# 404: an object of Ann's. 200: a list or a sum, which must be empty of Ann.
SAMPLES: dict[tuple[str, str], tuple[Any, int]] = {
    ("buckets", "GET"): ("", 200),
    ("buckets", "POST"): (None, 400),
    ("bucket-leads", "GET"): ("?bucketId={bucket_id}", 404),
    ("bucket", "GET"): ("", 404),
    ("bucket", "PATCH"): ({"name": "Bob's"}, 404),
    ("bucket", "DELETE"): (None, 404),
    ("bucket-ids", "POST"): ({"propertyIds": ["9"]}, 404),
    ("bucket-fill", "POST"): (None, 404),
    ("bucket-duplicate", "POST"): (None, 404),
    ("combine", "POST"): ({"allOf": ["{bucket_id}"], "name": "Bob's"}, 404),
    ("bucket-imports", "GET"): ("", 404),
    ("import-new", "POST"): (b"", 400),
    ("bucket-imports", "POST"): (LIST, 404),
    ("bucket-import", "GET"): ("", 404),
    ("bucket-import", "PATCH"): ({"mapping": {"address": 0, "zip": 1}}, 404),
    ("bucket-import-start", "POST"): (None, 404),
    ("bucket-import-undo", "POST"): (None, 404),
    ("bucket-import-failed", "GET"): ("", 404),
    ("bucket-export", "GET"): ("", 404),
    ("quote", "GET"): ("", 404),
    ("quote", "POST"): ({}, 404),
    ("process", "POST"): ({"bucketId": "{bucket_id}"}, 404),
    ("runs", "GET"): ("", 200),
    ("run", "GET"): ("", 404),
    ("run-items", "GET"): ("", 404),
    ("run-calls", "GET"): ("", 404),
    ("run-events", "GET"): ("", 404),
    ("run-pause", "POST"): (None, 404),
    ("run-resume", "POST"): ({"maxCost": 5}, 404),
    ("run-cancel", "POST"): (None, 404),
    ("run-retry-failed", "POST"): (None, 404),
    ("schedules", "GET"): ("", 200),
    ("schedules", "POST"): (
        {"bucketId": "{bucket_id}", "kind": "enrich", "cadence": "0 3 * * *", "maxCost": 1, "limit": 5},
        404,
    ),
    ("schedule", "GET"): ("", 404),
    ("schedule", "PATCH"): ({"maxCost": 7}, 404),
    ("schedule", "DELETE"): (None, 404),
    ("schedule-run", "POST"): (None, 404),
    ("apollo", "POST"): ({"leadIds": ["{lead_id}"]}, 404),
    ("apollo", "GET"): ("", 503),  # no vendor is reachable in this test, and nothing of Ann's is in it
    ("usage", "GET"): ("", 200),
    ("lead", "GET"): ("", 404),
    ("lead", "PATCH"): ({"status": "lost"}, 404),
    ("lead", "DELETE"): (None, 404),
    ("lead-activities", "GET"): ("", 404),
    ("lead-activities", "POST"): ({"text": "x"}, 404),
    ("lead-callback", "DELETE"): (None, 404),
    ("callbacks", "GET"): ("", 200),
    ("lead-tags", "GET"): ("", 404),
    ("lead-tags", "PUT"): ({"tags": []}, 404),
    ("tags", "GET"): ("", 200),
    ("tags", "POST"): ({}, 400),
    ("tag", "DELETE"): (None, 404),
    ("property-search", "POST"): ({}, 400),
    ("property-detail", "GET"): ("", 400),
    ("property-autocomplete", "POST"): ({}, 400),
    ("skip-trace", "POST"): ({}, 400),
    ("vendors", "GET"): ("", 403),  # only for who may change vendors, and nobody's in particular
    ("vendor-confirm-prices", "POST"): (None, 403),
    ("vendor-price", "POST"): ({"operation": "property_detail", "price": 0.07}, 403),
    ("apollo-webhook", "POST"): ({}, 404),
    ("token", "POST"): ({}, 400),
    ("token", "DELETE"): (None, 200),
    ("api_profile", "GET"): ("", 200),
    ("api_profile", "PATCH"): ({}, 400),
    ("logout", "POST"): (None, 200),
    ("schema", "GET"): ("", 200),
    ("docs", "GET"): ("", 200),
}


def addresses(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """(name, address, view) of everything under /api/ but the answer to what does not exist."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/") and pattern.name:
            yield pattern.name, "/" + path, pattern.callback


ADDRESSES = {name: (address, view) for name, address, view in addresses(get_resolver().url_patterns)}


def methods(view: Any) -> set[str]:
    return {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view.view_class, name)}


@pytest.fixture
def world(ann: Any) -> World:
    return World(ann)


def ask(api: Api, world: World, name: str, method: str) -> Any:
    address = ADDRESSES[name][0].replace("<uuid:", "{").replace("<str:", "{").replace(">", "}").format(**world.ids)
    sample = SAMPLES[name, method][0]
    if isinstance(sample, str):
        return api.send(method, address + sample.format(**world.ids))
    if isinstance(sample, bytes):
        return api.upload(address, sample)
    body = sample and {
        key: [v.format(**world.ids) for v in value] if isinstance(value, list)
        else value.format(**world.ids) if isinstance(value, str) else value
        for key, value in sample.items()
    }  # fmt: skip
    return api.send(method, address, body)


def test_every_address_and_method_has_a_sample():
    there = {(name, method) for name, (_, view) in ADDRESSES.items() for method in methods(view)}

    assert there == set(SAMPLES)
    unnamed = [
        p
        for p in get_resolver().url_patterns
        if isinstance(p, URLPattern)
        and p.name not in ("root", "healthz", "readyz", "metrics", "profile", "profile_time_zone")
    ]
    assert unnamed == []


@pytest.mark.parametrize(("name", "method"), sorted(SAMPLES))
def test_nobody_gets_in(world, name, method):
    before = world.rows()

    answer = ask(Api(), world, name, method)

    if method in OPEN.get(name, set()):
        assert answer.status_code in (400, 404)
    else:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Token"
    assert world.rows() == before


@pytest.mark.parametrize(("name", "method"), sorted(SAMPLES))
def test_somebody_else_sees_nothing_and_changes_nothing(world, bob, name, method):
    before = world.rows()

    answer = ask(Api(bob), world, name, method)

    assert answer.status_code == SAMPLES[name, method][1], answer.content[:500]
    assert world.rows() == before
    content = b"".join(answer) if answer.streaming else answer.content
    mine = [*(str(pk) for name, pk in world.ids.items() if name != "name"), "Ann's", "secret"]
    assert [text for text in mine if text.encode() in content] == []
    if method == "GET" and answer.status_code == 200 and name not in ("usage", "schema", "docs", "api_profile"):
        assert [rows for key, rows in answer.json().items() if key not in OWN] == [[]]


@pytest.mark.parametrize(("name", "method"), sorted(SAMPLES))
def test_the_samples_are_good_ones(world, ann, name, method):
    """As Ann, whatever is 404 for Bob is there: the sweep above refuses for the right reason."""
    expected = SAMPLES[name, method][1]

    answer = ask(Api(ann), world, name, method)

    if expected == 404 and method not in OPEN.get(name, ()):
        assert answer.status_code in (200, 201, 202, 409), answer.content[:500]
    else:
        assert answer.status_code == expected


def test_a_lead_of_somebody_else_in_a_list_of_mine_is_refused_by_name(world, bob):
    bucket, _ = create_bucket(by=bob, name="Bob's", property_ids=["1"])
    mine = bucket.leads.get()
    before = world.rows()
    api = Api(bob)
    both = [str(mine.pk), str(world.lead.pk)]

    refused(api.post("/api/property/bucket/process", {"bucketId": str(bucket.pk), "leadIds": both}), 400, "leadIds")
    refused(api.post("/api/apollo/enrich", {"leadIds": both}), 404, "leadIds")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/quote?startFrom={world.lead.pk}"), 400, "startFrom")
    refused(api.get(f"/api/runs?bucketId={world.bucket.pk}"), 404)
    assert world.rows() == before
    assert body_of(api.get("/api/usage"))["usage"]["leadsToday"] == 0
