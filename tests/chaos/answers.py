"""What vendors really answer: errors after they have billed, answers that are none, counts that are not their bill.

In each the sandbox's ledger is what we have paid and what is in doubt, to the cent, before and after the decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone

from buckets.models import Bucket
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import start_run
from integrations.ledger import catalogue
from integrations.ledger.persistence import persist
from integrations.models import Lookup, Operation, PhoneReveal, Vendor, VendorCall
from leads.models import Lead
from tests.chaos import books
from tests.chaos.operators import PAID
from tests.chaos.people import Person
from tests.chaos.place import Broken, Place, Setting
from tests.chaos.vendors import on_both, run_of, start_of

State = VendorCall.State
PROBES = 4
PUSHED = Setting(details=600, traces=600, webhook=True)


def lost_answers(*kinds: Mapping[str, Any]) -> Callable[[Place], Sequence[str]]:
    """Some of the requests are billed and their answers never come."""

    def act(place: Place) -> Sequence[str]:
        place.faults(*on_both(*({"after": 1, **kind} for kind in kinds)))
        ann, run = run_of(place, place.size(600, 200))
        _none_failed(ann, run)
        if not place.operator.checks:
            raise Broken("no request was ever in doubt")
        return []

    return act


def no_answer(kind: str) -> Callable[[Place], Sequence[str]]:
    """200 with a web page or a word, while owned details are bought again: the vendor pauses, nothing owned is lost."""

    def act(place: Place) -> Sequence[str]:
        leads = 60
        ann, bucket = _owned(place, leads)
        before = _facts(bucket)
        place.faults({"operation": "property_detail", "kind": kind})
        run = _rebuy(place, ann, bucket)
        reason = _vendor_pauses(place, run)
        asked = place.ledger()["operations"]["property_detail"]["requests"] - leads // 20
        if asked > 10:
            raise Broken(f"the vendor was asked {asked} times although its answers are none")
        if _facts(bucket) != before or (gone := leads - _serving(bucket)):
            raise Broken(f"an answer that is none cost {gone} owned answers")
        books.compare(place)
        place.faults()
        place.operator.resume()
        place.settled([run])
        _none_failed(ann, run)
        place.rebought = leads
        return [f"{asked} requests, then {reason!r}"]

    return act


def elsewhere(kind: str) -> Callable[[Place], Sequence[str]]:
    """A wrong base URL: whatever is there redirects or knows nothing. The vendor pauses, and no lead fails for it."""

    def act(place: Place) -> Sequence[str]:
        place.faults({"operation": "property_detail", "kind": kind})
        ann, run = start_of(place, 30)
        reason = _vendor_pauses(place, run)
        asked = place.ledger()["operations"]["property_detail"]["requests"]
        if asked > 10 or ann.run(run)["counts"]["failed"] or persist(_doubts):
            raise Broken(f"{asked} requests, {ann.run(run)['counts']}, {persist(_doubts)} in doubt")
        place.faults()
        place.operator.resume()
        place.settled([run])
        _none_failed(ann, run)
        return [f"{asked} requests, then {reason!r}"]

    return act


def claims_nothing(place: Place) -> Sequence[str]:
    """`credits: 0` for records that are billed: a run capped at $0.50 under a budget of $0.60 buys ten, not all 200."""
    place.faults(*on_both({"kind": "credits_0"}))
    ann = place.person(monthly_budget=Decimal("0.60"))
    run = ann.start(ann.bucket(place.some_ids(200)), skipTrace=False, maxCost=0.50)
    place.until(lambda: _state(run) == Run.Status.PAUSED and place.is_calm(), "the cap is used up")
    report = place.ledger()["operations"]["property_detail"]
    if (report["units"], report["billed"], books.spent()) != ("10", "0.5", Decimal("0.50")):
        raise Broken(f"under a cap of $0.50 {report['units']} records, ${report['billed']}, were billed")
    said = ann.run(run)["reason"]
    ann.done("POST", f"/runs/{run}/cancel", {})
    again = ann.start(ann.bucket(place.some_ids(200), name="More"), skipTrace=False)
    place.until(lambda: _state(again) == Run.Status.PAUSED and place.is_calm(), "the budget is used up")
    if (billed := books.billed_by(place.ledger())) > Decimal("0.60"):
        raise Broken(f"under a budget of $0.60 ${billed} was billed")
    ann.done("POST", f"/runs/{again}/cancel", {})
    bob = place.person("bob")
    place.settled([bob.start(bob.bucket(place.some_ids(place.size(300, 40))))])
    return [f"10 records for $0.50: {said!r}; ${billed} under $0.60"]


def claims_ten(place: Place) -> Sequence[str]:
    """`credits: 10` a record: the books stay with the price list, and the vendor pauses for a billing check."""
    place.faults(*on_both({"kind": "credits_10"}))
    ann, run = start_of(place, place.size(400, 200))
    place.until(lambda: _state(run) == Run.Status.PAUSED, "the vendor is paused")
    place.until(place.is_calm, "what was on its way has come")
    if not persist(lambda: Vendor.objects.get(name="realestateapi").billing_check):
        raise Broken(f"the run paused, but for no billing check: {ann.run(run)['reason']!r}")
    books.compare(place)
    asked, said = place.sent(), ann.run(run)["reason"]
    excess = sum(persist(lambda: list(VendorCall.objects.values_list("excess", flat=True))), Decimal(0))
    place.operator.resume()
    place.settled([run])
    _none_failed(ann, run)
    return [f"paused after {asked} requests that claimed ${excess:.2f} too much: {said!r}"]


def often_429(place: Place) -> Sequence[str]:
    """429 without Retry-After for 30 % of all requests: everybody is held back, leads wait and lose no tries."""
    place.faults(*on_both({"kind": "429", "rate": 0.3}))
    ann, run = run_of(place, place.size(400, 100))
    _none_failed(ann, run)
    return [f"{place.ledger()['rejected_429']} times 429"]


def left_out_at_rebuy(place: Place) -> Sequence[str]:
    """Items are left out when owned details are bought again: what is owned stays owned, what was given is billed."""
    leads = 60
    ann, bucket = _owned(place, leads)
    before = _facts(bucket)
    place.faults({"operation": "property_detail", "kind": "missing_rebuy"})
    run = _rebuy(place, ann, bucket)
    place.settled([run])
    _none_failed(ann, run)
    given = int(place.ledger()["operations"]["property_detail"]["units"]) - leads
    if _facts(bucket) != before or _serving(bucket) != leads:
        raise Broken(f"{leads - _serving(bucket)} answers are no longer owned because a later one left them out")
    place.faults()
    bob, sent = place.person("bob"), place.sent()
    place.settled([bob.start(bob.bucket(_ids(bucket)))])
    if place.sent() != sent:
        raise Broken("what is owned was bought again for the next who asked")
    place.rebought = given
    return [f"{leads - given} of {leads} left out, {given} billed again"]


def in_doubt_at_rebuy(place: Place) -> Sequence[str]:
    """A re-buy of owned details is billed and its answers are cut: meanwhile everybody is served what is owned."""
    leads = 60
    ann, bucket = _owned(place, leads)
    before = _facts(bucket)
    place.faults({"operation": "property_detail", "kind": "cut_middle", "count": 2})
    run = _rebuy(place, ann, bucket)
    place.until(lambda: _doubts() and place.is_calm(), "requests are in doubt")
    doubts = persist(_doubts)
    books.compare(place)
    place.operator.end_pauses()  # of the breaker, which two requests in doubt have opened
    bob, sent = place.person("bob"), place.sent()
    theirs = bob.start(bob.bucket(_ids(bucket)))
    place.until(lambda: not Run.objects.get(pk=theirs).is_open, "the owned facts serve somebody else")
    if place.sent() != sent or _facts(bucket) != before or _serving(bucket) != leads:
        raise Broken("what was owned did not serve while its re-buy was in doubt")
    place.settled([run])
    _none_failed(ann, run)
    place.rebought = leads
    return [f"{doubts} requests in doubt; {leads} owned leads served for $0 meanwhile"]


def outage(place: Place) -> Sequence[str]:
    """An outage of 500s, half of them billed, in the middle of a large run: how many leads it leaves in doubt, and how
    few presses decide them."""
    began, leads = timezone.now(), place.size(2000, 600)
    half = {"kind": "500", "billed": True, "rate": 0.5, "after": 2}
    place.faults(*on_both(half, {"kind": "500", "after": 2}))
    ann, run = start_of(place, leads)
    place.until(lambda: _openings() or _state(run) == Run.Status.PAUSED, "the outage is noticed")
    for opening in range(2, PROBES + 2):  # 30, 60, 120, 240 s: as long as that, by a shortened clock
        place.operator.end_pauses()
        place.until(
            lambda opening=opening: _openings() >= opening or _state(run) == Run.Status.PAUSED,  # type: ignore[misc]
            "a probe finds the vendor still away",
        )
    place.faults()
    place.until(place.is_calm, "what was on its way has ended")
    books.compare(place)
    persist(_bounded)
    checks, waiting = persist(_doubts), persist(lambda: Run.objects.get(pk=run).in_doubt)
    openings, said = persist(_openings), ann.run(run)
    presses = place.operator.decide_outage(began)
    place.settled([run])
    _none_failed(ann, run)
    return [
        f"{waiting} of {leads} leads in {checks} requests in doubt, the breaker opened {openings} times, decided by "
        f"{presses} presses; {said['status']} {said['reason']!r}"
    ]


def _bounded() -> None:
    """After the first request in doubt an operation sends one input a request; so only what was under way is lost."""
    for name in PAID:
        sent = VendorCall.objects.filter(operation__name=name, state=State.IN_DOUBT)
        first = sent.order_by("ended_at").values_list("ended_at", flat=True).first()
        late = sent.filter(sent_at__gt=first, inputs__gt=1) if first else sent.none()
        if found := list(late.values_list("inputs", "sent_at")):
            raise Broken(f"{name}: after the first request in doubt ({first}) whole batches left: {found}")


def pushed(place: Place) -> Sequence[str]:
    """Apollo's answers are lost, once by a timeout and once by a 500, and its pushes come, before and after: they
    settle the requests, and nobody has to decide."""
    ann = place.person()
    bucket = ann.bucket(place.some_ids(300))
    place.settled([ann.start(bucket)])
    leads = Lead.objects.filter(bucket_id=bucket, email__isnull=False, phone__isnull=True).order_by("pk")
    ids = [str(pk) for pk in persist(lambda: list(leads.values_list("pk", flat=True)))]
    place.faults(
        {"operation": "apollo_people", "kind": "timeout", "seconds": 6, "count": 1},
        {"operation": "apollo_people", "kind": "500", "billed": True, "count": 1},
    )
    said = ann.done("POST", "/apollo/enrich", {"leadIds": ids, "revealPhones": True}, Prefer="wait=0")
    run = said.body["runs"][0]["id"]

    def over() -> bool:
        place.operator.end_pauses()
        open_reveals = PhoneReveal.objects.exclude(state=PhoneReveal.State.ARRIVED)
        waiting = open_reveals.filter(closed_at__isnull=True).exists()
        return not Run.objects.get(pk=run).is_open and place.is_calm() and not waiting

    place.until(over, "the run is over and its phones have come")
    settled = VendorCall.objects.filter(operation__name="apollo_people", state=State.WRITTEN_OFF, decided_by=None)
    words = persist(lambda: list(settled.values_list("decision", flat=True)))
    if len(words) != 2 or place.operator.checks or persist(_doubts):
        raise Broken(f"{len(words)} requests were settled by their push: {words}")
    books.compare(place)
    return [f"{len(ids)} asked about; settled without an operator: {words[0]!r}"]


# --- Small things -----------------------------------------------------------------------------------------------------


def _owned(place: Place, leads: int) -> tuple[Person, str]:
    """A person and her bucket, all of whose leads are bought; the operator knows what that was billed."""
    ann = place.person()
    bucket = ann.bucket(place.some_ids(leads))
    place.settled([ann.start(bucket)])
    place.operator.truth.note(place.ledger("?inputs=1"))
    return ann, bucket


def _rebuy(place: Place, who: Person, bucket_id: str) -> str:
    """Starts what a schedule "Refresh changed properties" starts: all leads, their details bought again."""
    leads = persist(lambda: list(Lead.objects.filter(bucket_id=bucket_id).values_list("pk", flat=True)))
    options = RunOptions(lead_ids=leads, fresh_after=timezone.now())
    run, _ = persist(lambda: start_run(bucket=Bucket.objects.get(pk=bucket_id), by=who.user, options=options))
    return str(run.pk)


_SHOWN = ("property_address", "owner_name", "estimated_value", "phone", "email")


def _facts(bucket_id: str) -> list[tuple[Any, ...]]:
    return persist(lambda: list(Lead.objects.filter(bucket_id=bucket_id).order_by("pk").values_list("pk", *_SHOWN)))


def _ids(bucket_id: str) -> list[str]:
    return persist(lambda: list(Lead.objects.filter(bucket_id=bucket_id).values_list("property_id", flat=True)))


def _serving(bucket_id: str) -> int:
    """How many details of these leads are owned and fresh."""
    operation = catalogue.operation("property_detail")
    rows = Lookup.objects.filter(operation=operation, key__in=_ids(bucket_id), facts__isnull=False, category="")
    return persist(rows.filter(fetched_at__gt=operation.fresh_since(timezone.now())).count)


def _vendor_pauses(place: Place, run: str) -> str:
    """Waits until the vendor is paused, and the run with it or for what is in doubt. Returns the vendor's reason."""
    place.until(lambda: _state(run) == Run.Status.PAUSED, "the run pauses", 60)
    place.until(place.is_calm, "what was on its way has ended")
    by = persist(lambda: Run.objects.get(pk=run).paused_by)
    reason = persist(lambda: Vendor.objects.get(name="realestateapi")).paused_reason
    if by not in (Run.Pause.VENDOR, Run.Pause.DOUBT) or not reason:
        raise Broken(f"the run is paused by {by!r}, the vendor for {reason!r}")
    return str(reason)


def _none_failed(who: Person, run: str) -> None:
    counts = who.run(run)["counts"]
    if counts["failed"]:
        raise Broken(f"{counts['failed']} leads failed for what the vendor did: {counts}")


def _state(run: str) -> str:
    return str(Run.objects.values_list("status", flat=True).get(pk=run))


def _openings() -> int:
    return sum(Operation.objects.filter(vendor="realestateapi").values_list("breaker_openings", flat=True))


def _doubts() -> int:
    return VendorCall.objects.filter(state=State.IN_DOUBT).count()
