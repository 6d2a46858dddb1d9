"""The price before the purchase: how far a cap goes, what a button may cost, and which answers are owned for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from buckets.models import Bucket
from buckets.services import create_bucket
from common.db.clock import database_now
from enrichment import services
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.quoting import quotes
from enrichment.quoting.quotes import Quote
from enrichment.services import RunError
from enrichment.worker import questions
from integrations.ledger import catalogue, scopes
from integrations.lookups import names
from integrations.lookups.identity import names_of
from integrations.models import Budget, Lookup, Operation
from integrations.vendors.contract import Answer
from leads.facts.incoming import Incoming, insert_leads
from leads.models import Lead
from sandbox.server import Sandbox
from tests.admin_site import signed_in
from tests.support import billed, finish, make_bucket, make_user, requests_of, start

pytestmark = pytest.mark.django_db(transaction=True)

DETAIL = {
    "first_name": "Ann",
    "last_name": "Lee",
    "property_address": "1 Oak St",
    "property_city": "Seattle",
    "property_state": "WA",
    "property_zip": "98101",
}


@pytest.fixture(autouse=True)
def prices(settings: Any) -> None:
    settings.VENDOR_IN_FLIGHT = 3
    settings.OPERATIONS = {
        name: operation | {"price": Decimal("0.05"), "pace": Decimal(0)}
        for name, operation in settings.OPERATIONS.items()
    }


@pytest.fixture
def bucket() -> Bucket:
    bucket, _ = create_bucket(by=make_user(), name="Leads", property_ids=[str(n) for n in range(1, 11)])
    return bucket


def asked(bucket: Bucket, **options: Any) -> Quote:
    return quotes.quote(bucket=bucket, by=bucket.owner, options=RunOptions(**options))


def owned(operation: Operation, key: str, facts: dict[str, Any], **values: Any) -> Lookup:
    values = {"state": "answered", "cost": Decimal("0.05"), "fetched_at": database_now()} | values
    return Lookup.objects.create(operation=operation, key=key, facts=facts, **values)


def own_detail(number: int, **facts: Any) -> dict[str, Any]:
    detail = {**DETAIL, "property_address": f"{number} Oak St", **facts}
    owned(catalogue.operation("property_detail"), str(number), detail)
    return detail


def own_contact(detail: dict[str, Any], facts: dict[str, Any], vendor: str = "", **values: Any) -> Lookup:
    trace = catalogue.operation("skip_trace")
    if vendor:
        trace, _ = Operation.objects.get_or_create(vendor=catalogue.vendor(vendor), name="skip_trace")
    return owned(trace, questions.owner_query(detail).key, facts, **values)


# --- How far a cap goes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cap", "finishes"),
    [("0.04", 0), ("0.09", 0), ("0.10", 1), ("0.29", 2), ("0.50", 5), ("1.00", 10), ("9", 10), (None, None)],
)
def test_a_cap_finishes_leads_whole(bucket: Bucket, cap: str | None, finishes: int | None) -> None:
    price = asked(bucket, max_cost=None if cap is None else Decimal(cap))
    assert (price.leads, price.price, price.finishes) == (10, 1, finishes)
    assert price.at_most == (1 if cap is None else min(Decimal(cap), 1))


def test_owned_leads_behind_are_finished_for_nothing_and_those_with_a_detail_for_their_trace(bucket: Bucket) -> None:
    for number in (8, 9):
        own_contact(own_detail(number), {"phone": "+15125550100"})
    own_detail(10)
    price = asked(bucket, max_cost=Decimal("0.15"))
    # one lead for $0.10, the trace of the tenth for $0.05, two for nothing
    assert (price.price, price.finishes, price.owned) == (Decimal("0.75"), 4, 2)
    assert asked(bucket, max_cost=Decimal("0.01")).finishes == 2
    assert asked(bucket, skip_trace=False, max_cost=Decimal("0.15")).finishes == 6
    words = "A $0.15 spending limit finishes 4 of 10 leads"
    assert quotes.finishes_in_words(price) == words
    assert quotes.finishes_in_words(asked(bucket)) == ""


def test_apollos_leads_are_counted_by_what_each_may_cost(bucket: Bucket) -> None:
    Lead.objects.filter(property_id__in=["1", "2"]).update(phone="+15125550100")
    price = asked(bucket, kind="apollo", reveal_phones=True, max_cost=Decimal("1.00"))
    assert price.price == Decimal("0.05") * (2 + 8 * 9)
    assert price.finishes == 4  # two for one credit, two for nine: $0.10 and $0.90


def test_the_command_and_the_interface_say_how_far_it_goes(bucket: Bucket) -> None:
    from enrichment.api.serializers import QuoteSerializer
    from enrichment.management.helpers.runs import quote_facts, quote_lines

    price = asked(bucket, max_cost=Decimal("0.50"))
    assert QuoteSerializer(price).data["finishes"] == quote_facts(price)["finishes"] == 5
    assert "  A $0.50 spending limit finishes 5 of 10 leads." in quote_lines(price)
    assert "finishes" not in QuoteSerializer(asked(bucket)).data.keys() | quote_facts(asked(bucket)).keys()


# --- Names and vendors ------------------------------------------------------------------------------------------------


def of_a_file(facts: dict[str, Any], bucket: Bucket | None = None) -> Lead:
    """The lead of Bob's file, or of one put into this bucket, which knows the property by its address alone."""
    bucket = bucket or Bucket.objects.create(owner=make_user("bob"), name="Bob's")
    row = Incoming(names_of(facts)[0].text, facts)
    with transaction.atomic():
        insert_leads(
            bucket_id=bucket.pk, owner_id=bucket.owner_id, team_id=bucket.team_id, source="import", leads=[row]
        )
    return Lead.objects.get(bucket=bucket, source="import")


