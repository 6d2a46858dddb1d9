"""Who is in two teams makes things in the one she acts in: on pages, by the API and by commands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from buckets.models import Bucket, Fill, Import
from buckets.services import create_bucket
from common.db.clock import database_now
from common.db.ids import uuid7
from enrichment.models import Run, Schedule
from integrations.ledger import scopes
from integrations.models import Balance
from leads.models import SavedView, Tag
from tests.admin_site import act, address, hidden, staff, words
from tests.api.client import Api, body_of
from tests.buckets.imports.files import csv_of, homes
from tests.command_line import run
from tests.support import make_bucket, make_user, some_ids

pytestmark = pytest.mark.django_db
DESK = "/admin/buckets/bucket"
SCHEDULE = {"kind": "enrich", "cadence": "30 2 * * *"}


@dataclass(frozen=True)
class Place:
    """Ann works in West, which is not her own team. `bucket` is somebody else's of West."""

    ann: User
    client: Client
    west: Team
    bucket: Bucket

    @property
    def api(self) -> Api:
        api = Api()
        api.client = self.client
        return api

    def made(self, model: Any, **which: Any) -> Any:
        """The one row of this model that Ann has made: it is West's."""
        row = model.objects.get(owner=self.ann, **which)
        assert (row.team, row.owner) == (self.west, self.ann)
        return row


@pytest.fixture
def place(sandbox: Any) -> Place:
    ann, client = staff("ann")
    bucket = make_bucket(sandbox, make_user("wes"), 3, name="Kings")
    Membership.objects.create(user=ann, team=bucket.team, role="manager")
    client.post(reverse("team_switch"), {"team": bucket.team_id})
    return Place(ann, client, bucket.team, bucket)


def test_a_search_on_the_page_is_saved_to_a_bucket_of_hers(place: Place):
    once = str(uuid7())
    wish = {"search": "place=New+Mexico&beds_min=3", "save-name": "New", "save-bucket": "", "save-limit": ""}

    place.client.post(f"{DESK}/find/", wish | {"save-once": once})
    there = place.client.post(f"{DESK}/find/", wish | {"save-once": str(uuid7()), "save-bucket": str(place.bucket.pk)})

    assert there.status_code == 302
    assert set(Fill.objects.values_list("bucket", flat=True)) == {place.bucket.pk, place.made(Bucket).pk}
    assert "Saved" not in words(there)


def test_a_sample_on_the_page_counts_for_her_team(place: Place):
    search = {"search": "place=New+Mexico&beds_min=3", "most": "0.50"}

    assert place.client.post(f"{DESK}/find/sample/", search).status_code == 200

    spent = dict(Balance.objects.filter(scope__startswith="team:").values_list("scope", "spent"))
    assert spent == {scopes.team_month(place.west.pk, database_now()): Decimal("0.50")}


def test_a_file_on_the_page_goes_to_a_bucket_of_hers(place: Place):
    def send(bucket: str) -> Any:
        file = SimpleUploadedFile("list.csv", csv_of(homes(2)))
        form = {"once": str(uuid7()), "bucket": bucket, "name": "", "file": file}
        return place.client.post("/admin/buckets/import/add/", form)

    assert [send("").status_code, send(str(place.bucket.pk)).status_code] == [302, 302]
    assert set(Import.objects.values_list("bucket", flat=True)) == {place.bucket.pk, place.made(Bucket).pk}


def test_a_combination_on_the_page_is_seen_and_made_of_her_teams_buckets(place: Place):
    chosen = {f"set-{place.bucket.pk}": "all_of", "name": "New", "press": str(uuid7())}

    assert place.client.post(f"{DESK}/combine/", chosen | {"look": "1"}, follow=True).context["would_be"].total == 3
    place.client.post(f"{DESK}/combine/", chosen | {"confirmed": "yes"})
    other = place.made(Bucket)

    assert other.total_leads == 3
    left_out = place.client.get(f"{DESK}/combine/left-out/?allOf={place.bucket.pk}&noneOf={other.pk}")
    assert (left_out.status_code, left_out.context["rows"]) == (200, [])


def test_a_duplicate_on_the_page_is_hers_who_pressed(place: Place):
    place.client.post(reverse("admin:buckets_bucket_duplicate", args=[place.bucket.pk]))

    assert place.made(Bucket).name == "Copy of Kings"


def test_a_run_and_a_schedule_on_the_page_are_of_her_team(place: Place):
    form = hidden(act(place.client, Bucket, "enrich", [place.bucket], follow=True))
    act(place.client, Bucket, "enrich", [place.bucket], confirmed="yes", **form)
    asked = {"bucket": place.bucket.pk, "kind": "enrich", "every": "daily", "at": "02:30", "time_zone": "UTC"}
    place.client.post(address(Schedule, "add"), asked | {"max_cost": "25", "once": uuid7()})

    assert place.made(Run).bucket == place.made(Schedule).bucket == place.bucket


