from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from buckets.filling.fills import start_fill
from buckets.models import Bucket
from buckets.services import recount
from enrichment.models import Run, RunItem
from enrichment.options import Canary
from enrichment.quoting.quotes import rest_of
from enrichment.quoting.reach_estimate import latest_with_facts
from enrichment.reporting import bucket_overview
from leads.facts.saving import PROPERTY, FactRow, save_facts
from leads.models import Lead
from leads.services import change_status, edit_lead
from tests.admin_site import act, address, hidden, sees_contacts, staff, superuser, words
from tests.support import billed, finish, make_bucket, pump_until_still, set_operations, start

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROUTES = ("live", "pins", "enrich", "apollo", "retry", "duplicate")
RUN_ROUTES = ("run_pause", "run_resume", "run_cancel")


@pytest.fixture
def ann() -> Any:
    return staff("ann")


@pytest.fixture
def bucket(sandbox, ann) -> Bucket:
    return make_bucket(sandbox, ann[0], 4)


def place(name: str, *ids: Any) -> str:
    return reverse(f"admin:buckets_bucket_{name}", args=ids)


def facts_known(bucket: Bucket, count: int, **facts: Any) -> list[Lead]:
    """Makes the first leads ones whose facts were bought."""
    leads = list(bucket.leads.order_by("pk")[:count])
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(enrichment_status="partial", **facts)
    return leads


