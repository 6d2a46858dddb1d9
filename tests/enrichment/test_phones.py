"""Apollo's phones come after its answer: pushed or asked for, once, within every cap, to the leads that asked."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum
from django.test import Client
from django.utils import timezone

from accounts.models import User
from buckets.deleting.services import delete_bucket
from buckets.models import Bucket
from enrichment import services
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from enrichment.selectors import usage
from enrichment.worker import late_phones
from integrations.ledger import breaker
from integrations.lookups import reveals
from integrations.lookups.gate import settle
from integrations.models import Balance, Lookup, Operation, PhoneReveal, Vendor, VendorCall
from integrations.vendors.apollo import webhook
from leads.models import Lead
from operations.metrics import exposition
from operations.reconcile import find_drift
from sandbox.apollo import Apollo
from sandbox.faults import Fault
from sandbox.server import Sandbox, SandboxConfig
from tests.admin_site import act, hidden, staff
from tests.api.client import Api, body_of
from tests.command_line import run as run_command
from tests.support import (
    PRICES,
    apollo_has_told,
    billed,
    finish,
    make_bucket,
    make_user,
    mostly_long,
    point_at,
    set_operations,
    start,
)

pytestmark = pytest.mark.django_db(transaction=True)
CREDIT = Decimal("0.02")
State = PhoneReveal.State


@pytest.fixture(scope="module")
def quick() -> Iterator[Sandbox]:
    """Apollo that has its phones after a fifth of a second."""
    with Sandbox(SandboxConfig(generate=2000, prices=PRICES, webhook_delay_s=0.2)) as server:
        yield server


@pytest.fixture
def apollo(quick: Sandbox, settings: Any) -> Iterator[Sandbox]:
    point_at(quick, settings)
    set_operations(settings, pace=0)
    settings.APOLLO_WEBHOOK_URL = ""
    quick.ledger.reset()
    quick.faults.replace([])
    yield quick
    apollo_has_told()  # a push that is under way belongs to this test
    quick.faults.replace([])


@pytest.fixture
def hook(live_server: Any, settings: Any) -> str:
    """Our own address, which Apollo reaches."""
    settings.APOLLO_WEBHOOK_URL = f"{live_server.url}/api/apollo/webhook"
    return str(settings.APOLLO_WEBHOOK_URL)


def people(server: Sandbox, by: User, count: int, *, name: str = "Leads", start_at: int = 0, **facts: Any) -> Bucket:
    """A bucket of owners that Apollo can be asked about. The same number is the same person, in whichever bucket."""
    bucket = make_bucket(server, by, count, name=name, start=start_at)
    for number, lead in enumerate(bucket.leads.order_by("pk")):
        Lead.objects.filter(pk=lead.pk).update(
            first_name="Ann", last_name="Lee", email=f"owner{number}@example.com", **facts
        )
    return bucket


def ask(bucket: Bucket, **options: Any) -> Run:
    options = {"kind": "apollo", "reveal_phones": True, "lead_ids": ids(bucket), **options}
    return finish(start(bucket, **options))


def ids(bucket: Bucket) -> list[Any]:
    return list(bucket.leads.order_by("pk").values_list("pk", flat=True))


def wait_for(what: Any, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def person_with_phone(person: str, index: int = 0, **more: Any) -> dict[str, Any]:
    """One of the people of a push, with a mobile."""
    phone = {"sanitized_number": f"+151255501{index:02}", "type_cd": "mobile", **more}
    return {"id": person, "phone_numbers": [phone]}


def pushed() -> bool:
    return PhoneReveal.objects.filter(raw__isnull=False).exists()


def overdue() -> None:
    PhoneReveal.objects.update(ask_at=timezone.now() - timedelta(seconds=1))


def money() -> tuple[Decimal, Decimal]:
    """Spent and reserved: what the vendor's day, the users' months and the runs all must say."""
    both = set()
    for kind in ("vendor:apollo", "user:", "run:"):
        sums = Balance.objects.filter(scope__startswith=kind).aggregate(spent=Sum("spent"), reserved=Sum("reserved"))
        both.add((sums["spent"], sums["reserved"]))
    (agreed,) = both
    return agreed


def with_phones(bucket: Bucket) -> int:
    return bucket.leads.filter(phone__isnull=False).count()


def test_phones_are_pushed_and_the_ledger_closes(apollo: Sandbox, hook: str) -> None:
    bucket = people(apollo, make_user(), 10)
    run = ask(bucket)
    found = bucket.leads.filter(apollo_person_id__isnull=False).count()
    reveal = PhoneReveal.objects.get()

    assert (run.status, run.enriched, reveal.state) == ("completed", 0, "waiting")
    assert run.spent == found * CREDIT > 0
    assert run.reserved == reveal.reserved == 8 * found * CREDIT
    assert find_drift() == []
    wait_for(pushed)
    assert late_phones.sweep() == 1

    run = Run.objects.with_money().get(pk=run.pk)
    reveal.refresh_from_db()
    got = with_phones(bucket)
    assert 0 < got < found
    assert (reveal.state, reveal.found, reveal.raw) == ("arrived", got, None)
    assert (run.spent, run.reserved) == (billed(apollo), 0) == money()
    assert run.spent == (found + 8 * got) * CREDIT
    assert (run.enriched, run.enriched + run.partial + run.failed) == (got, 10)
    assert VendorCall.objects.get(state="settled").cost == run.spent
    assert find_drift() == []


def test_a_push_that_comes_twice_counts_once(apollo: Sandbox, hook: str) -> None:
    apollo.faults.replace([Fault("apollo_people", "webhook_twice")])
    bucket = people(apollo, make_user(), 10)
    ask(bucket)
    wait_for(pushed)
    late_phones.sweep()
    first = money()
    apollo_has_told()
    call_id = PhoneReveal.objects.get().pk
    body = json.dumps({"status": "success", "credits_consumed": 80, "people": []})
    token = webhook.address("", str(call_id)).strip("/")
    assert Client().post(f"/api/apollo/webhook/{token}", body, content_type="text/plain").status_code == 200

    assert (late_phones.sweep(), late_phones.deliver(call_id)) == (0, False)
    assert PhoneReveal.objects.get().raw is None
    assert money() == first == (billed(apollo), 0)
    assert find_drift() == []


def test_a_lost_push_is_asked_for_once_it_is_overdue(apollo: Sandbox, hook: str) -> None:
    apollo.faults.replace([Fault("apollo_people", "webhook_lost")])
    bucket = people(apollo, make_user(), 10)
    run = ask(bucket)
    apollo_has_told()

    assert (late_phones.sweep(), PhoneReveal.objects.get().asked) == (0, 0)
    overdue()
    assert late_phones.sweep() == 1
    assert with_phones(bucket) == Run.objects.get(pk=run.pk).enriched > 0
    assert money() == (billed(apollo), 0)


def test_without_an_address_of_ours_the_result_is_asked_for_as_apollo_wants(apollo: Sandbox) -> None:
    bucket = people(apollo, make_user(), 3)
    ask(bucket)
    call_id = PhoneReveal.objects.get().pk
    assert late_phones.sweep() == 0  # not yet: 10 s after the answer
    apollo_has_told()
    overdue()
    assert late_phones.ask(call_id)
    assert money() == (billed(apollo), 0)


def test_a_pending_result_is_asked_for_again_when_apollo_says(apollo: Sandbox, settings: Any) -> None:
    with Sandbox(SandboxConfig(generate=2000, prices=PRICES, webhook_delay_s=60)) as slow:
        point_at(slow, settings)
        ask(people(slow, make_user(), 3))
        overdue()
        before = timezone.now()
        assert late_phones.sweep() == 0
    reveal = PhoneReveal.objects.get()
    assert (reveal.state, reveal.asked, reveal.reason) == ("waiting", 1, "Apollo is still looking")
    assert reveal.ask_at is not None
    assert timedelta(seconds=9) < reveal.ask_at - before < timedelta(seconds=20)


def test_push_and_poll_at_once_close_it_once(apollo: Sandbox, hook: str) -> None:
    bucket = people(apollo, make_user(), 10)
    ask(bucket)
    wait_for(pushed)
    overdue()
    call_id = PhoneReveal.objects.get().pk
    closed: list[bool] = []
    together = threading.Barrier(6)

    def work(act: Any) -> None:
        try:
            together.wait()
            closed.append(act(call_id))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(act,)) for act in [late_phones.deliver, late_phones.ask] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(closed) == [False] * 5 + [True]
    assert money() == (billed(apollo), 0)
    assert find_drift() == []


@pytest.mark.parametrize("cap", ["2.50", *(pytest.param(c, marks=pytest.mark.long) for c in ("1.80", "3.60", "0.17"))])
def test_no_cap_is_broken_while_phones_are_to_come(apollo: Sandbox, cap: str) -> None:
    """30 leads would cost $5.40 at most. What is reserved for phones is nobody else's; what is left over is."""
    ann = make_user(monthly_budget=Decimal(cap))
    bucket = people(apollo, ann, 30)
    PhoneReveal.objects.all().delete()
    overdue_after = reveals.OVERDUE
    reveals.OVERDUE = timedelta(0)  # nobody waits: the run pauses by its cap
    try:
        run = start(bucket, kind="apollo", reveal_phones=True, lead_ids=ids(bucket))
        for _ in range(20):
            run = finish(run, 15)
            spent, reserved = money() if Balance.objects.exists() else (Decimal(0), Decimal(0))
            assert spent + reserved <= Decimal(cap)
            assert billed(apollo) <= Decimal(cap)
            assert find_drift() == []
            apollo_has_told()
            overdue()
            moved = late_phones.sweep()
            assert sum(money() if Balance.objects.exists() else [Decimal(0)]) <= Decimal(cap)
            if run.status == "completed" or not moved:
                break
            run = services.resume_run(run=run, by=run.owner)
    finally:
        reveals.OVERDUE = overdue_after
    apollo_has_told()
    overdue()
    late_phones.sweep()
    if Balance.objects.exists():
        assert money() == (billed(apollo), 0)
    else:
        assert (cap, billed(apollo)) == ("0.17", 0)
    assert find_drift() == []