def test_a_lead_known_by_its_address_costs_nothing_once_a_detail_by_id_told_that_address(bucket: Bucket) -> None:
    detail = own_detail(3)
    own_contact(detail, {"phone": "+15125550100"})
    lead = of_a_file(detail)
    assert asked(lead.bucket).price == Decimal("0.10")

    names.learn_from("property_detail", {"3": Answer(facts=detail)})

    price = asked(lead.bucket)
    assert (price.price, price.owned, price.reachable and price.reachable.low) == (0, 1, 1)
    run = finish(start(lead.bucket))
    lead.refresh_from_db()
    assert (run.status, run.enriched, run.spent) == ("completed", 1, 0)
    assert (lead.property_id, lead.phone) == ("3", "+15125550100")


def test_a_search_row_joins_the_names_and_the_property_is_bought_by_its_id(sandbox: Sandbox) -> None:
    parcel = sandbox.source.parcel(4)
    street = {"property_address": parcel.street, "property_zip": parcel.zip}
    bob = of_a_file({**street, "property_city": parcel.city, "property_state": parcel.state}).bucket
    names.learn_from("property_search", {"a page": Answer(facts={"rows": [{"property_id": str(parcel.id), **street}]})})
    ann = make_bucket(sandbox, make_user(), 5)
    runs = [start(bob), start(ann)]
    finish(runs[0])

    details = Lookup.objects.filter(operation__name="property_detail", state="answered")
    assert sorted(details.values_list("key", flat=True)) == sorted(str(sandbox.source.parcel(n).id) for n in range(5))
    assert requests_of(sandbox)["property_detail"] <= 2
    assert Lead.objects.get(bucket=bob).property_id == str(parcel.id)
    assert sum(Run.objects.with_money().get(pk=run.pk).spent for run in runs) == billed(sandbox)


def test_a_property_that_two_leads_are_of_is_priced_once(bucket: Bucket) -> None:
    detail = {**DETAIL, "property_address": "3 Oak St"}
    Lead.objects.filter(property_id="4").delete()
    of_a_file(detail, bucket)
    names.learn([("3", detail)])
    price = asked(bucket)
    assert [(line.owned, line.to_buy) for line in price.lines] == [(1, 9), (1, 9)]