# --- What it shows ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("by_the_lead_alone")
def test_the_way_of_the_leads_is_counted_and_in_percent(bucket):
    leads = list(bucket.leads.order_by("pk"))
    save_facts(PROPERTY, [FactRow(lead.pk, {"latitude": "47.6", "longitude": "-122.3"}, NOW) for lead in leads[:3]])
    change_status(lead=leads[0], by=bucket.owner, status="contacted")
    edit_lead(lead=leads[0], by=bucket.owner, changes={"phone": "+12065550100"})
    edit_lead(lead=leads[3], by=bucket.owner, changes={"phone": "+12065550101"})
    recount()
    bucket.refresh_from_db()

    steps = [(part.name, part.count, part.percent) for part in bucket_overview.funnel(bucket)]

    assert steps == [
        ("Saved", 4, 100), ("Property data", 3, 75), ("With a phone", 2, 50), ("Ready to call", 1, 25),
        ("Contacted", 1, 25),
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_run_that_its_cap_stopped_between_detail_and_trace_shows_what_it_bought(ann, sandbox, settings):
    set_operations(settings, pace=0, price="0.05", batch=10)
    bucket = make_bucket(sandbox, ann[0], 10, name="Capped")
    finish(start(bucket, skip_trace=False))
    Lead.objects.filter(bucket=bucket).update(enrichment_status="pending")
    recount()
    bucket.refresh_from_db()

    assert [(part.name, part.count) for part in bucket_overview.funnel(bucket)][:3] == [
        ("Saved", 10), ("Property data", 10), ("With a phone", 0),
    ]  # fmt: skip
    assert bucket_overview.signals(bucket)[1] == 10
    assert len(bucket_overview.pins(bucket.pk)) == bucket.leads.exclude(latitude=None).count() > 0
    assert {lead.data_label for lead in bucket.leads.all()} == {"Property data, no contact yet"}
    page = ann[1].get(f"{address(Lead, 'changelist')}?bucket={bucket.pk}").content.decode()
    assert "Property data, no contact yet" in page


def test_a_lead_whose_facts_are_known_is_one_whatever_came_after(bucket):
    leads = list(bucket.leads.order_by("pk"))
    save_facts(PROPERTY, [FactRow(lead.pk, {"vacant": True}, NOW) for lead in leads[:2]])
    Lead.objects.filter(pk__in=[leads[1].pk, leads[2].pk]).update(enrichment_status="failed")

    assert latest_with_facts(bucket.pk, 50) == [leads[1].pk, leads[0].pk]


def test_export_is_offered_to_who_may_see_contacts(ann, bucket):
    place = address(Bucket, "change", bucket.pk)
    assert "Export …" not in ann[1].get(place).content.decode()

    sees_contacts(ann[0])

    assert "Export …" in ann[1].get(place).content.decode()
    assert "Export …" not in superuser()[1].get(place).content.decode()  # another team's: to look at


def test_an_empty_bucket_has_a_page(ann, sandbox):
    empty = make_bucket(sandbox, ann[0], 0, name="Nothing")

    page = ann[1].get(address(Bucket, "change", empty.pk))

    assert page.status_code == 200
    assert "No enrichment job yet. “Quote and enrich” shows the price first." in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_money_is_what_was_spent_and_what_was_not(bucket, ann, sandbox):
    finish(start(bucket, limit=2))

    money = bucket_overview.money(bucket)

    assert (money.spent, money.promised, money.all_of_it) == (billed(sandbox), 0, Decimal("0.40"))
    assert money.saved == Decimal("0.40") - money.spent


def test_signals_are_told_from_the_leads_whose_facts_are_known(bucket):
    assert bucket_overview.signals(bucket) == ([], 0)
    leads = facts_known(bucket, 3, tax_lien=True, vacant=False)
    Lead.objects.filter(pk=leads[0].pk).update(absentee_owner=True)

    parts, known = bucket_overview.signals(bucket)

    assert known == 3
    assert [(part.name, part.count, part.percent) for part in parts] == [
        ("Tax lien", 3, 100),
        ("Absentee owner", 1, 33),
    ]


def test_signals_of_the_search_are_shown_as_they_came(ann, bucket):
    Bucket.objects.filter(pk=bucket.pk).update(signals={"taxLien": 12_000, "note": "<b>", "flag": True})

    page = ann[1].get(address(Bucket, "change", bucket.pk)).content.decode()

    assert "taxLien" in page
    assert "12,000" in page
    assert "<b>" not in page


def test_pins_are_the_leads_that_have_a_place(ann, bucket):
    leads = facts_known(bucket, 3, latitude="47.6000000", longitude="-122.3000000", property_address="1 Main St")
    Lead.objects.filter(pk=leads[0].pk).update(longitude=None)

    pins = ann[1].get(place("pins", bucket.pk)).json()["pins"]

    assert pins == [
        {"at": [47.6, -122.3], "words": "1 Main St", "link": f"/admin/leads/lead/{lead.pk}/change/"}
        for lead in reversed(leads[1:])
    ]


def test_it_asks_again_while_something_moves_and_then_no_more(ann, bucket):
    assert "hx-get" not in ann[1].get(place("live", bucket.pk)).content.decode()
    run = start(bucket)
    moving = ann[1].get(place("live", bucket.pk)).content.decode()
    Run.objects.filter(pk=run.pk).update(status="paused", paused_by="person", reason="Paused by a person")
    still = ann[1].get(place("live", bucket.pk)).content.decode()
    start_fill(bucket=bucket, criteria={"state": "WA"})

    assert f'hx-get="{place("live", bucket.pk)}" hx-trigger="every 3s"' in moving
    assert "0 of 4 leads" in moving
    assert "Waiting: No worker is running." in moving
    assert "hx-get" not in still
    assert "Paused by a person" in still
    assert "hx-get" in ann[1].get(place("live", bucket.pk)).content.decode()


def test_a_page_with_many_runs_asks_no_more_than_one_with_few(ann, bucket):
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert ann[1].get(address(Bucket, "change", bucket.pk)).status_code == 200
        return len(seen)

    Run.objects.create(bucket=bucket, bucket_name="Leads", owner=ann[0], status="completed")
    asked()  # the first page of a session notes when she was seen
    few = asked()
    for _ in range(30):
        Run.objects.create(bucket=bucket, bucket_name="Leads", owner=ann[0], status="completed")

    assert asked() == few


# --- Whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROUTES)
def test_somebody_elses_bucket_is_not_there(bucket, name):
    _, client = staff("bob")

    for answer in (client.get(place(name, bucket.pk)), client.post(place(name, bucket.pk), {"confirmed": "yes"})):
        assert answer.status_code in (404, 405)
    assert (Bucket.objects.count(), Run.objects.count()) == (1, 0)


@pytest.mark.parametrize("name", RUN_ROUTES)
def test_somebody_elses_run_is_not_there_and_a_run_of_another_bucket_neither(ann, bucket, sandbox, name):
    bob, client = staff("bob")
    run = start(bucket)
    mine = make_bucket(sandbox, bob, 1)

    for bucket_id in (bucket.pk, mine.pk):
        assert client.post(place(name, bucket_id, run.pk), {"confirmed": "yes"}).status_code == 404
    run.refresh_from_db()
    assert run.status == "queued"


@pytest.mark.parametrize("name", [*ROUTES, *RUN_ROUTES])
def test_nobody_gets_in(client, bucket, name):
    ids = (bucket.pk, bucket.pk) if name in RUN_ROUTES else (bucket.pk,)

    answer = client.post(place(name, *ids))

    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/admin/login/")


@pytest.mark.parametrize("name", ["duplicate", "run_pause"])
def test_a_link_alone_changes_nothing(ann, bucket, name):
    run = start(bucket)
    ids = (bucket.pk, run.pk) if name in RUN_ROUTES else (bucket.pk,)

    assert ann[1].get(place(name, *ids)).status_code == 405
    run.refresh_from_db()
    assert (run.status, Bucket.objects.count()) == ("queued", 1)


# --- Its buttons ------------------------------------------------------------------------------------------------------


def test_quote_and_enrich_has_an_address_of_its_own_and_comes_back_to_the_bucket(ann, bucket):
    form = hidden(ann[1].get(place("enrich", bucket.pk)))

    started = ann[1].post(place("enrich", bucket.pk), form | {"confirmed": "yes"})
    again = ann[1].post(place("enrich", bucket.pk), form | {"confirmed": "yes"})

    assert (started.status_code, started.url) == (302, address(Bucket, "change", bucket.pk))
    assert again.status_code in (200, 302)
    assert Run.objects.get().total == 4


def test_the_price_of_what_is_typed_has_an_address_and_a_part_of_its_own_and_buys_nothing(ann, bucket, sandbox):
    where = place("enrich", bucket.pk)
    whole = ann[1].get(f"{where}?look=1&limit=2&skip_trace=on&max_cost=5")
    part = ann[1].get(f"{where}?look=1&part=price&limit=2&max_cost=5").content.decode()
    wrong = ann[1].get(f"{where}?look=1&part=price&limit=0").content.decode()
    unknown = ann[1].get(f"{where}?look=1&part=price&max_cost=0").content.decode()

    assert (hidden(whole)["limit"], hidden(whole)["max_cost"]) == ("2", "5")
    assert "for up to $0.20" in whole.content.decode()
    assert "for up to $0.10" in part
    assert "<html" not in part
    assert "Number of leads: Ensure this value is greater than or equal to 1." in wrong
    assert "Enter a spending limit of more than $0.00." in unknown
    assert "Buy for" not in wrong + unknown
    assert (Run.objects.count(), billed(sandbox)) == (0, 0)
    ann[1].post(where, hidden(whole) | {"confirmed": "yes"})
    assert (Run.objects.get().total, Run.objects.get().max_cost) == (2, 5)


def test_several_buckets_have_a_quote_with_an_address(ann, bucket, sandbox):
    other = make_bucket(sandbox, ann[0], 2, start=10, name="More")
    theirs = make_bucket(sandbox, staff("bob")[0], 2, start=20, name="Bob's")
    where = f"{reverse('admin:buckets_bucket_quote', args=['enrich'])}?bucket={bucket.pk}&bucket={other.pk}"

    page = ann[1].get(f"{where}&bucket={theirs.pk}")
    assert "for up to $0.60" in page.content.decode()
    assert ann[1].get(where.replace("/enrich/", "/wish/")).status_code == 404
    ann[1].post(where, hidden(page) | {"confirmed": "yes"})

    assert sorted(Run.objects.values_list("bucket_name", "total")) == [("Leads", 4), ("More", 2)]


def test_a_guard_is_part_of_what_was_quoted(ann, bucket):
    form = hidden(ann[1].get(place("enrich", bucket.pk)))
    asked = form | {"absenteeOwner": "true", "equityPercentMin": "40", "propertyType": "SFR", "taxLien": "on"}

    unseen = ann[1].post(place("enrich", bucket.pk), asked | {"confirmed": "yes"}, follow=True)
    assert words(unseen) == ["Nothing is bought yet: this is the quote for what you chose."]
    assert not Run.objects.exists()
    ann[1].post(place("enrich", bucket.pk), hidden(unseen) | {"confirmed": "yes"})

    guard = {"absenteeOwner": True, "equityPercentMin": 40, "propertyType": "SFR", "taxLien": True}
    assert Run.objects.get().options["guard"] == guard


def test_no_as_a_guard_means_no(ann, bucket):
    form = hidden(ann[1].get(place("enrich", bucket.pk))) | {"absenteeOwner": "false"}

    quoted = ann[1].post(place("enrich", bucket.pk), form | {"look": "1"}, follow=True)
    ann[1].post(place("enrich", bucket.pk), hidden(quoted) | {"confirmed": "yes"})

    assert Run.objects.get().options["guard"] == {"absenteeOwner": False}


@pytest.mark.parametrize(
    ("name", "value"), [("taxLien", "2"), ("skip_trace", "maybe"), ("absenteeOwner", ["true", "false"])]
)
def test_a_flag_that_cannot_be_meant_is_told_at_its_field_and_buys_nothing(ann, bucket, name, value):
    form = hidden(ann[1].get(place("enrich", bucket.pk)))

    page = ann[1].post(place("enrich", bucket.pk), form | {name: value, "confirmed": "yes"})

    assert list(page.context["form"].errors) == [name]
    assert not Run.objects.exists()


def test_a_sample_comes_first_where_it_is_asked_for(ann, bucket):
    form = hidden(ann[1].get(place("enrich", bucket.pk)))
    assert (form["sample"], form["sample_rate"], "sample_first" in form) == ("50", "25", False)
    asked = form | {"sample_first": "on", "sample": "2", "sample_rate": "60", "sample_cost": "0.08"}

    quoted = ann[1].post(place("enrich", bucket.pk), asked | {"look": "1"}, follow=True)
    ann[1].post(place("enrich", bucket.pk), hidden(quoted) | {"confirmed": "yes"})

    canary = {"leads": 2, "minHitRate": "0.6", "maxCostPerLead": "0.08"}
    assert Run.objects.get().options["canary"] == canary


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_sample_that_disappoints_is_told_and_the_rest_can_be_bought_all_the_same(ann, bucket):
    run = finish(start(bucket, canary=Canary(2, Decimal(0), Decimal("0.0001"))))

    told = " ".join(ann[1].get(place("live", bucket.pk)).content.decode().split())
    ann[1].post(place("run_resume", bucket.pk, run.pk))
    pump_until_still()

    assert (run.paused_by, run.done) == ("canary", 2)
    assert "Sample of 2 leads:" in told
    assert "It did not pass." in told
    assert "Paused: Its sample: a lead cost" in told
    run.refresh_from_db()
    assert (run.status, run.done) == ("completed", 4)


def test_it_starts_after_a_lead(ann, bucket):
    second = bucket.leads.order_by("pk")[1]
    form = hidden(ann[1].get(place("enrich", bucket.pk))) | {"start_from": str(second.pk)}

    quoted = ann[1].post(place("enrich", bucket.pk), form | {"look": "1"}, follow=True)
    ann[1].post(place("enrich", bucket.pk), hidden(quoted) | {"confirmed": "yes"})

    assert Run.objects.get().total == 2


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"estimatedValueMin": "5", "estimatedValueMax": "4"}, "Enter a value above “Value from”."),
        ({"equityPercentMin": "101"}, "less than or equal to 100"),
        ({"propertyType": "CASTLE"}, "CASTLE is not one of the available choices"),
        ({"start_from": "x"}, "Enter a valid UUID."),
        ({"start_from": "00000000-0000-7000-8000-000000000000"}, "This lead is not in the bucket."),
    ],
)
def test_what_cannot_be_meant_is_said_and_buys_nothing(ann, bucket, given, complaint):
    form = hidden(ann[1].get(place("enrich", bucket.pk))) | given

    page = ann[1].post(place("enrich", bucket.pk), form | {"confirmed": "yes"}, follow=True)

    assert page.status_code == 200
    assert complaint in page.content.decode() + " ".join(words(page))
    assert not Run.objects.exists()