@pytest.mark.long
def test_a_run_waits_for_money_that_phones_may_give_back(apollo: Sandbox, settings: Any) -> None:
    bucket = people(apollo, make_user(), 13)  # Apollo knows all but the second: ten of them hold $1.80 between them
    run = start(bucket, kind="apollo", reveal_phones=True, lead_ids=ids(bucket)[2:], max_cost=Decimal("1.85"))
    wait_for(lambda: finish(run, 1).done == 10, 20)
    run.refresh_from_db()
    assert (run.status, run.done) == ("running", 10)
    apollo_has_told()
    overdue()
    assert late_phones.sweep() == 1
    run = finish(run)
    assert (run.status, run.done) == ("completed", 11)
    apollo_has_told()
    overdue()
    late_phones.sweep()
    run = Run.objects.with_money().get(pk=run.pk)
    assert (run.spent, run.reserved) == (billed(apollo), 0)
    assert run.spent <= Decimal("1.85")


@pytest.mark.long
def test_another_bucket_with_the_same_question_gets_the_phone_for_nothing(apollo: Sandbox, hook: str) -> None:
    ann, bob = make_user("ann"), make_user("bob")
    first, early = people(apollo, ann, 5), people(apollo, bob, 5, name="Early")
    late = people(apollo, bob, 5, name="Late")
    ask(first)
    before = ask(early)  # served from what is owned, while the phones are to come
    wait_for(pushed)
    late_phones.sweep()
    after = ask(late)

    assert with_phones(first) == with_phones(early) == with_phones(late) > 0
    assert (before.spent, after.spent, Run.objects.with_money().get(pk=before.pk).spent) == (0, 0, 0)
    assert Run.objects.get(pk=before.pk).enriched == Run.objects.get(pk=after.pk).enriched == with_phones(late)
    known = Lookup.objects.filter(facts__phone__isnull=False).exclude(facts__phone=None)
    assert known.count() == with_phones(first)
    assert sum(Lookup.objects.values_list("cost", flat=True)) == billed(apollo)
    assert find_drift() == []