def test_another_vendors_contact_costs_nothing_and_its_miss_is_asked_about(bucket: Bucket) -> None:
    own_contact(own_detail(1), {"phone": "+15125550100"}, vendor="signalhouse")
    own_contact(own_detail(2), {"email": "ann@example.com"}, vendor="signalhouse")
    own_contact(own_detail(3), {}, vendor="signalhouse", category="SKIP_TRACE_EMPTY")
    own_contact(own_detail(4), {}, category="SKIP_TRACE_EMPTY")
    detail, trace = asked(bucket).lines
    assert (detail.owned, trace.vendor, trace.owned) == (4, "realestateapi", 3)


def test_details_that_are_to_be_bought_again_are_priced(bucket: Bucket) -> None:
    own_detail(1)
    assert asked(bucket, skip_trace=False).price == Decimal("0.45")
    assert asked(bucket, skip_trace=False, fresh_after=database_now()).price == Decimal("0.50")


# --- Resuming ---------------------------------------------------------------------------------------------------------


def paused(bucket: Bucket, spent: str, reserved: str = "0", **options: Any) -> Run:
    run = start(bucket, **options)
    Budget.objects.create(scope=run.budget_scope, spent=Decimal(spent), reserved=Decimal(reserved))
    Run.objects.filter(pk=run.pk).update(status="paused", paused_by="cap", cap_scope=run.budget_scope, reason="R")
    run.refresh_from_db()
    return run


def test_a_limit_below_what_is_spent_is_refused_with_both_numbers(bucket: Bucket) -> None:
    run = paused(bucket, "4.20", "0.30", max_cost=Decimal("4.50"))
    with pytest.raises(RunError) as refused:
        services.resume_run(run=run, by=run.owner, max_cost=Decimal("4.49"))
    assert str(refused.value) == (
        "$4.49 is less than this job has used: $4.20 is spent and $0.30 is reserved for requests that are not settled. "
        "Set at least $4.50."
    )
    assert refused.value.field == "maxCost"
    run.refresh_from_db()
    assert (run.status, run.max_cost) == ("paused", Decimal("4.50"))

    services.resume_run(run=run, by=run.owner, max_cost=Decimal("4.50"))
    run.refresh_from_db()
    assert (run.status, run.cap_scope) == ("running", "")


def test_the_button_names_the_lesser_of_what_the_rest_costs_and_what_the_limit_leaves(bucket: Bucket) -> None:
    own_detail(1)
    run = paused(bucket, "0.20", max_cost=Decimal("0.25"))
    rest = quotes.rest_of(run)  # nine leads whole and a trace: $0.95
    assert (rest.leads, rest.used, rest.price) == (10, Decimal("0.20"), Decimal("0.95"))
    assert (rest.suggested, rest.at_most) == (Decimal("1.15"), Decimal("0.95"))

    Run.objects.filter(pk=run.pk).update(cap_scope="user:1:2026-11", max_cost=Decimal("0.60"))
    run.refresh_from_db()
    rest = quotes.rest_of(run)  # the month stopped it: its own limit still stands
    assert (rest.suggested, rest.at_most) == (Decimal("0.60"), Decimal("0.40"))
    Run.objects.filter(pk=run.pk).update(max_cost=None)
    run.refresh_from_db()
    assert quotes.rest_of(run).at_most == Decimal("0.95")