def test_retry_takes_the_failed_leads_of_this_bucket(ann, bucket):
    failed = bucket.leads.order_by("pk")[1]
    Lead.objects.filter(pk=failed.pk).update(enrichment_status="failed")

    assert "Retry failed leads (1)" in ann[1].get(address(Bucket, "change", bucket.pk)).content.decode()
    form = hidden(ann[1].get(place("retry", bucket.pk)))
    ann[1].post(place("retry", bucket.pk), form | {"confirmed": "yes"})

    assert [item.lead for item in RunItem.objects.all()] == [failed]


def test_apollo_is_priced_first(ann, bucket):
    form = hidden(ann[1].get(place("apollo", bucket.pk)))
    assert not Run.objects.exists()

    ann[1].post(place("apollo", bucket.pk), form | {"confirmed": "yes"})

    assert Run.objects.get().kind == "apollo"


def test_a_duplicate_is_shown_at_once(ann, bucket):
    made = ann[1].post(place("duplicate", bucket.pk))

    copy = Bucket.objects.get(name="Copy of Leads")
    assert (made.status_code, made.url) == (302, address(Bucket, "change", copy.pk))
    assert words(made) == ["Copy of Leads: 4 leads. It was free."]
    assert (copy.owner, copy.leads.count()) == (ann[0], 4)


