"""Find properties: counted for nothing, sampled at the price on the button, saved once. The sandbox is on a socket."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from buckets.filling.fills import continue_fill, start_fill
from buckets.models import Bucket, Fill
from buckets.services import create_bucket
from common.api.throttles import UserThrottle
from integrations.models import Vendor
from leads.models import Lead
from sandbox.server import Sandbox
from tests.admin_site import staff, superuser
from tests.support import billed, fail_with, requests_of

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/buckets/bucket/find/"
SEARCH = "place=New+Mexico&beds_min=3"


@pytest.fixture
def ann() -> Any:
    return staff("ann")


@pytest.fixture
def bob() -> Any:
    return staff("bob")


def here(sandbox: Sandbox, **criteria: Any) -> int:
    """How many parcels match, by the sandbox's own reckoning."""
    from sandbox.search import Search

    return len(Search(sandbox.source).find(criteria))


def body(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def once(client: Client) -> str:
    return str(re.search(r'name="save-once" value="([0-9a-f-]{36})"', body(client.get(PAGE)))[1])  # type: ignore[index]


def press(client: Client, **wishes: Any) -> Any:
    return client.post(PAGE, {"search": SEARCH, "save-name": "", "save-bucket": "", "save-limit": ""} | wishes)


# --- The page and the count -------------------------------------------------------------------------------------------


def test_the_search_stands_in_the_address_and_comes_back_as_it_was(ann):
    page = body(ann[1].get(f"{PAGE}?place=Seattle%2C+WA&beds_min=3&absentee_owner=on&property_type=SFR"))

    assert 'value="Seattle, WA"' in page
    assert re.search(r'name="beds_min" value="3"', page)
    assert re.search(r'name="absentee_owner"[^>]* checked', page)
    assert re.search(r'name="property_type" value="SFR"[^>]* checked', page)


def test_a_bad_address_shows_the_fields_error_and_asks_no_vendor(ann, sandbox: Sandbox):
    page = body(ann[1].get(f"{PAGE}?beds_min=3&beds_max=1&place=Atlantis"))

    assert 'data-error="beds_max">Beds to 1 is less than from 3.<' in page
    assert 'data-error="place">Write a city or county' in page
    assert requests_of(sandbox) == {}


def test_counting_is_free_and_says_what_saving_and_a_sample_cost(ann, sandbox: Sandbox):
    answer = ann[1].get(f"{PAGE}count/?{SEARCH}&beds_max=")

    count = here(sandbox, state="NM", beds_min=3)
    assert count > 100
    assert f'<span class="desk-number">{count:,}</span> properties, saving their ids costs $0' in body(answer)
    assert "New Mexico · Beds from 3" in body(answer)
    assert "Show 10 rows for at most $0.50</button>" in body(answer)
    assert (billed(sandbox), requests_of(sandbox)) == (Decimal(0), {"property_search": 1})


@pytest.mark.parametrize("query", ["", "place=+", "beds_min=3&beds_max=1"])
def test_no_search_or_a_wrong_one_is_not_counted(ann, sandbox: Sandbox, query: str):
    answer = body(ann[1].get(f"{PAGE}count/?{query}"))

    assert "<button" not in answer
    assert "find-save" not in answer
    assert requests_of(sandbox) == {}


def test_wrong_fields_are_named_for_the_page_to_mark(ann, sandbox: Sandbox):
    answer = ann[1].get(f"{PAGE}count/?beds_min=3&beds_max=1").content.decode()

    errors = json.loads(re.search(r'<script id="find-errors" type="application/json">(.*?)</script>', answer)[1])  # type: ignore[index]
    assert {name: [one["message"] for one in words] for name, words in errors.items()} == {
        "beds_max": ["Beds to 1 is less than from 3."]
    }


def test_a_vendor_that_is_paused_is_said_in_words_and_saving_stays_possible(ann, sandbox: Sandbox):
    Vendor.objects.update_or_create(name="realestateapi", defaults={"paused_reason": "the key was refused (401)"})

    answer = body(ann[1].get(f"{PAGE}count/?{SEARCH}"))

    assert "The vendor cannot be asked until an operator acts: the key was refused (401)." in answer
    assert 'form="find-save"' in answer
    assert "<button" not in answer


def test_a_missing_key_is_said_in_words(ann, sandbox: Sandbox, settings: Any):
    settings.VENDORS = settings.VENDORS | {"realestateapi": settings.VENDORS["realestateapi"] | {"key": ""}}

    assert "REALESTATEAPI_KEY is not set" in body(ann[1].get(f"{PAGE}count/?{SEARCH}"))


def test_a_vendor_that_refuses_is_said_in_words(ann, sandbox: Sandbox):
    fail_with(sandbox, "property_search", "garbage")

    assert "The vendor gave no answer: " in body(ann[1].get(f"{PAGE}count/?{SEARCH}"))


def test_who_asks_too_often_waits(ann, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(UserThrottle, "rate", "1/min", raising=False)

    first, second = (body(ann[1].get(f"{PAGE}count/?{SEARCH}")) for _ in range(2))

    assert "saving their ids costs $0" in first
    assert "Too many counts. Try again in" in second
    assert requests_of(sandbox) == {"property_search": 1}


# --- The sample -------------------------------------------------------------------------------------------------------


def sample(client: Client, **more: Any) -> Any:
    return client.post(f"{PAGE}sample/", {"search": SEARCH, "most": "0.50"} | more, headers={"HX-Request": "true"})


def test_a_sample_costs_what_the_button_said_and_brings_pins(ann, sandbox: Sandbox):
    answer = sample(ann[1])

    assert "10 rows bought for $0.50." in body(answer)
    assert body(answer).count('<td class="number">') == 50
    pins = json.loads(re.search(r'id="find-pins"[^>]*>(.*?)</script>', answer.content.decode())[1])  # type: ignore[index]
    assert len(pins) == 10
    assert all(31 < pin["at"][0] < 38 and -110 < pin["at"][1] < -102 for pin in pins)  # New Mexico
    assert billed(sandbox) == Decimal("0.50")


def test_the_same_sample_again_is_free_and_the_button_says_so(ann, bob, sandbox: Sandbox):
    sample(ann[1])

    assert "Show 10 rows for $0: already purchased</button>" in body(bob[1].get(f"{PAGE}count/?{SEARCH}"))
    assert "10 rows for $0: purchased before." in body(sample(bob[1], most="0"))
    assert billed(sandbox) == Decimal("0.50")


def test_pressed_twice_at_once_a_sample_is_bought_once(ann, sandbox: Sandbox):
    def one() -> str:
        try:
            return body(sample(ann[1]))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = [job.result() for job in [threads.submit(one), threads.submit(one)]]

    assert ["10 row" in answer for answer in answers] == [True, True]
    assert billed(sandbox) == Decimal("0.50")


def test_nothing_is_bought_above_the_price_on_the_button(ann, sandbox: Sandbox):
    assert "Nothing was bought: it may cost $0.50, more than the $0.40 allowed." in body(sample(ann[1], most="0.40"))
    assert billed(sandbox) == 0


def test_nothing_is_bought_by_looking(ann, sandbox: Sandbox):
    assert ann[1].get(f"{PAGE}sample/?search={SEARCH}&most=0.50").status_code == 405
    assert ann[1].get(f"{PAGE}?{SEARCH}").status_code == 200
    assert billed(sandbox) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"most": "nan"}, {"most": "inf"}, {"most": "x"}, {"search": ""}, {"search": "beds_min=x"}, {"search": "a" * 5000}],
)
def test_a_button_that_no_page_of_ours_has_is_refused(ann, sandbox: Sandbox, wrong: dict[str, str]):
    assert sample(ann[1], **wrong).status_code == 400
    assert billed(sandbox) == 0