@pytest.mark.long
def test_leads_that_did_not_ask_for_phones_get_none(apollo: Sandbox, hook: str) -> None:
    first = people(apollo, make_user("ann"), 5)
    other, kept = people(apollo, make_user("bob"), 5, name="Two"), people(apollo, make_user("cy"), 5, name="Three")
    ask(other, reveal_phones=False)
    ask(kept, update_db=False)
    ask(first)
    wait_for(pushed)
    late_phones.sweep()
    assert (with_phones(first) > 0, with_phones(other), with_phones(kept)) == (True, 0, 0)


def test_a_lead_that_lacked_only_a_phone_is_complete_and_its_bucket_counts_it(apollo: Sandbox, hook: str) -> None:
    bucket = people(apollo, make_user(), 10, enrichment_status="partial")
    pending = people(apollo, make_user("bob"), 10, name="Pending")
    ask(bucket)
    ask(pending)
    wait_for(pushed)
    late_phones.sweep()
    got = with_phones(bucket)
    bucket.refresh_from_db()
    pending.refresh_from_db()
    assert bucket.leads.filter(enrichment_status="completed").count() == bucket.enriched_leads == got > 0
    assert (pending.enriched_leads, pending.leads.filter(enrichment_status="pending").count()) == (0, 10)
    assert find_drift() == []


def test_a_lead_with_a_phone_is_asked_for_one_credit_and_never_twice(apollo: Sandbox, hook: str) -> None:
    bucket = people(apollo, make_user(), 6)
    has = bucket.leads.order_by("pk")[2]
    Lead.objects.filter(pk=has.pk).update(phone="+15125550100", phone_type="landline")
    price = quote(bucket=bucket, by=bucket.owner, options=RunOptions(kind="apollo", reveal_phones=True)).price
    assert price == (5 * 9 + 1) * CREDIT

    ask(bucket)
    calls = dict(VendorCall.objects.filter(state="settled").values_list("inputs", "reserved"))
    assert calls == {5: 45 * CREDIT, 1: CREDIT}
    wait_for(pushed)
    late_phones.sweep()
    has.refresh_from_db()
    assert (has.phone, has.phone_type) == ("+15125550100", "landline")
    spent = billed(apollo)
    again = ask(bucket)
    assert (again.spent, billed(apollo)) == (0, spent)


def test_people_asked_without_phones_can_be_asked_for_them_later(apollo: Sandbox, hook: str) -> None:
    bucket = people(apollo, make_user(), 5)
    ask(bucket, reveal_phones=False)
    assert PhoneReveal.objects.count() == 0
    ask(bucket)
    wait_for(pushed)
    late_phones.sweep()
    assert with_phones(bucket) > 0
    assert money() == (billed(apollo), 0)