def test_duplicate_pressed_twice_makes_one(ann, bucket):
    press = ann[1].get(address(Bucket, "change", bucket.pk)).context["press"]

    first, second = (ann[1].post(place("duplicate", bucket.pk), {"press": press}) for _ in range(2))

    assert first.url == second.url
    assert Bucket.objects.count() == 2


def test_a_superuser_duplicates_no_other_teams_bucket(bucket):
    assert superuser()[1].post(place("duplicate", bucket.pk)).status_code == 404

    assert Bucket.objects.count() == 1


def test_pause_resume_and_cancel(ann, bucket):
    run = start(bucket)

    def press(name: str, **data: str) -> tuple[str, list[str]]:
        ann[1].cookies.pop("messages", None)
        answer = ann[1].post(place(name, bucket.pk, run.pk), data)
        run.refresh_from_db()
        return run.status, words(answer)

    assert press("run_pause") == ("paused", ["Paused. Requests already sent are finished."])
    assert press("run_resume") == ("running", ["Resumed."])
    assert press("run_resume") == ("running", ["The enrichment job is running, not paused."])
    asked = ann[1].get(place("run_cancel", bucket.pk, run.pk)).content.decode()
    assert "0 of 4 leads are done." in asked
    assert press("run_cancel") == ("running", [])  # the page that asks
    assert press("run_cancel", confirmed="yes") == ("cancelled", ["Cancelled. Purchased data is kept."])
    assert press("run_pause") == ("cancelled", ["The enrichment job is cancelled."])


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_run_whose_cap_is_used_up_asks_for_another(ann, bucket):
    run = finish(start(bucket, max_cost=Decimal("0.15")))
    assert run.paused_by == "cap"
    where = place("run_resume", bucket.pk, run.pk)

    asked = ann[1].post(where, follow=True)
    assert asked.redirect_chain == [(where, 302)]
    refused = [ann[1].post(where, {"confirmed": "yes", "max_cost": cap}) for cap in ("-1", "x")]
    zero = ann[1].post(where, {"confirmed": "yes", "max_cost": "0"})
    run.refresh_from_db()
    assert (run.status, asked.status_code, {page.status_code for page in refused}) == ("paused", 200, {200})
    assert "Enter a spending limit of more than $0.00." in zero.content.decode()
    for cap, said in (
        ("0.25", "most $0.10"),
        ("5", f"most ${rest_of(run).price:.2f}"),
        ("0.10", "Set at least $0.15."),
        ("x", "a number"),
    ):
        part = ann[1].get(where, {"look": "1", "part": "price", "max_cost": cap}).content.decode()
        assert (said in part, "<html" in part, "<button" in part) == (True, False, "most" in said), cap
    typed = ann[1].post(where, {"look": "1", "max_cost": "0.20"})  # without a script
    assert typed["Location"] == f"{where}?look=1&max_cost=0.20"
    dearer = ann[1].post(where, {"confirmed": "yes", "max_cost": "5", "most": "0.05"})
    run.refresh_from_db()
    assert ("Nothing is bought yet" in dearer.content.decode(), run.status) == (True, "paused")
    resumed = ann[1].post(where, {"confirmed": "yes", "max_cost": "5"})
    pump_until_still()

    run.refresh_from_db()
    assert words(resumed) == ["Resumed with a $5.00 limit."]
    assert (run.status, run.max_cost, run.done) == ("completed", 5, 4)


def test_the_list_still_starts_runs_for_several(ann, bucket, sandbox):
    other = make_bucket(sandbox, ann[0], 2, start=10, name="More")

    form = hidden(act(ann[1], Bucket, "enrich", [bucket, other], follow=True))
    act(ann[1], Bucket, "enrich", [bucket, other], confirmed="yes", **form)

    assert sorted(Run.objects.values_list("bucket_name", "total")) == [("Leads", 4), ("More", 2)]
