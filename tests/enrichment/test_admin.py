import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from buckets.models import Bucket
from enrichment.locks import lock_run
from enrichment.models import Run, RunItem
from enrichment.worker import queue
from enrichment.worker.queue import Ending
from leads.models import Lead
from tests.admin_site import act, address, hidden, member, signed_in, staff, superuser, words
from tests.support import billed, make_bucket, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    return staff("ann")


@pytest.fixture
def bucket(sandbox, ann) -> Bucket:
    return make_bucket(sandbox, ann[0], 4)


def figures(page: str) -> dict[str, str]:
    """The large numbers of a page."""
    return dict(re.findall(r'<dt>([^<]+)</dt><dd class="desk-number">([^<]+)</dd>', page))


def lines(page: str) -> list[list[str]]:
    """The rows of its tables."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</tr>', page, re.DOTALL)
    return [[cell for cell in re.split(r"<[^>]+>", row) if cell.strip()] for row in rows]


def button(page: str) -> str:
    """What the button that buys says."""
    found = re.search(r'<button[^>]*name="confirmed"[^>]*>(.*?)</button>', page, re.DOTALL)
    return found.group(1).strip() if found else ""


def test_enriching_shows_the_price_before_anything_happens(ann, bucket, sandbox):
    page = act(ann[1], Bucket, "enrich", [bucket], follow=True).content.decode()

    assert figures(page) == {"Leads": "4", "Owned, at $0": "0", "To buy": "4", "At most": "$0.40"}
    assert lines(page)[1] == ["RealEstateAPI: skip trace", "0", "4", "$0.0500", "$0.20"]
    assert button(page).endswith("for up to $0.40")
    assert "Expected with a phone: unknown yet: no history." in page
    assert (Run.objects.count(), billed(sandbox)) == (0, 0)


def test_the_button_starts_what_was_quoted_once_however_often_it_is_pressed(ann, bucket):
    form = hidden(act(ann[1], Bucket, "enrich", [bucket], follow=True))

    first = act(ann[1], Bucket, "enrich", [bucket], confirmed="yes", **form)
    made = Run.objects.get()
    act(ann[1], Bucket, "enrich", [bucket], confirmed="yes", **form)

    assert (first.status_code, made.total, made.owner, made.max_cost, made.options["skipTrace"]) == (
        302,
        4,
        ann[0],
        None,
        True,
    )
    assert words(first) == [f'<a href="/admin/enrichment/run/{made.pk}/change/">Leads: 4 leads are being enriched</a>']
    assert Run.objects.count() == 1


def test_a_spending_limit_is_told_of_once(ann, bucket):
    form = hidden(act(ann[1], Bucket, "enrich", [bucket], follow=True)) | {"max_cost": "0.25"}

    asked = ann[1].post(f"/admin/buckets/bucket/{bucket.pk}/enrich/", form | {"look": "1"}, follow=True)

    page = asked.content.decode()
    assert lines(page)[0][0] == "RealEstateAPI: property detail"
    assert "A $0.25 spending limit finishes 2 of 4 leads." in page
    assert "may stop it before the end" not in page


@pytest.mark.long
def test_changed_options_bring_a_new_price_and_no_purchase(ann, bucket):
    form = hidden(act(ann[1], Bucket, "enrich", [bucket], follow=True)) | {"limit": "2", "max_cost": "5"}
    del form["skip_trace"]

    again = act(ann[1], Bucket, "enrich", [bucket], follow=True, confirmed="yes", **form)

    assert button(again.content.decode()).endswith("for up to $0.10")
    assert words(again) == ["Nothing is bought yet: this is the quote for what you chose."]
    assert not Run.objects.exists()
    act(ann[1], Bucket, "enrich", [bucket], confirmed="yes", **hidden(again))
    made = Run.objects.get()
    assert (made.total, made.max_cost, made.options["skipTrace"]) == (2, Decimal(5), False)


@pytest.mark.long
def test_the_price_can_be_looked_at_again(ann, bucket):
    form = hidden(act(ann[1], Bucket, "enrich", [bucket], follow=True)) | {"limit": "1"}

    page = ann[1].post(f"/admin/buckets/bucket/{bucket.pk}/enrich/", form | {"look": "1"}, follow=True)

    query = "look=1&limit=1&skip_trace=on&sample=50&sample_rate=25"
    assert page.redirect_chain == [(f"/admin/buckets/bucket/{bucket.pk}/enrich/?{query}", 302)]

    assert button(page.content.decode()).endswith("for up to $0.10")
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("max_cost", "0", "Enter a spending limit of more than $0.00."),
        ("max_cost", "-1", "Ensure this value is greater than or equal to 0."),
        ("max_cost", "much", "Enter a number."),
        ("limit", "0", "Ensure this value is greater than or equal to 1."),
        ("limit", "100001", "Ensure this value is less than or equal to 100000."),
        ("once", "x", "Enter a valid UUID."),
    ],
)
def test_what_cannot_be_meant_starts_nothing(ann, bucket, field, value, complaint):
    form = hidden(act(ann[1], Bucket, "enrich", [bucket], follow=True)) | {field: value}

    page = act(ann[1], Bucket, "enrich", [bucket], follow=True, confirmed="yes", **form)

    assert page.status_code == 200
    assert complaint in page.content.decode() + " ".join(words(page))
    assert not Run.objects.exists()


def test_somebody_elses_bucket_is_not_enriched(bucket):
    _, client = staff("bob")

    page = act(client, Bucket, "enrich", [bucket], confirmed="yes")

    assert page.status_code == 302
    assert not Run.objects.exists()


def test_a_buyer_of_the_team_starts_it_and_pays(ann, bucket):
    bucket.refresh_from_db()
    dan, client = member(bucket.team, "buyer", "dan")
    form = hidden(act(client, Bucket, "enrich", [bucket], follow=True))

    act(superuser()[1], Bucket, "enrich", [bucket], confirmed="yes", **form)
    assert not Run.objects.exists()  # a superuser buys nothing for another team
    act(client, Bucket, "enrich", [bucket], confirmed="yes", **form)

    assert Run.objects.get().owner == dan


def test_apollo_asks_what_to_reveal_and_prices_it(ann, bucket):
    page = act(ann[1], Bucket, "enrich_apollo", [bucket], follow=True)
    assert button(page.content.decode()).endswith("for up to $0.08")
    act(ann[1], Bucket, "enrich_apollo", [bucket], confirmed="yes", **hidden(page))

    made = Run.objects.get()
    assert (made.kind, made.options["revealPhones"], made.options["type"]) == ("apollo", False, "people")


def test_retrying_takes_the_leads_that_failed(ann, bucket):
    failed = bucket.leads.order_by("pk")[1]
    Lead.objects.filter(pk=failed.pk).update(enrichment_status="failed")

    form = hidden(act(ann[1], Bucket, "retry_failed", [bucket], follow=True))
    act(ann[1], Bucket, "retry_failed", [bucket], confirmed="yes", **form)

    assert [item.lead for item in Run.objects.get().items.all()] == [failed]


def test_a_bucket_without_anything_to_buy_starts_no_run(ann, bucket):
    form = hidden(act(ann[1], Bucket, "retry_failed", [bucket], follow=True))

    act(ann[1], Bucket, "retry_failed", [bucket], confirmed="yes", **form)

    assert not Run.objects.exists()


def test_a_run_is_paused_resumed_and_cancelled_and_a_word_out_of_turn_is_refused(ann, bucket):
    made = start(bucket)

    for action, status, said in [
        ("resume", "queued", "Property detail and skip trace, Leads: The enrichment job is queued, not paused."),
        ("pause", "paused", "Paused: Property detail and skip trace, Leads"),
        ("resume", "running", "Resumed: Property detail and skip trace, Leads"),
        ("cancel", "cancelled", "Cancelled: Property detail and skip trace, Leads"),
        ("pause", "cancelled", "Property detail and skip trace, Leads: The enrichment job is cancelled."),
    ]:
        answer = act(ann[1], Run, action, [made])
        made.refresh_from_db()
        assert (made.status, words(answer)) == (status, [said])


def test_somebody_elses_run_is_not_touched_nor_seen(bucket):
    made = start(bucket)
    _, client = staff("bob")

    act(client, Run, "cancel", [made])

    made.refresh_from_db()
    assert made.status == "queued"
    assert client.get(address(Run, "change", made.pk)).status_code == 302
    assert list(client.get(address(RunItem, "changelist"), {"run": str(made.pk)}).context["cl"].result_list) == []


def fail_one(run: Run) -> None:
    item = run.items.order_by("pk")[0]
    words = "the vendor does not know this property"
    locked = lock_run(run.pk)
    assert locked is not None
    queue.end(locked, [Ending(item.pk, item.lead_id, RunItem.Outcome.FAILED, "NOT_FOUND", words)])


def test_a_runs_failures_are_retried_after_the_price_was_shown(ann, bucket):
    made = start(bucket)
    fail_one(made)

    asked = act(ann[1], Run, "retry", [made])
    assert "Property detail and skip trace, Leads: 1 leads, at most $0.10" in asked.content.decode()
    assert Run.objects.count() == 1
    act(ann[1], Run, "retry", [made], confirmed="yes")

    again = Run.objects.exclude(pk=made.pk).get()
    assert (again.total, again.owner) == (1, ann[0])


def test_a_run_without_failures_is_not_retried(ann, bucket):
    made = start(bucket)

    answer = act(ann[1], Run, "retry", [made])

    assert words(answer) == ["Property detail and skip trace, Leads: No lead of this enrichment job failed."]
    assert Run.objects.count() == 1


def test_a_runs_page_tells_its_money_its_items_and_its_errors(ann, bucket):
    made = start(bucket, max_cost=Decimal(3))
    fail_one(made)

    page = ann[1].get(address(Run, "change", made.pk)).content.decode()

    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Not known to the vendor 1" in said
    assert "Waiting for: Property detail 3 75%" in said
    assert "$3.00 left under the limit" in said
    assert "No worker is running." in said
    assert f'href="/admin/enrichment/runitem/?run={made.pk}"' in page


def test_runs_and_items_are_neither_made_nor_edited_nor_deleted_here(bucket):
    made = start(bucket)
    client = signed_in(superuser()[0])

    for row in (made, made.items.earliest("pk")):
        assert client.get(address(type(row), "add")).status_code == 403
        assert client.post(address(type(row), "change", row.pk), {"status": "completed"}).status_code == 403
        assert client.post(address(type(row), "delete", row.pk), {"post": "yes"}).status_code == 403
    made.refresh_from_db()
    assert made.status == "queued"


def test_a_run_is_found_by_its_id(ann, bucket):
    made, _ = start(bucket, limit=1), start(bucket, limit=1)

    def found(text: object) -> list[Any]:
        return list(ann[1].get(address(Run, "changelist"), {"q": str(text)}).context["cl"].result_list)

    assert (found(made.pk), found(uuid4()), found("x")) == ([made], [], [])