def test_what_the_push_says_of_do_not_call_goes_with_the_phone(apollo: Sandbox) -> None:
    bucket = people(apollo, make_user(), 5)
    ask(bucket)
    reveal = PhoneReveal.objects.get()
    person = next(iter(reveal.people))
    phone = {"sanitized_number": "+15125550123", "type_cd": "mobile", "dnc_status_cd": "on_list"}
    body = {"credits_consumed": 8, "people": [{"id": person, "phone_numbers": [phone]}, {"id": "somebody else"}, 7]}
    reveals.keep_push(reveal.pk, json.dumps(body).encode())
    assert late_phones.deliver(reveal.pk)
    lead = bucket.leads.get(apollo_person_id=person)
    assert (lead.phone, lead.phone_type, lead.phone_do_not_call) == ("+15125550123", "mobile", True)
    reveal.refresh_from_db()
    assert (reveal.found, reveal.cost) == (1, 8 * CREDIT)
    assert money()[1] == 0


def test_phones_of_deleted_leads_are_paid_for_and_kept_for_whoever_asks_next(apollo: Sandbox, hook: str) -> None:
    ann = make_user()
    bucket = people(apollo, ann, 5)
    run = ask(bucket)
    wait_for(pushed)
    bucket.leads.filter(pk=ids(bucket)[0]).delete()
    delete_bucket(bucket=bucket)
    assert late_phones.sweep() == 1
    assert Run.objects.with_money().get(pk=run.pk).spent == billed(apollo)
    assert money() == (billed(apollo), 0)
    later = people(apollo, ann, 5, name="Again")
    assert ask(later).spent == 0
    assert with_phones(later) > 0


# --- The endpoint ----------------------------------------------------------------------------------------------------


def push(token: str, body: bytes | str = b"{}", **options: Any) -> Any:
    options.setdefault("content_type", "application/json")
    return Client(enforce_csrf_checks=True).generic("POST", f"/api/apollo/webhook/{token}", body, **options)


def token_of(call_id: Any) -> str:
    return webhook.address("https://x", str(call_id)).removeprefix("https://x/")


def test_an_unknown_token_is_404_and_stores_nothing(apollo: Sandbox) -> None:
    ask(people(apollo, make_user(), 2))
    before = list(PhoneReveal.objects.values())
    good = token_of(PhoneReveal.objects.get().pk)
    nobody = token_of("00000000-0000-7000-8000-000000000000")
    for token in ["x", good[:-1], good[:-1] + "~", good.upper(), nobody, "%00", "a" * 5000]:
        assert push(token).status_code == 404, token
    assert list(PhoneReveal.objects.values()) == before


def test_a_push_is_stored_as_it_came_whatever_it_says_it_is(apollo: Sandbox) -> None:
    ask(people(apollo, make_user(), 2))
    reveal = PhoneReveal.objects.get()
    raw = b'\xef\xbb\xbf not "json'
    answer = push(token_of(reveal.pk), raw, content_type="text/html", headers={"Accept": "image/png"})
    reveal.refresh_from_db()
    assert (answer.status_code, answer.json(), bytes(reveal.raw or b"")) == (200, {"success": True}, raw)


@pytest.mark.parametrize(
    "raw",
    [b"", b"nonsense", b"[]", b"{}", b'{"people": 5}', b"\xff\xfe", b"[" * 100_000, b'{"credits_consumed": 0}'],
    ids=lambda raw: str(raw[:20]),
)
def test_garbage_closes_nothing_and_the_result_is_asked_for(apollo: Sandbox, raw: bytes) -> None:
    bucket = people(apollo, make_user(), 5)
    ask(bucket)
    reveal = PhoneReveal.objects.get()
    assert push(token_of(reveal.pk), raw).status_code == 200
    assert late_phones.sweep() == 0
    reveal.refresh_from_db()
    assert (reveal.state, reveal.unreadable) == ("waiting", True)
    apollo_has_told()
    overdue()
    assert late_phones.sweep() == 1
    assert money() == (billed(apollo), 0)


def test_a_huge_push_is_refused_and_nothing_is_stored(apollo: Sandbox) -> None:
    ask(people(apollo, make_user(), 2))
    reveal = PhoneReveal.objects.get()
    assert push(token_of(reveal.pk), b" " * (256 * 1024 + 1)).status_code == 413
    reveal.refresh_from_db()
    assert reveal.raw is None


def test_the_door_takes_nothing_but_posts(apollo: Sandbox) -> None:
    ask(people(apollo, make_user(), 2))
    address = f"/api/apollo/webhook/{token_of(PhoneReveal.objects.get().pk)}"
    assert [Client().get(address).status_code, Client().delete(address).status_code] == [405, 405]