def test_a_tag_and_a_view_on_the_page_are_of_her_team(place: Place):
    place.client.post(address(Tag, "add"), {"name": "hot", "color": "#aa0000"})
    place.client.post(reverse("admin:leads_savedview_save"), {"name": "Mine", "query": "status=new"})

    assert (place.made(Tag).name, place.made(SavedView).name) == ("hot", "Mine")


@pytest.mark.parametrize("by_page", [True, False], ids=["by a page's session", "by X-Team"])
def test_the_api_makes_buckets_in_the_team_that_is_asked_for(place: Place, by_page: bool):
    api, headers = place.api, {}
    if not by_page:
        api.client = Client()
        api.client.force_login(place.ann)
        headers = {"X-Team": str(place.west.pk)}
    bucket = str(place.bucket.pk)
    buckets = "/api/property/bucket"

    body_of(api.post(buckets, {"name": "Ids", "propertyIds": ["1"]}, **headers), 201)
    body_of(api.post(buckets, {"name": "Search", "search": {"state": "NM"}}, **headers), 202)
    both = body_of(api.post(f"{buckets}/combine", {"name": "Both", "allOf": [bucket]}, **headers), 201)["bucket"]["id"]
    body_of(api.post(f"{buckets}/combine", {"preview": True, "allOf": [bucket]}, **headers))
    body_of(api.get(f"{buckets}/left-out?allOf={bucket}&noneOf={both}", **headers))
    body_of(api.post(f"{buckets}/{bucket}/duplicate", {"name": "Copy"}, **headers), 201)
    file = SimpleUploadedFile("File.csv", csv_of(homes(1)), "text/csv")
    body_of(api.client.post(f"{buckets}/import", {"file": file}, headers=headers), 201)

    for name in ("Ids", "Search", "Both", "Copy", "File"):
        place.made(Bucket, name=name)
    assert Bucket.objects.exclude(team=place.west).count() == 0


def test_the_api_starts_runs_and_schedules_in_the_team_that_is_asked_for(place: Place):
    place.bucket.leads.update(email="owner@example.com", first_name="Ann", last_name="Lee")
    bucket, leads = str(place.bucket.pk), [str(lead.pk) for lead in place.bucket.leads.all()]

    body_of(place.api.post("/api/apollo/enrich", {"leadIds": leads}, Prefer="wait=0"), 202)
    body_of(place.api.post("/api/property/bucket/process", {"bucketId": bucket}))  # they are in that run
    body_of(place.api.post("/api/schedules", {"bucketId": bucket, **SCHEDULE, "maxCost": "5.00"}), 201)
    body_of(place.api.post("/api/tags", {"name": "hot"}), 201)

    assert {place.made(Run, kind=kind).bucket_id for kind in ("property", "apollo")} == {place.bucket.pk}
    assert (place.made(Schedule).bucket, place.made(Tag).name) == (place.bucket, "hot")


def test_commands_make_everything_in_the_team_that_is_named(place: Place, tmp_path: Any, sandbox: Any):
    who = ("--user", "ann", "--team", place.west.pk)
    ids, file = tmp_path / "ids.txt", tmp_path / "list.csv"
    ids.write_text(some_ids(sandbox, 1)[0])
    file.write_bytes(csv_of(homes(1)))

    for arguments in (
        ("create_bucket", "Ids", *who, "--ids", ids),
        ("create_bucket", "Search", *who, "--where", "state=NM"),
        ("combine_buckets", "Both", *who, "--all-of", place.bucket.pk),
        ("process_bucket", place.bucket.pk, *who, "--yes"),
        ("schedules", "add", place.bucket.pk, *who, "--kind", "enrich", "--cadence", "0 2 * * *", "--max-cost", 5),
    ):
        ran = run(*arguments)
        assert (ran.status, ran.err) == (0, ""), arguments

    for name in ("Ids", "Search", "Both"):
        place.made(Bucket, name=name)
    assert place.made(Run).bucket == place.made(Schedule).bucket == place.bucket


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_file_is_imported_by_command_into_a_bucket_of_the_team_that_is_named(place: Place, tmp_path: Any):
    file = tmp_path / "list.csv"
    file.write_bytes(csv_of(homes(1)))

    for name in ("File", "Kings"):
        ran = run("import_leads", file, "--user", "ann", "--team", place.west.pk, "--bucket", name)
        assert (ran.status, ran.err.count("Error")) == (0, 0)

    assert (place.made(Bucket).name, Import.objects.filter(bucket=place.bucket).count()) == ("File", 1)


def test_in_her_own_team_a_person_makes_her_own(place: Place):
    place.client.post(reverse("team_switch"), {"team": place.ann.memberships.get(is_own=True).team_id})

    mine, _ = create_bucket(by=place.ann, name="Mine")
    hers = place.client.post(reverse("admin:buckets_bucket_duplicate", args=[place.bucket.pk]))

    assert (mine.team, hers.status_code) == (place.ann.memberships.get(is_own=True).team, 404)