def test_resuming_is_not_offered_where_not_one_lead_fits_under_the_limits(bucket: Bucket) -> None:
    run = paused(bucket, "0.25", max_cost=Decimal("0.25"))
    rest = quotes.rest_of(run)
    assert (rest.at_most, rest.cheapest) == (rest.price, Decimal("0.10"))
    for used_up in ("0.25", "0.34"):  # a detail is not bought whose trace does not fit
        assert rest.buys_nothing(Decimal(used_up))
    assert not rest.buys_nothing(Decimal("0.35")) and not rest.buys_nothing(None)

    User.objects.filter(pk=run.owner_id).update(is_staff=True)
    client = signed_in(User.objects.get(pk=run.owner_id))
    place = f"/admin/enrichment/run/{run.pk}/resume/"
    assert "Resume for at most $1.00" in client.get(place).content.decode()
    for typed in ("", "0.25"):  # empty: unchanged
        part = client.get(place, {"look": 1, "part": 1, "max_cost": typed}).content.decode()
        assert "enter a higher one" in part and "Resume for" not in part
        client.post(place, {"confirmed": "yes", "max_cost": typed})
    run.refresh_from_db()
    assert run.status == "paused"

    month = scopes.user_month(run.owner_id, database_now())
    budget = Budget.objects.create(scope=month, spent=run.owner.monthly_budget)
    page = client.get(place).content.decode()  # the month has no room either: no limit of its own helps
    assert "raise the limits above first" in page and "leaves $0.00." in page and "Resume for" not in page
    Budget.objects.filter(pk=budget.pk).update(spent=run.owner.monthly_budget - Decimal("0.30"))
    assert "Resume for at most $0.30" in client.get(place).content.decode()


# --- Trying again -----------------------------------------------------------------------------------------------------


def failed(run: Run, leads: Any, category: str = "NETWORK_ERROR") -> None:
    RunItem.objects.filter(run=run, lead__property_id__in=leads).update(
        stage=0, outcome=RunItem.Outcome.FAILED, category=category
    )


def test_leads_in_doubt_are_left_out_of_a_retry_and_counted(bucket: Bucket) -> None:
    run = start(bucket)
    failed(run, ["1", "2", "3"])
    failed(run, ["4"], "IN_DOUBT")
    own_contact(own_detail(3), {}, state="in_doubt", fetched_at=None)
    Lookup.objects.create(operation=catalogue.operation("property_detail"), key="4", state="in_doubt")
    Run.objects.filter(pk=run.pk).update(status="completed", failed=4, in_doubt=2)
    RunItem.objects.filter(run=run).exclude(stage=0).update(stage=0, outcome=2)
    Bucket.objects.update(queued_leads=0)
    run.refresh_from_db()

    options = services.retry_options(run)

    chosen = Lead.objects.filter(pk__in=options.lead_ids or ()).values_list("property_id", flat=True)
    assert (sorted(chosen), options.left_out) == (["1", "2"], 4)
    price = quotes.quote(bucket=bucket, by=bucket.owner, options=options)
    assert "4 leads need a billing check and are left out" in price.limits
    again = services.retry_failed(run=run, by=run.owner)
    assert (again.total, again.options["leftOut"]) == (2, 4)


def test_a_run_whose_failures_are_all_in_doubt_says_so_and_starts_nothing(bucket: Bucket) -> None:
    run = start(bucket)
    failed(run, ["4"], "IN_DOUBT")
    Lookup.objects.create(operation=catalogue.operation("property_detail"), key="4", state="in_doubt")
    with pytest.raises(RunError) as refused:
        services.retry_failed(run=run, by=run.owner)
    assert str(refused.value) == "1 lead needs a billing check first: no other lead of this job failed."
    assert Run.objects.count() == 1


def test_details_bought_under_two_names_are_told_of_the_run(bucket: Bucket) -> None:
    from enrichment.api.views import run_json
    from enrichment.management.helpers.runs import run_facts, run_lines

    run = start(bucket)
    Run.objects.filter(pk=run.pk).update(two_names=2)
    run = Run.objects.with_money().get(pk=run.pk)
    counts: Any = run_json(run.pk)[1]["counts"]
    assert counts["twoNames"] == run_facts(run)["stats"]["twoNames"] == 2
    assert "  2 bought under two names" in run_lines(run)
