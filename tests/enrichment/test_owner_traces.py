"""One skip trace serves all of an owner's parcels of a run, and never those of somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import responses
from django.db import transaction

from accounts.models import User
from buckets.models import Bucket
from buckets.services import create_bucket
from common.db.clock import database_now
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting import quotes
from enrichment.worker import purchase, questions
from integrations.ledger import catalogue
from integrations.lookups import answers, gate
from integrations.lookups.answers import Copy
from integrations.models import Lookup, Operation, VendorCall
from integrations.vendors.queries import bears_name, shared_query, skip_trace_query
from integrations.vendors.skip_trace import contact_facts, phone_of
from leads.admin.base import spaced
from leads.keys.owner_keys import owner_keys
from leads.models import Lead
from sandbox.server import Sandbox
from tests.admin_site import sees_contacts, signed_in, staff
from tests.command_line import run as run_command
from tests.support import apart, billed, fail_with, finish, make_user, mostly_long, pump_until_still, start

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/admin/buckets/bucket/find/address/"
HOMES = {
    "Ann": {"mailing_address": "9 Elm St", "mailing_city": "Waco", "mailing_state": "TX", "mailing_zip": "76701"},
    "Bea": {"mailing_address": "7 Oak St", "mailing_city": "Reno", "mailing_state": "NV", "mailing_zip": "89501"},
    "Cat": {"mailing_address": "PO Box 7", "mailing_city": "Mesa", "mailing_state": "AZ", "mailing_zip": "85201"},
}
FAMILY = {"Ann": "Doe", "Bea": "Roe", "Cat": "Poe"}
ASKED = {"first_name": "Ann", "last_name": "Doe", "mail_address": "9 Elm St", "mail_city": "Waco", "mail_state": "TX"}


def detail(number: int, who: str = "Ann", **facts: Any) -> dict[str, Any]:
    return {
        "owner_name": f"{who} {FAMILY[who]}",
        "first_name": who,
        "last_name": FAMILY[who],
        "owner_type": "individual",
        **HOMES[who],
        "property_address": f"{number} Main St",
        "property_city": "Austin",
        "property_state": "TX",
        "property_zip": "78701",
        **facts,
    }


def own(number: int, facts: dict[str, Any]) -> None:
    Lookup.objects.create(
        operation=catalogue.operation("property_detail"), key=str(number), facts=facts, state="answered",
        cost=Decimal("0.05"), fetched_at=database_now(),
    )  # fmt: skip


def make(numbers: range, *, by: User | None = None, name: str = "Leads") -> Bucket:
    bucket, _ = create_bucket(by=by or make_user(), name=name, property_ids=[str(number) for number in numbers])
    return bucket


@pytest.fixture
def nine() -> Bucket:
    """Nine parcels of three owners, whose details are owned."""
    for number in range(1, 10):
        own(number, detail(number, ["Ann", "Bea", "Cat"][number % 3]))
    return make(range(1, 10))


def traces() -> int:
    return sum(VendorCall.objects.filter(operation__name="skip_trace").values_list("inputs", flat=True))


# --- The question -----------------------------------------------------------------------------------------------------


def test_it_asks_by_name_and_mailing_address_alone() -> None:
    query = shared_query(**ASKED, mail_zip="76701")
    assert query is not None
    assert query.params == {**ASKED, "mail_zip": "76701"}


@pytest.mark.parametrize(
    "facts",
    [
        {"mail_address": "9 ELM STREET"},
        {"mail_zip": "76701-1234"},
        {"first_name": "ANN", "owner_name": "DOE ANN TRS"},
        {"first_name": None, "last_name": None, "owner_name": "DOE, ANN"},
    ],
)
def test_spellings_of_one_owner_are_one_question(facts: dict[str, Any]) -> None:
    one, other = shared_query(**ASKED, mail_zip="76701"), shared_query(**{**ASKED, "mail_zip": "76701", **facts})
    assert one is not None and other is not None
    assert one.key == other.key


@pytest.mark.parametrize(
    "facts",
    [
        {"mail_zip": "76702"},
        {"mail_address": "9 Elm St Apt 2"},
        {"mail_city": "Temple"},
        {"first_name": "Anna"},
        {"last_name": "Roe"},
    ],
)
def test_another_name_or_another_address_is_another_question(facts: dict[str, Any]) -> None:
    one, other = shared_query(**ASKED, mail_zip="76701"), shared_query(**{**ASKED, "mail_zip": "76701", **facts})
    assert one is not None and other is not None
    assert one.key != other.key


@pytest.mark.parametrize(
    "facts",
    [
        {"owner_name": "ACME HOMES LLC"},
        {"first_name": None, "last_name": "ACME HOMES LLC"},
        {"owner_type": "corporation"},
        {"owner_type": "trust"},
        {"first_name": "Unknown", "last_name": "Owner", "owner_name": "UNKNOWN OWNER"},
        {"first_name": "Current", "last_name": "Resident"},
        {"first_name": "Name", "last_name": "Withheld"},
        {"first_name": "Not", "last_name": "Available"},
        {"first_name": "Confidential", "last_name": "Record"},
        {"first_name": "Tax", "last_name": "Payer"},
        {"first_name": "First", "last_name": "Baptist"},
        {"first_name": "A"},
        {"first_name": None},
        {"mail_zip": None},
        {"mail_city": None},
        {"mail_address": "Elm St"},
    ],
)
def test_a_company_a_placeholder_and_half_a_name_or_address_share_nothing(facts: dict[str, Any]) -> None:
    assert shared_query(**{**ASKED, "mail_zip": "76701", **facts}) is None


LINE = {"first_name": None, "last_name": None}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({**LINE, "owner_name": "SMITH JOHN JR"}, {**LINE, "owner_name": "SMITH JOHN SR"}),
        ({**LINE, "owner_name": "SMITH JOHN JR"}, {**LINE, "owner_name": "SMITH JOHN"}),
        ({**LINE, "owner_name": "SMITH JOHN A"}, {**LINE, "owner_name": "SMITH JOHN B"}),
        ({**LINE, "owner_name": "SMITH JOHN A"}, {**LINE, "owner_name": "SMITH JOHN"}),
        ({**LINE, "owner_name": "DOE ANN M SR"}, {**LINE, "owner_name": "DOE ANN L JR"}),
        ({**LINE, "owner_name": "DOE ANN II"}, {**LINE, "owner_name": "DOE ANN III"}),
        ({"owner_name": "Ann Doe Jr"}, {"owner_name": "Ann Doe Sr"}),
        ({"owner_name": "Ann Doe Jr"}, {"owner_name": "Ann Doe"}),
        ({"last_name": "Doe Jr"}, {"last_name": "Doe Sr"}),
        ({"first_name": "Ann M"}, {"first_name": "Ann L"}),
        ({"owner_name": "DOE ANN JR & BOB"}, {"owner_name": "DOE ANN & BOB"}),
        ({"mail_address": "9 Elm St Fl 4"}, {"mail_address": "9 Elm St Apt 4"}),
        ({"mail_address": "9 Elm St Bldg 4"}, {"mail_address": "9 Elm St Fl 4"}),
    ],
)
def test_two_people_of_one_name_are_two_questions(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (shared_query(**{**ASKED, "mail_zip": "76701", **facts}) for facts in (one, other))
    assert first is not None and second is not None
    assert {first.key, *first.names}.isdisjoint({second.key, *second.names})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({**LINE, "owner_name": "SMITH JOHN A JR"}, {**LINE, "owner_name": "John A. Smith, Jr."}),
        ({"owner_name": "DOE ANN JR"}, {"last_name": "Doe Jr."}),
        ({"first_name": "Ann M"}, {"owner_name": "DOE ANN M & BOB"}),
        ({"owner_name": "DOE ANN H&W"}, {"owner_name": "DOE ANN & BOB"}),
        ({"mail_address": "PO Box 7"}, {"mail_address": "P.O. BOX 7"}),
        ({"mail_address": "PO Box 7"}, {"mail_address": "POB 7"}),
        ({"mail_address": "9 Elm St Ste 4"}, {"mail_address": "9 Elm St #4"}),
    ],
)
def test_one_person_of_two_spellings_is_one_question(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (shared_query(**{**ASKED, "mail_zip": "76701", **facts}) for facts in (one, other))
    assert first is not None and second is not None
    assert first.key == second.key


@pytest.mark.parametrize(
    ("owner", "first", "last", "bears"),
    [
        ("DOE ANN JR", "Ann", "Doe Jr", True),
        ("DOE ANN JR", "Ann", "Doe", True),
        ("DOE ANN JR", "Ann", "Doe Sr", False),
        ("DOE ANN", "Ann", "Doe Jr", False),
        ("DOE ANN M", "Ann Mary", "Doe", True),
        ("DOE ANN M", "Ann L", "Doe", False),
    ],
)
def test_what_an_answer_says_of_a_generation_or_a_middle_name_must_agree(
    owner: str, first: str, last: str, bears: bool
) -> None:
    query = shared_query(**ASKED, mail_zip="76701", owner_name=owner)
    assert query is not None
    assert bears_name({"first_name": first, "last_name": last, "phone": "+12545550100"}, query) is bears


@pytest.mark.parametrize(
    ("first", "last", "bears"),
    [
        ("ANN", "DOE", True),
        ("A", "Doe", False),
        ("A.", "Doe", False),
        ("Bea", "Doe", False),
        (None, "Doe", False),
        ("Ann", "Roe", False),
    ],
)
def test_the_person_found_must_bear_the_name(first: str | None, last: str, bears: bool) -> None:
    query = shared_query(**ASKED, mail_zip="76701")
    assert query is not None
    phone = phone_of("2545550100", type="W", do_not_call=None, last_seen=None, connected=None)
    facts = contact_facts(first_name=first, last_name=last, phones=[phone], asked=query.params)
    assert bears_name(facts, query) is bears


# --- The books --------------------------------------------------------------------------------------------------------


def test_nine_parcels_of_three_owners_are_three_traces_and_the_quote_says_what_that_saves(
    sandbox: Sandbox, nine: Bucket
) -> None:
    quote = quotes.quote(bucket=nine, by=nine.owner, options=RunOptions())
    price = catalogue.operation("skip_trace").setting("price")
    assert (quote.lines[-1].to_buy, quote.price) == (9, 12 * price), "where each of the three finds somebody else"
    assert quote.notes == (
        f"3 owners have 9 of these properties: one skip trace each saves ${6 * price:,.2f}. Likely ${9 * price:,.2f} "
        "less than the price, which is for each property traced by itself where it finds somebody else.",
    )
    run = finish(start(nine))
    assert run.spent == billed(sandbox) == 3 * price
    assert (run.status, run.done, run.enriched, traces()) == ("completed", 9, 6, 3)  # the sandbox has no phone of Ann's
    for lead in Lead.objects.exclude(phone=None):
        assert (lead.contact_is_other, lead.contact_name) == (False, lead.owner_name)
    by_owner = set(Lead.objects.exclude(phone=None).values_list("owner_name", "phone"))
    assert len(by_owner) == len({name for name, _ in by_owner}), "all her parcels have her phone"


@pytest.mark.long
def test_the_shared_answer_is_owned_for_each_parcel_and_asked_alone_it_costs_nothing(
    sandbox: Sandbox, nine: Bucket
) -> None:
    run = finish(start(nine))
    assert quotes.quote(bucket=nine, by=nine.owner, options=RunOptions(lead_ids=ids(nine))).price == 0
    again = finish(start(nine, lead_ids=ids(nine)))
    assert (again.spent, billed(sandbox)) == (0, run.spent)
    alone = questions.owner_query(detail(3, "Ann"))
    lead = Lead.objects.get(property_id="3")
    if lead.phone:
        served = gate.owned(catalogue.operation("skip_trace"), alone)
        assert served is not None and served.answer.facts["phone"] == lead.phone


@pytest.mark.long
def test_an_address_of_hers_that_was_in_no_run_costs_nothing_on_its_page(sandbox: Sandbox, nine: Bucket) -> None:
    """Her contacts are owned by the question that her parcels share."""
    run = finish(start(nine))
    known = Lead.objects.filter(owner_name="Bea Roe").first()
    assert known is not None and known.phone
    own(21, detail(21, "Bea"))
    zoe, _ = staff("zoe")
    sees_contacts(zoe)
    client = signed_in(zoe)
    page = client.get(ADDRESS, {"id": "21"})
    assert page.context["trace_price"] == 0
    shown = client.post(ADDRESS, {"id": "21", "do": "trace", "most": "0"})
    assert dict(shown.context["contact"])["Phone"].startswith(spaced(known.phone))
    assert billed(sandbox) == run.spent
    bucket = make(range(30, 31), by=zoe, name="By address")
    client.post(ADDRESS, {"id": "21", "bucket": bucket.pk, "once": uuid4(), "most": "0"})
    pump_until_still()
    assert Lead.objects.get(bucket=bucket, property_id="21").phone == known.phone
    assert billed(sandbox) == run.spent


def ids(bucket: Bucket) -> list[Any]:
    return list(bucket.leads.order_by("pk").values_list("pk", flat=True))


def test_two_runs_at_once_never_buy_an_owner_twice(sandbox: Sandbox, nine: Bucket) -> None:
    for number in range(11, 20):
        own(number, detail(number, ["Ann", "Bea", "Cat"][number % 3]))
    other = make(range(11, 20), by=make_user("bob"))
    runs = [start(nine), start(other)]
    done = [finish(run) for run in runs]
    assert [run.done for run in done] == [9, 9]
    shared = {questions.owner_of(detail(1, who)).shared.key for who in HOMES}  # type: ignore[union-attr]
    bought = Lookup.objects.filter(operation__name="skip_trace", call__isnull=False, key__in=shared)
    assert bought.count() == 3
    assert sum(run.spent for run in done) == billed(sandbox)


@pytest.mark.long
def test_what_was_bought_for_one_property_serves_it_and_is_not_bought_again(sandbox: Sandbox, nine: Bucket) -> None:
    first = questions.owner_query(detail(3, "Ann"))
    mine = {"phone": "+15125550100", "phone_type": "mobile", "first_name": "Ann", "last_name": "Doe"}
    Lookup.objects.create(
        operation=catalogue.operation("skip_trace"), key=first.key, facts=mine, state="answered",
        cost=Decimal("0.05"), fetched_at=database_now(),
    )  # fmt: skip
    finish(start(nine))
    assert Lead.objects.get(property_id="3").phone == "+15125550100"


def test_one_parcel_alone_is_asked_about_as_before(sandbox: Sandbox) -> None:
    own(1, detail(1))
    finish(start(make(range(1, 2))))
    keys = set(Lookup.objects.filter(operation__name="skip_trace").values_list("key", flat=True))
    assert keys == {questions.owner_query(detail(1)).key}


def test_what_an_owned_trace_serves_besides_is_stored_while_nothing_is_held(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ann's trace is owned by her name; Bea's is bought in the same step. A look-up of another worker that waits for
    the operation would have to be waited for."""
    own(1, detail(1))
    own(2, detail(2, "Bea"))
    shared = questions.shared_question(detail(1))
    assert shared is not None
    facts = {"phone": "+15125550100", "phone_type": "mobile", "first_name": "Ann", "last_name": "Doe"}
    Lookup.objects.create(
        operation=catalogue.operation("skip_trace"), key=shared.key, facts=facts, state="answered",
        cost=Decimal("0.05"), fetched_at=database_now(),
    )  # fmt: skip
    run = start(make(range(1, 3)))
    assert purchase.step(1, "property_detail").worked
    Operation.objects.update(answered_at=database_now())
    stored: list[str] = []
    store = answers.store_copies

    def while_others_buy(operation: Operation, copies: list[Copy]) -> None:
        with transaction.atomic():
            Operation.objects.select_for_update(no_key=True, nowait=True).get(pk=operation.pk)

        stored.extend(copy.key for copy in copies)
        store(operation, copies)

    monkeypatch.setattr(purchase, "store_copies", lambda *of: apart(partial(while_others_buy, *of)))
    assert purchase.claim(2, "skip_trace").bought is not None
    assert stored == [questions.owner_query(detail(1)).key]
    assert Lookup.objects.get(key=stored[0]).facts == facts
    assert Run.objects.get(pk=run.pk).done == 1