def test_no_token_is_in_a_log(apollo: Sandbox, hook: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(people(apollo, make_user(), 2))
    wait_for(pushed)
    token = token_of(PhoneReveal.objects.get().pk)
    push(token, b" " * (256 * 1024 + 1))
    push(token + "x")
    logging.getLogger("gunicorn.access").warning("%(r)s", {"r": f"POST /api/apollo/webhook/{token} HTTP/1.1"})
    late_phones.sweep()
    text = caplog.text
    assert "/api/apollo/webhook/…" in text
    assert token not in text
    assert token.partition(":")[2] not in text


# --- What dies when --------------------------------------------------------------------------------------------------


def test_a_push_before_the_settling_waits_for_it(apollo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = people(apollo, make_user(), 5)
    early: list[Any] = []

    def slow(call_id: Any, reply: Any, latency: Any) -> Any:
        if reply.later is not None and not early:
            person = next(a.facts["apollo_person_id"] for a in reply.answers.values() if a.found)
            phone = {"sanitized_number": "+15125550123", "type_cd": "mobile"}
            body = {"credits_consumed": 8, "people": [{"id": person, "phone_numbers": [phone]}]}
            thread = threading.Thread(target=lambda: early.append(_push_elsewhere(call_id, body)))
            thread.start()
            thread.join()
        return settle(call_id, reply, latency)

    monkeypatch.setattr("integrations.lookups.gate.settle", slow)
    ask(bucket)
    assert early == [(200, "early", 0)]
    reveal = PhoneReveal.objects.get()
    assert (reveal.state, reveal.reserved > 0, bool(reveal.raw)) == ("waiting", True, True)
    assert late_phones.sweep() == 1
    reveal.refresh_from_db()
    assert (reveal.cost, money()[1]) == (8 * CREDIT, 0)
    assert find_drift() == []


def _push_elsewhere(call_id: Any, body: Any) -> tuple[int, str, int]:
    try:
        status = push(token_of(call_id), json.dumps(body)).status_code
        return status, PhoneReveal.objects.get(pk=call_id).state, late_phones.sweep()
    finally:
        connection.close()


def test_a_push_settles_a_request_in_doubt_by_the_price_list_and_keeps_what_apollo_claims(apollo: Sandbox) -> None:
    bucket = people(apollo, make_user(), 5)
    apollo.faults.replace([Fault("apollo_people", "cut", count=1)])
    run = ask(bucket)
    call = VendorCall.objects.get(state="in_doubt")
    assert run.reserved == 45 * CREDIT
    assert push(token_of(call.pk), json.dumps({"credits_consumed": 40, "people": []})).status_code == 200
    assert (late_phones.sweep(), PhoneReveal.objects.get().raw) == (1, None)
    call.refresh_from_db()
    assert (call.state, call.claimed, call.excess) == ("written_off", 40, 40 * CREDIT)
    assert money() == (0, 0)
    assert find_drift() == []


# --- The end of patience ---------------------------------------------------------------------------------------------


@pytest.fixture
def forgotten(apollo: Sandbox) -> PhoneReveal:
    """A reveal Apollo says it knows nothing of, a day later."""
    ask(people(apollo, make_user(), 5))
    PhoneReveal.objects.update(request_id="-5", deadline=timezone.now() + timedelta(hours=1))
    overdue()
    assert late_phones.sweep() == 0
    assert PhoneReveal.objects.get().state == "waiting"  # unknown yet is no verdict before the day is over
    PhoneReveal.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    overdue()
    assert late_phones.sweep() == 0
    return PhoneReveal.objects.get()


def test_what_apollo_no_longer_knows_is_in_doubt_and_its_money_stays(forgotten: PhoneReveal) -> None:
    assert (forgotten.state, forgotten.asked) == ("in_doubt", 2)
    assert "404" in forgotten.reason
    assert money()[1] == forgotten.reserved > 0
    assert find_drift() == []
    assert f'bucket_phone_reveal_dollars{{state="in_doubt"}} {float(forgotten.reserved)}' in exposition().decode()


@pytest.mark.parametrize(("decide", "state"), [(reveals.release, "released"), (reveals.write_off, "written_off")])
def test_an_operator_decides_once_and_the_truth_that_comes_later_counts(
    forgotten: PhoneReveal, decide: Any, state: str
) -> None:
    before = money()[0]
    with transaction.atomic():
        assert (decide(forgotten.pk), decide(forgotten.pk)) == (True, False)
    lost = forgotten.reserved if state == "written_off" else Decimal(0)
    assert money() == (before + lost, 0)
    assert PhoneReveal.objects.get().state == state
    assert find_drift() == []

    known = [person_with_phone(person, index) for index, person in enumerate(sorted(forgotten.people)[:2])]
    body = {"credits_consumed": 16, "people": known}
    assert push(token_of(forgotten.pk), json.dumps(body)).status_code == 200
    assert late_phones.sweep() == 1
    assert money() == (before + 16 * CREDIT, 0)
    assert find_drift() == []


@pytest.mark.parametrize(("flag", "state"), [("--release", "released"), ("--write-off", "written_off")])
def test_the_command_lists_phones_in_doubt_and_takes_the_same_answers(
    forgotten: PhoneReveal, flag: str, state: str
) -> None:
    (row,) = run_command("in_doubt", "--json").json["inDoubt"]
    assert (row["id"], row["what"], row["inputs"]) == (str(forgotten.pk), "phones", len(forgotten.people))
    assert (Decimal(row["reserved"]), row["reason"]) == (forgotten.reserved, forgotten.reason)
    assert f"phones of {len(forgotten.people)} inputs" in run_command("in_doubt").out
    before = money()[0]

    assert run_command("in_doubt", forgotten.pk, flag).status == 0
    assert PhoneReveal.objects.get().state == state
    assert money() == (before + (forgotten.reserved if flag == "--write-off" else 0), 0)
    assert run_command("in_doubt").out == "Nothing needs a billing check.\n"
    again = run_command("in_doubt", forgotten.pk, flag)
    assert (again.status, "The reveal of phones" in again.err, "needs no billing check" in again.err) == (1, True, True)


def test_released_phones_can_be_asked_for_again_and_are_bought_once(forgotten: PhoneReveal, apollo: Sandbox) -> None:
    bucket, late = Bucket.objects.get(), people(apollo, make_user("bob"), 5, name="Late")
    with transaction.atomic():
        assert reveals.release(forgotten.pk)

    apollo.faults.replace([Fault("apollo_people", "503", count=3)])  # what is not sent owns nothing again
    failed = ask(bucket)
    assert (failed.spent, failed.failed > 0) == (0, True)
    apollo.faults.replace([])
    again = ask(bucket)
    assert again.spent + again.reserved > 0
    apollo_has_told()
    overdue()
    assert late_phones.sweep() == 1
    assert with_phones(bucket) > 0
    assert [ask(one).spent for one in (bucket, late)] == [0, 0]
    assert with_phones(late) == with_phones(bucket)
    assert find_drift() == []


def test_phones_written_off_are_not_asked_for_again(forgotten: PhoneReveal) -> None:
    with transaction.atomic():
        assert reveals.write_off(forgotten.pk)

    again = ask(Bucket.objects.get())
    assert (again.spent, again.reserved, PhoneReveal.objects.count()) == (0, 0, 1)


@pytest.mark.parametrize("in_vain", mostly_long([False, True]), ids=["", "although somebody asked in vain meanwhile"])
def test_phones_that_come_after_a_release_are_owned_by_whoever_asks_next(
    forgotten: PhoneReveal, apollo: Sandbox, in_vain: bool
) -> None:
    with transaction.atomic():
        assert reveals.release(forgotten.pk)
    if in_vain:
        apollo.faults.replace([Fault("apollo_people", "503", count=3)])
        assert ask(Bucket.objects.get()).failed > 0
        apollo.faults.replace([])
    person = sorted(forgotten.people)[0]
    phone = {"sanitized_number": "+15125550123", "type_cd": "mobile"}
    push(
        token_of(forgotten.pk),
        json.dumps({"credits_consumed": 8, "people": [{"id": person, "phone_numbers": [phone]}]}),
    )
    assert late_phones.sweep() == 1

    late = people(apollo, make_user("bob"), 5, name="Late")
    assert [ask(one).spent for one in (Bucket.objects.get(name="Leads"), late)] == [0, 0]
    assert with_phones(late) == 1


@pytest.mark.parametrize(
    "request_id", ["", "0f8fad5b-d9cb-469f-a165-70867728950e", "9" * 64, "not a number", "../up", "12.5", "-"]
)
def test_a_reveal_with_an_unusual_request_id_ends_after_its_time(apollo: Sandbox, request_id: str) -> None:
    bucket = people(apollo, make_user(), 2)
    ask(bucket)
    held = money()
    PhoneReveal.objects.update(request_id=request_id)
    overdue()
    assert late_phones.sweep() == 0
    reveal = PhoneReveal.objects.get()
    assert (reveal.state, reveal.asked) == ("waiting", 1)
    PhoneReveal.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    overdue()
    assert late_phones.sweep() == 0
    reveal = PhoneReveal.objects.get()
    assert (reveal.state, reveal.asked) == ("in_doubt", 2)
    assert money() == held
    assert Vendor.objects.get(pk="apollo").paused_reason == ""


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_ask_for_results_is_shown_and_pauses_nothing(apollo: Sandbox, status: int) -> None:
    ask(people(apollo, make_user(), 2))
    held = money()
    PhoneReveal.objects.update(deadline=timezone.now() - timedelta(days=1))
    apollo.faults.replace([Fault("probe", str(status))])
    overdue()
    assert late_phones.sweep() == 0
    reveal = PhoneReveal.objects.get()
    assert (reveal.state, reveal.asked) == ("waiting", 1)
    assert reveal.reason.startswith(f"Apollo: this key may not ask ({status})")
    vendor = Vendor.objects.get(pk="apollo")
    assert (vendor.paused_reason, vendor.failures, vendor.breaker_open_until) == ("", 0, None)
    assert money() == held
    apollo.faults.replace([])
    apollo_has_told()
    overdue()
    assert late_phones.sweep() == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("301", "Apollo points elsewhere (301), not followed: check its base URL."),
        ("308", "Apollo points elsewhere (308), not followed: check its base URL."),
        ("404_html", "Apollo has nothing at this address (404), check its base URL."),
    ],
)
def test_a_poll_that_is_answered_from_elsewhere_pauses_the_vendor_and_ends_nothing(
    apollo: Sandbox, kind: str, reason: str
) -> None:
    ask(people(apollo, make_user(), 2))
    held = money()
    PhoneReveal.objects.update(deadline=timezone.now() - timedelta(days=1))
    apollo.faults.replace([Fault("probe", kind)])
    overdue()
    assert late_phones.sweep() == 0
    reveal = PhoneReveal.objects.get()
    assert (reveal.state, reveal.asked, reveal.reason) == ("waiting", 1, reason)
    vendor = Vendor.objects.get(pk="apollo")
    assert (vendor.paused_reason, vendor.failures, vendor.breaker_open_until) == (reason, 0, None)
    assert money() == held
    overdue()
    assert (late_phones.sweep(), PhoneReveal.objects.get().asked) == (0, 1)  # paused: it asks no more
    apollo.faults.replace([])
    breaker.reset("apollo")
    apollo_has_told()
    assert late_phones.sweep() == 1


