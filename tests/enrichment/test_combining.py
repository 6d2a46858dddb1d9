from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from buckets.filling import fills
from buckets.filling.algebra import SetError, Sets
from buckets.filling.fills import combine
from buckets.models import Bucket
from buckets.services import create_bucket
from enrichment.options import RunOptions
from enrichment.quoting.combination_preview import preview
from enrichment.quoting.quotes import quote
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.models import Lead
from tests.admin_site import address, staff, words
from tests.command_line import assert_refused, run
from tests.support import make_user

pytestmark = pytest.mark.django_db
PAGE = "/admin/buckets/bucket/combine/"
PRESS = "0199e3a0-0000-7000-8000-000000000001"


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


def bucket_of(by: Any, name: str, *ids: object) -> Bucket:
    bucket, _ = create_bucket(by=by, name=name, property_ids=[str(one) for one in ids])
    return bucket


def bought(property_id: str, days_ago: float, state: str = "answered") -> None:
    detail = catalogue.operation("property_detail")
    when = timezone.now() - timedelta(days=days_ago)
    answer = {"facts": {}, "fetched_at": when} if state == "answered" else {}
    Lookup.objects.create(operation=detail, key=property_id, state=state, **answer)


@pytest.fixture
def abc(ann: Any) -> tuple[Bucket, Bucket, Bucket]:
    fresh = catalogue.operation("property_detail").setting("fresh_days")
    bought("1", 1)
    bought("2", fresh + 1)
    bought("3", 1, "in_doubt")
    bought("9", 1)
    return bucket_of(ann, "A", 1, 2, 3, 4, 5), bucket_of(ann, "B", 1, 2, 3, 4, 9), bucket_of(ann, "C", 4)


def test_a_preview_adds_up_and_prices_what_was_never_bought(ann, abc, settings):
    a, b, c = (bucket.pk for bucket in abc)

    would_be = preview(by=ann, sets=Sets(all_of=(a, b), none_of=(c,)))

    assert (would_be.total, would_be.owned, would_be.stale, would_be.new) == (3, 1, 1, 1)
    assert [(line.operation, line.to_buy, line.cost) for line in would_be.lines] == [
        ("property_detail", 1, settings.OPERATIONS["property_detail"]["price"]),
        ("skip_trace", 1, settings.OPERATIONS["skip_trace"]["price"]),
    ]
    assert would_be.price == sum(line.cost for line in would_be.lines)
    assert would_be.stale_price == settings.OPERATIONS["property_detail"]["price"]
    assert Bucket.objects.count() == 3


def test_the_bucket_then_made_is_quoted_as_the_preview_said(ann, abc):
    sets = Sets(any_of=tuple(bucket.pk for bucket in abc))
    would_be = preview(by=ann, sets=sets)

    made = combine(by=ann, name="New", sets=sets).bucket

    price = quote(bucket=made, by=ann, options=RunOptions(skip_trace=False))
    assert (made.total_leads, price.owned, price.price) == (
        would_be.total,
        would_be.owned,
        would_be.lines[0].cost + would_be.stale_price,
    )


def test_what_is_somebody_elses_is_not_previewed(ann, abc):
    theirs = bucket_of(make_user("bob"), "Theirs", 1)

    with pytest.raises(SetError, match="There is no such bucket"):
        preview(by=ann, sets=Sets(all_of=(abc[0].pk, theirs.pk)))


# --- The command ------------------------------------------------------------------------------------------------------


def test_the_command_previews_in_json_and_in_words(abc, settings):
    a, b, c = (bucket.pk for bucket in abc)
    flags = ("--user", "ann", "--all-of", a, b, "--none-of", c, "--preview")

    told = run("combine_buckets", "New", *flags, "--json").json["preview"]

    assert {name: told[name] for name in ("total", "owned", "stale", "new")} == {
        "total": 3, "owned": 1, "stale": 1, "new": 1,
    }  # fmt: skip
    assert Decimal(told["price"]) == sum(
        settings.OPERATIONS[name]["price"] for name in ("property_detail", "skip_trace")
    )
    assert run("combine_buckets", "New", *flags).out.startswith("3 leads: 1 owned ($0), 1 bought too long ago, 1 new\n")
    assert Bucket.objects.count() == 3


def test_the_command_makes_the_bucket(ann, abc):
    made = run("combine_buckets", "New", "--user", "ann", "--any-of", abc[0].pk, abc[1].pk, "--json").json["bucket"]

    bucket = Bucket.objects.get(pk=made["id"])
    assert (bucket.owner, bucket.name, bucket.total_leads, made["totalLeads"]) == (ann, "New", 6, 6)