class Read(dict[str, Any]):
    """Facts that remember which of them were read."""

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        self.names = set[str]()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("owner", [{}, {"owner_name": "", "first_name": None}, {"owner_type": "company"}])
def test_owners_are_told_apart_by_every_fact_that_their_questions_read(owner: dict[str, Any]) -> None:
    facts = Read(detail(1, "Ann", **owner))
    questions.shared_question(facts)
    questions.owner_query(facts)
    owner_keys(facts)
    assert facts.names <= {*questions.OWNER_FACTS}


def test_companies_and_placeholders_are_asked_about_one_by_one(sandbox: Sandbox) -> None:
    for number in (1, 2):
        own(number, detail(number, owner_name="UNKNOWN OWNER", first_name=None, last_name=None))
    for number in (3, 4):
        own(number, detail(number, owner_name="ACME HOMES LLC", first_name=None, last_name="ACME HOMES LLC"))
    bucket = make(range(1, 5))
    quote = quotes.quote(bucket=bucket, by=bucket.owner, options=RunOptions())
    assert (quote.lines[-1].to_buy, quote.notes) == (4, ())
    finish(start(bucket))
    assert traces() == 4


@pytest.mark.parametrize(("flag", "spent"), mostly_long([("--write-off", 2), ("--release", 1)]))
def test_a_shared_trace_in_doubt_holds_all_her_parcels_until_it_is_decided(
    sandbox: Sandbox, nine: Bucket, flag: str, spent: int
) -> None:
    fail_with(sandbox, "skip_trace", "cut", count=1)
    price = 3 * catalogue.operation("skip_trace").setting("price")
    run = finish(start(nine))
    assert (run.in_doubt, run.done, run.reserved) == (9, 0, price)
    call = VendorCall.objects.get(state="in_doubt")
    assert run_command("in_doubt", str(call.pk), flag).status == 0
    purchase.reap()
    after = finish(run)
    assert (after.status, after.done, after.in_doubt) == ("completed", 9, 0)
    assert (after.spent, billed(sandbox)) == (spent * price, 2 * price)