def test_polls_keep_the_pace_and_the_breaker(apollo: Sandbox, settings: Any) -> None:
    ask(people(apollo, make_user(), 2))
    apollo_has_told()
    overdue()
    Operation.objects.filter(vendor="apollo").update(breaker_open_until=timezone.now() + timedelta(minutes=5))
    assert late_phones.sweep() == 0
    call_id = PhoneReveal.objects.get().pk
    assert (late_phones.ask(call_id), PhoneReveal.objects.get().asked) == (False, 0)
    Operation.objects.filter(vendor="apollo").update(breaker_open_until=None)
    Operation.objects.filter(name="apollo_people").update(next_slot_at=timezone.now() + timedelta(minutes=5))
    assert (late_phones.sweep(), PhoneReveal.objects.get().asked) == (0, 0)
    ask_at = PhoneReveal.objects.get().ask_at
    assert ask_at is not None and ask_at <= timezone.now()  # still due
    set_operations(settings, pace=60)
    Operation.objects.filter(name="apollo_people").update(next_slot_at=None)
    assert late_phones.sweep() == 1
    slot = Operation.objects.get(name="apollo_people").next_slot_at
    assert slot is not None
    assert slot > timezone.now() + timedelta(milliseconds=500)


def test_polls_that_fail_count_for_the_breaker_and_answers_do_not(apollo: Sandbox) -> None:
    ask(people(apollo, make_user(), 2))
    overdue()
    apollo.faults.replace([Fault("probe", "500", count=1)])
    assert late_phones.sweep() == 0
    assert Vendor.objects.get(pk="apollo").failures == 1
    PhoneReveal.objects.update(request_id="-5")  # known to nobody: an answer
    overdue()
    assert late_phones.sweep() == 0
    assert Vendor.objects.get(pk="apollo").failures == 1