@pytest.mark.django_db(transaction=True)
def test_the_command_leaves_the_rest_to_a_worker_or_does_it_here(abc, monkeypatch):
    monkeypatch.setattr(fills, "AT_ONCE", 2)
    flags = ("--user", "ann", "--any-of", abc[0].pk, abc[1].pk)

    left = run("combine_buckets", "Later", *flags)
    done = run("combine_buckets", "Now", *flags, "--here", "--json")

    assert left.out.splitlines()[-1] == "A worker saves the rest; bucket_status shows how far it is."
    assert done.json["fill"] | {"id": ""} == {"id": "", "status": "completed", "found": 6, "saved": 6, "leftOut": 0}
    assert dict(Bucket.objects.values_list("name", "total_leads")) == {
        "A": 5, "B": 5, "C": 1, "Later": 2, "Now": 6,
    }  # fmt: skip


def test_the_command_refuses_in_one_line(abc):
    make_user("bob")

    assert_refused(run("combine_buckets", "New", "--user", "bob", "--all-of", abc[0].pk), "There is no such bucket.")
    assert_refused(
        run("combine_buckets", "New", "--user", "ann", "--all-of", abc[2].pk, "--none-of", abc[0].pk),
        "No property is in this combination: no bucket was made.",
    )
    assert_refused(run("combine_buckets", "New", "--user", "ann", "--all-of", "x"), "'x' is not the id of a bucket.")
    assert Bucket.objects.count() == 3


# --- The page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> Any:
    """Cay's, a member of staff with two buckets."""
    cay, client = staff("cay")
    bucket_of(cay, "One", 1, 2, 3)
    bucket_of(cay, "Two", 2, 3)
    return client


def chosen(**places: str) -> dict[str, str]:
    return {f"set-{Bucket.objects.get(name=name).pk}": place for name, place in places.items()}


def test_the_page_shows_ones_own_buckets_and_no_others(client, abc):
    page = client.get(PAGE, {"all_of": str(Bucket.objects.get(name="One").pk)})

    assert [field.label for field in page.context["form"].places] == ["Two", "One"]
    assert [field.value() for field in page.context["form"].places] == [None, "all_of"]


def test_the_page_says_what_it_would_hold_before_it_is_made(client):
    page = client.post(PAGE, chosen(One="all_of", Two="none_of") | {"look": "1", "press": PRESS}, follow=True)

    assert page.context["would_be"].total == 1
    assert page.context["words"] == "On all of “One”; not on “Two”."
    assert "Create the bucket for $0" in page.content.decode()
    assert Bucket.objects.count() == 2


def test_the_button_makes_it_and_shows_it(client):
    made = client.post(PAGE, chosen(One="all_of", Two="none_of") | {"name": "New", "confirmed": "yes", "press": PRESS})

    bucket = Bucket.objects.get(name="New")
    assert (made.status_code, made.url) == (302, address(Bucket, "change", bucket.pk))
    assert list(bucket.leads.values_list("property_id", flat=True)) == ["1"]
    assert words(made) == ["New: 1 lead. It was free."]


def test_the_button_pressed_twice_makes_one(client):
    form = chosen(One="all_of") | {"name": "New", "confirmed": "yes", "press": PRESS}

    first, second = (client.post(PAGE, form) for _ in range(2))

    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert Bucket.objects.filter(name="New").count() == 1


@pytest.mark.parametrize(
    ("places", "name", "complaint"),
    [
        ({}, "New", "Say which buckets to take from"),
        ({"Two": "all_of", "One": "none_of"}, "New", "No property is in this combination"),
        ({"One": "all_of"}, "", "This field is required."),
        ({"One": "everywhere"}, "New", "everywhere is not one of the available choices"),
    ],
)
def test_what_cannot_be_made_is_said_on_the_page(client, places, name, complaint):
    page = client.post(PAGE, chosen(**places) | {"name": name, "confirmed": "yes", "press": PRESS})

    assert (page.status_code, complaint in page.content.decode()) == (200, True)
    assert Bucket.objects.count() == 2


def test_a_bucket_of_somebody_else_in_the_form_is_no_part_of_it(client, abc):
    client.post(PAGE, chosen(One="all_of", A="none_of") | {"name": "New", "confirmed": "yes", "press": PRESS})

    assert Bucket.objects.get(name="New").total_leads == 3
    assert Lead.objects.filter(bucket=abc[0]).count() == 5