def test_a_cap_that_is_used_up_is_said_in_words(sandbox: Sandbox):
    _, client = staff("poor", monthly_budget=Decimal("0.10"))

    assert "Nothing was bought: " in body(sample(client))
    assert billed(sandbox) == 0


# --- Saving -----------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_search_is_saved_to_a_new_bucket_and_followed_to_its_end(ann, sandbox: Sandbox):
    user, client = ann
    answer = press(client, **{"save-once": once(client), "save-name": "Three beds"})

    fill = Fill.objects.get()
    assert answer.url == f"{PAGE}?{SEARCH}&fill={fill.pk}"
    assert (fill.bucket.name, fill.bucket.owner, fill.limit) == ("Three beds", user, None)
    assert fill.criteria == fill.bucket.filters == {"state": "NM", "beds_min": 3}
    progress = f"{PAGE}fill/{fill.pk}/"
    assert "It starts within a few seconds." in body(client.get(answer.url))
    assert 'hx-trigger="every 2s"' in body(client.get(progress))

    continue_fill(fill.pk)

    count = here(sandbox, state="NM", beds_min=3)
    done = body(client.get(progress))
    assert f"{count:,} of {count:,} ids, {count:,} of them new to the bucket." in done
    assert "hx-trigger" not in done
    assert f'href="/admin/buckets/bucket/{fill.bucket_id}/change/"' in done
    assert Lead.objects.filter(bucket=fill.bucket).count() == count
    assert billed(sandbox) == 0


def test_a_part_goes_to_a_bucket_that_is_there(ann, sandbox: Sandbox):
    user, client = ann
    bucket, _ = create_bucket(by=user, name="Mine")

    press(client, **{"save-once": once(client), "save-bucket": str(bucket.pk), "save-limit": "7"})
    continue_fill(Fill.objects.get().pk)

    assert Bucket.objects.count() == 1
    assert Lead.objects.filter(bucket=bucket).count() == 7
    assert "7 of 7 ids" in body(client.get(f"{PAGE}fill/{Fill.objects.get().pk}/"))