# --- What they cost --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credits", "excess"), [(0, 0), (16, 0), (20, 4), (10_000, 9984), (None, 0), ("many", 0), (-1, 0)]
)
def test_the_price_list_counts_the_mobiles_that_came_and_apollos_own_number_stands_beside(
    apollo: Sandbox, credits: Any, excess: int
) -> None:
    ask(people(apollo, make_user(), 5))
    reveal = PhoneReveal.objects.get()
    call = VendorCall.objects.get(state="settled")
    units, claimed = call.units, call.claimed
    first, second, third = sorted(reveal.people)[:3]
    body = {
        "credits_consumed": credits,
        "people": [
            person_with_phone(first, 1),
            person_with_phone(second, 2, type_cd="other"),
            person_with_phone(third, 3, type_cd="landline"),
            person_with_phone("somebody else", 4),
        ],
    }
    reveals.keep_push(reveal.pk, json.dumps(body).encode())
    assert late_phones.deliver(reveal.pk)

    call.refresh_from_db()
    reveal.refresh_from_db()
    assert (reveal.cost, reveal.found, call.units) == (16 * CREDIT, 3, units + 16)
    assert call.cost == (units + 16) * CREDIT
    assert money() == (call.cost, 0)
    said = credits if isinstance(credits, int) and credits >= 0 else 16
    assert claimed is not None
    assert call.claimed == claimed + said
    assert call.excess == excess * CREDIT
    assert find_drift() == []


def test_phones_are_charged_at_the_price_their_call_was_reserved_at(apollo: Sandbox, hook: str) -> None:
    ask(people(apollo, make_user(), 5))
    before = VendorCall.objects.get(state="settled").cost
    Operation.objects.filter(name="apollo_people").update(price=Decimal("9.99"))
    wait_for(pushed)
    assert late_phones.sweep() == 1
    reveal = PhoneReveal.objects.get()
    assert (reveal.cost, money()) == (8 * CREDIT * reveal.found, (before + reveal.cost, 0))