def test_a_request_that_failed_is_asked_again_and_paid_once(sandbox: Sandbox, nine: Bucket) -> None:
    fail_with(sandbox, "skip_trace", "503", count=1)
    run = finish(start(nine))
    assert (run.done, run.spent) == (9, 3 * catalogue.operation("skip_trace").setting("price"))


# --- Another person ---------------------------------------------------------------------------------------------------


def person(first: str, last: str, phone: str) -> dict[str, Any]:
    return {"firstName": first, "lastName": last, "phones": [{"phone": phone, "phoneType": "W"}], "emails": []}


class Vendor:
    """A skip trace that finds the persons told by the address asked with; "" for none."""

    def __init__(self, shared: dict[str, Any] | None) -> None:
        self.shared = shared
        self.asked: list[dict[str, Any]] = []
        self.refuses = False

    def found(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append(body)
        if "address" not in body:
            return [self.shared] if self.shared else []
        return [person("Ann", "Doe", f"512555{1000 + int(body['address'].split()[0])}")]

    def one(self, request: Any) -> tuple[int, dict[str, str], str]:
        if self.refuses and "address" not in json.loads(request.body):
            return 400, {}, json.dumps({"statusCode": 400, "message": "address is required"})
        persons = self.found(json.loads(request.body))
        status = 200 if persons else 404
        return status, {}, json.dumps({"persons": persons, "match": bool(persons), "statusCode": status})

    def batch(self, request: Any) -> tuple[int, dict[str, str], str]:
        skips = json.loads(request.body)["skips"]
        data = [
            {"input": {"key": s["key"]}, "persons": p, "match": bool(p)} for s in skips if (p := self.found(s)) or 1
        ]
        return 200, {}, json.dumps({"data": data, "statusCode": 200})


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def serve(mock: responses.RequestsMock, vendor: Vendor) -> None:
    base = "http://127.0.0.1:9/realestateapi"
    mock.add_callback("POST", f"{base}/v2/SkipTrace", vendor.one)
    mock.add_callback("POST", f"{base}/v2/SkipTraceBatchAwait", vendor.batch)


@pytest.mark.parametrize(
    ("shared", "paid"),
    mostly_long([(person("Zed", "Poe", "2545550199"), 4), (person("Bea", "Doe", "2545550199"), 4), (None, 3)]),
)
def test_where_it_finds_somebody_else_or_nobody_each_parcel_is_asked_by_itself_and_nothing_twice(
    mocked: responses.RequestsMock, shared: dict[str, Any] | None, paid: int
) -> None:
    vendor = Vendor(shared)
    serve(mocked, vendor)
    for number in (1, 2, 3):
        own(number, detail(number))
    bucket = make(range(1, 4))
    price = catalogue.operation("skip_trace").setting("price")
    assert quotes.quote(bucket=bucket, by=bucket.owner, options=RunOptions()).at_most == 4 * price
    run = finish(start(bucket))
    assert [("address" in body) for body in vendor.asked] == [False, True, True, True]
    assert (run.enriched, run.spent) == (3, paid * price)
    phones = list(Lead.objects.order_by("pk").values_list("phone", flat=True))
    assert phones == ["+15125551001", "+15125551002", "+15125551003"]
    again: Run = finish(start(bucket, lead_ids=ids(bucket)))
    assert (again.spent, len(vendor.asked)) == (0, 4)


def test_the_right_person_is_asked_for_once(mocked: responses.RequestsMock) -> None:
    vendor = Vendor(person("Ann", "Doe", "2545550199"))
    serve(mocked, vendor)
    for number in (1, 2, 3):
        own(number, detail(number))
    run = finish(start(make(range(1, 4))))
    assert [sorted(body) for body in vendor.asked] == [
        ["first_name", "last_name", "mail_address", "mail_city", "mail_state", "mail_zip", "match_requirements"]
    ]
    assert (run.enriched, run.spent) == (3, catalogue.operation("skip_trace").setting("price"))
    assert set(Lead.objects.values_list("phone", flat=True)) == {"+12545550199"}
    hers = skip_trace_query(first_name="Ann", last_name="Doe", address="2 Main St", city="Austin", state="TX")
    served = gate.owned(catalogue.operation("skip_trace"), hers)
    assert served is not None and served.answer.facts["phone"] == "+12545550199"


@pytest.mark.parametrize(
    "lines",
    [
        ["DOE ANN JR", "DOE ANN SR"],
        ["DOE ANN JR", "DOE ANN SR", "DOE ANN JR", "DOE ANN SR"],
        ["DOE ANN A", "DOE ANN B", "DOE ANN A"],
        ["DOE ANN", "DOE ANN JR"],
        ["Ann Doe Jr", "Ann Doe Sr"],
    ],
)
def test_two_people_of_one_name_at_one_address_are_asked_about_by_their_properties(
    mocked: responses.RequestsMock, lines: list[str]
) -> None:
    vendor = Vendor(person("Ann", "Doe", "2545550199"))
    serve(mocked, vendor)
    for number, line in enumerate(lines, 1):
        own(number, detail(number, owner_name=line))
    bucket = make(range(1, len(lines) + 1))
    quote = quotes.quote(bucket=bucket, by=bucket.owner, options=RunOptions())
    run = finish(start(bucket))
    assert (quote.notes, run.spent, len(vendor.asked)) == ((), quote.price, len(lines))
    phones = list(Lead.objects.order_by("pk").values_list("phone", flat=True))
    assert phones == [f"+1512555{1000 + number}" for number in range(1, len(lines) + 1)]


def test_couples_in_another_order_are_asked_about_by_themselves(mocked: responses.RequestsMock) -> None:
    vendor = Vendor(None)
    serve(mocked, vendor)
    own(1, detail(1, first_name=None, last_name=None, owner_name="DOE ANN & BOB"))
    own(2, detail(2, first_name=None, last_name=None, owner_name="DOE BOB & ANN"))
    bucket = make(range(1, 3))
    quote = quotes.quote(bucket=bucket, by=bucket.owner, options=RunOptions())
    run = finish(start(bucket))
    assert all("address" in body for body in vendor.asked)
    assert (len(vendor.asked), run.spent) == (2, quote.price)


@pytest.mark.long
def test_where_the_vendor_refuses_the_shared_question_each_parcel_is_asked_by_itself(
    mocked: responses.RequestsMock,
) -> None:
    vendor = Vendor(None)
    vendor.refuses = True
    serve(mocked, vendor)
    for number in (1, 2, 3):
        own(number, detail(number))
    run = finish(start(make(range(1, 4))))
    assert (run.enriched, run.failed) == (3, 0)
    phones = list(Lead.objects.order_by("pk").values_list("phone", flat=True))
    assert phones == ["+15125551001", "+15125551002", "+15125551003"]