def test_without_a_name_the_bucket_is_called_like_the_search(ann, sandbox: Sandbox):
    press(ann[1], **{"save-once": once(ann[1])})

    assert Bucket.objects.get().name == "New Mexico · Beds from 3"


def test_pressed_twice_it_is_one_fill_and_other_wishes_are_another(ann, sandbox: Sandbox):
    same = {"save-once": once(ann[1]), "save-name": "Once"}

    first, second = press(ann[1], **same), press(ann[1], **same)
    third = press(ann[1], **same | {"save-limit": "5"})  # by the browser's Back, on the same page

    assert first.url == second.url != third.url
    assert list(Fill.objects.order_by("pk").values_list("limit", flat=True)) == [None, 5]
    assert Bucket.objects.count() == 2


def test_pressed_twice_at_once_it_is_one_fill_and_one_bucket(ann, sandbox: Sandbox):
    same = {"save-once": once(ann[1]), "save-name": "Once"}

    def one() -> str:
        try:
            return str(press(ann[1], **same).url)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        urls = {job.result() for job in [threads.submit(one) for _ in range(4)]}

    assert len(urls) == 1
    assert (Fill.objects.count(), Bucket.objects.count()) == (1, 1)


def test_somebody_elses_press_is_not_answered_with_their_fill(ann, bob, sandbox: Sandbox):
    same = {"save-once": once(ann[1]), "save-name": "Once"}
    press(ann[1], **same)

    press(bob[1], **same)

    owners = Fill.objects.order_by("pk").values_list("bucket__owner__username", "bucket__name")
    assert list(owners) == [("ann", "Once"), ("bob", "Once")]


def test_a_bucket_of_somebody_else_cannot_be_chosen(ann, bob, sandbox: Sandbox):
    theirs, _ = create_bucket(by=bob[0], name="Theirs")

    page = body(press(ann[1], **{"save-once": once(ann[1]), "save-bucket": str(theirs.pk)}))

    assert "Choose one of your team’s buckets." in page
    assert "Theirs" not in page
    assert not Fill.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"search": ""}, "Choose a place or a filter first."),
        ({"search": "beds_min=3&beds_max=1"}, "Choose a place or a filter first."),
        ({"save-limit": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"save-name": "x" * 201}, "Ensure this value has at most 200 characters"),
        ({"save-bucket": "not-an-id"}, "“not-an-id” is not a valid UUID."),
    ],
)
def test_what_cannot_be_saved_is_the_fields_error(ann, sandbox: Sandbox, wrong: dict[str, str], words: str):
    assert words in body(press(ann[1], **{"save-once": once(ann[1])} | wrong))
    assert (Fill.objects.count(), Bucket.objects.count()) == (0, 0)


def test_a_press_without_its_mark_saves_nothing(ann, sandbox: Sandbox):
    for mark in ("", "x"):
        assert press(ann[1], **{"save-once": mark}).status_code == 200
    assert not Fill.objects.exists()


# --- Following --------------------------------------------------------------------------------------------------------


def test_progress_is_its_teams(ann, bob):
    bucket, _ = create_bucket(by=ann[0], name="Mine")
    fill = start_fill(bucket=bucket, criteria={"state": "NM"})

    assert bob[1].get(f"{PAGE}fill/{fill.pk}/").status_code == 404
    assert bob[1].post(f"{PAGE}fill/{fill.pk}/").status_code == 404
    assert "Mine" not in body(bob[1].get(f"{PAGE}?{SEARCH}&fill={fill.pk}"))  # an address that was shared
    assert "Saving to" not in body(ann[1].get(f"{PAGE}?fill=x"))
    assert ann[1].get(f"{PAGE}fill/{uuid4()}/").status_code == 404
    assert superuser()[1].get(f"{PAGE}fill/{fill.pk}/").status_code == 404


def test_a_fill_that_failed_says_why_and_goes_on_at_a_press(ann, sandbox: Sandbox):
    bucket, _ = create_bucket(by=ann[0], name="Mine")
    fill = start_fill(bucket=bucket, criteria={"state": "NM"})
    Fill.objects.filter(pk=fill.pk).update(status="failed", error="AUTH_ERROR: refused", found=50, fetched=20)

    failed = body(ann[1].get(f"{PAGE}fill/{fill.pk}/"))
    again = body(ann[1].post(f"{PAGE}fill/{fill.pk}/"))

    assert "AUTH_ERROR: refused" in failed
    assert 'aria-valuenow="40"' in failed
    assert "Resume" in failed
    assert 'hx-trigger="every 2s"' in again
    fill.refresh_from_db()
    assert (fill.status, fill.error) == ("queued", "")


def test_only_staff_find_anything(sandbox: Sandbox):
    for place in ("", "count/", "sample/", f"fill/{uuid4()}/"):
        answer = Client().get(PAGE + place)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")