def test_a_phone_in_the_first_answer_completes_the_lead_as_a_revealed_one_does(
    apollo: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(self: Apollo, match: Any, flags: Any) -> Any:
        shown = None if match is None else {**match.payload, "personal_emails": []}
        if shown and match.mobile:
            shown["phone_numbers"] = [{"raw_number": f"+1{match.mobile.number}", "type": "mobile"}]
        return shown

    monkeypatch.setattr(Apollo, "_shown", at_once)
    bucket = people(apollo, make_user(), 10, enrichment_status="partial")
    pending = people(apollo, make_user("bob"), 10, name="Pending")
    run, other = ask(bucket), ask(pending)
    got = with_phones(bucket)
    bucket.refresh_from_db()
    pending.refresh_from_db()
    assert got > 0
    assert (run.enriched, other.enriched) == (got, got)
    assert bucket.leads.filter(enrichment_status="completed").count() == bucket.enriched_leads == got
    assert (pending.enriched_leads, pending.leads.filter(enrichment_status="pending").count()) == (0, 10)
    found = bucket.leads.filter(apollo_person_id__isnull=False).count()
    assert run.spent == (found + 8 * got) * CREDIT
    reveal = PhoneReveal.objects.get()
    assert (len(reveal.people), reveal.reserved) == (found - got, 8 * (found - got) * CREDIT)
    assert find_drift() == []


def test_silence_gives_nothing_up(apollo: Sandbox, settings: Any) -> None:
    ask(people(apollo, make_user(), 2))
    PhoneReveal.objects.update(deadline=timezone.now() - timedelta(days=2))
    settings.VENDORS = {**settings.VENDORS, "apollo": {"base_url": "http://127.0.0.1:9", "key": "k"}}
    overdue()
    assert late_phones.sweep() == 0
    assert PhoneReveal.objects.get().state == "waiting"
    PhoneReveal.objects.update(created_at=F("created_at") - timedelta(days=32))
    overdue()
    late_phones.sweep()
    assert PhoneReveal.objects.get().state == "in_doubt"


# --- What is shown ---------------------------------------------------------------------------------------------------


def test_api_and_usage_show_what_is_to_come(apollo: Sandbox, hook: str) -> None:
    ann = make_user()
    bucket = people(apollo, ann, 5)
    leads = [str(pk) for pk in ids(bucket)]
    body = {"leadIds": leads, "revealPhones": True}
    asked = body_of(Api(ann).post("/api/apollo/enrich", body, Prefer="wait=0"), 202)["runs"][0]
    assert asked["options"]["revealPhones"] is True
    price = body_of(Api(ann).post(f"/api/property/bucket/{bucket.pk}/quote", {**body, "kind": "apollo"}))["quote"]
    finish(Run.objects.get())
    assert price["price"] == 0  # its leads wait in the run by now
    call = _call(ann, asked["id"])
    reveal = PhoneReveal.objects.get()
    assert (call["phones"], Decimal(str(call["phonesReserved"]))) == ("waiting", reveal.reserved)
    assert usage(ann).reserved == reveal.reserved
    wait_for(pushed)
    late_phones.sweep()
    call = _call(ann, asked["id"])
    assert (call["phones"], call["phonesReserved"]) == ("arrived", 0)
    assert usage(ann).reserved == 0


def _call(by: User, run_id: str) -> Any:
    """The run's request that was answered; one that found its slot gone may stand beside it."""
    calls = body_of(Api(by).get(f"/api/runs/{run_id}/calls"))["calls"]
    (settled,) = [call for call in calls if call["state"] == "settled"]
    return settled


def test_the_command_says_the_price_and_asks_for_phones(apollo: Sandbox) -> None:
    bucket = people(apollo, make_user(), 4)
    quoted = run_command("enrich_apollo", bucket.pk, "--reveal-phones", "--quote-only").out.splitlines()[0]
    assert quoted == "4 leads, 0 of them owned: at most $0.72"
    companies = run_command("enrich_apollo", bucket.pk, "--reveal-phones", "--type", "organizations", "--quote-only")
    assert companies.out.splitlines()[0] == "4 leads, 0 of them owned: at most $0.08"
    run_command("enrich_apollo", bucket.pk, "--reveal-phones")
    assert Run.objects.get().options["revealPhones"] is True


def test_a_retry_asks_for_what_the_run_asked_for(apollo: Sandbox) -> None:
    bucket = people(apollo, make_user(), 2)
    run = ask(bucket)
    RunItem.objects.filter(run=run).update(outcome=RunItem.Outcome.FAILED)
    assert services.retry_options(run).reveal_phones is True


def test_the_admin_prices_phones_and_buys_them_only_when_asked(apollo: Sandbox) -> None:
    ann, client = staff()
    bucket = people(apollo, ann, 4)
    asked = {**_form(client, bucket), "reveal_phones": "on"}
    page = act(client, Bucket, "enrich_apollo", [bucket], follow=True, look="1", **asked)
    assert page.context["price"] == Decimal("0.72")
    act(client, Bucket, "enrich_apollo", [bucket], confirmed="yes", **hidden(page))
    assert Run.objects.get().options["revealPhones"] is True


def _form(client: Any, bucket: Bucket) -> dict[str, str]:
    return hidden(act(client, Bucket, "enrich_apollo", [bucket], follow=True))
