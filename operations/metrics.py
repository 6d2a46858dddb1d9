"""What a Prometheus server reads: computed from the rows at each scrape, so that every host says the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest

from accounts.models import Team
from buckets.models import Bucket
from campaigns import clock
from campaigns.models import Campaign, Delivery
from common.db.ids import uuid7_floor
from enrichment.models import PumpLease, Run, RunItem
from integrations.ledger import scopes
from integrations.ledger.pace import database_now, interval
from integrations.models import Dropped, Operation, PhoneReveal, Vendor, VendorCall
from integrations.operating.books import excess_of
from integrations.operating.needs import budget_used
from integrations.operating.vendors import is_failing
from leads.models import UNKNOWN_TYPE, Lead

MINUTE = 60.0
MOST_TEAMS = 100  # those that have used most
MOST_WORDS = 50  # kinds of property: whatever a vendor sends, a scrape stays short


class _Rows:
    """A collector in Prometheus's own shape."""

    def collect(self) -> Iterator[Metric]:
        yield from _pace()
        yield from _queue()
        yield from _calls()
        yield from _reveals()
        yield from _messages()
        yield from _billing()
        yield _leads()
        yield _outcomes()
        yield _unknown_types()
        yield _dropped()
        yield _team_money()


def exposition() -> bytes:
    """The metrics, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Rows())
    return generate_latest(registry)


def _pace() -> Iterator[Metric]:
    used = GaugeMetricFamily(
        "bucket_pace_used_ratio", "Requests of the last minute against the pace", labels=["vendor", "operation"]
    )
    broken = GaugeMetricFamily("bucket_breaker_open", "1 while nothing is sent to a vendor", labels=["vendor"])
    now = database_now()
    sent = Count("calls", filter=Q(calls__sent_at__gt=now - timedelta(seconds=MINUTE)))
    for operation in Operation.objects.annotate(sent=sent).order_by("pk"):
        if pace := operation.setting("pace"):
            used.add_metric([operation.vendor_id, operation.name], operation.sent * interval(pace) / MINUTE)
    for vendor in Vendor.objects.prefetch_related("operations"):
        stopped = bool(vendor.paused_reason) or not vendor.enabled
        broken.add_metric([vendor.name], float(stopped or is_failing(vendor, now)))
    yield used
    yield broken


def _queue() -> Iterator[Metric]:
    depth = GaugeMetricFamily("bucket_queue_items", "Leads waiting or being bought, by stage", labels=["stage"])
    age = GaugeMetricFamily("bucket_queue_age_seconds", "Age of the oldest run with work, by stage", labels=["stage"])
    beat = GaugeMetricFamily("bucket_worker_beat_age_seconds", "Seconds since a worker's last sign of life")
    now = database_now()
    active = RunItem.objects.filter(run__status__in=Run.ACTIVE).exclude(stage=0)
    rows = {r["stage"]: r for r in active.values("stage").annotate(n=Count("id"), oldest=Min("run__created_at"))}
    for stage in RunItem.Stage:
        if stage != RunItem.Stage.DONE:
            row = rows.get(stage)
            depth.add_metric([stage.name.lower()], row["n"] if row else 0)
            age.add_metric([stage.name.lower()], (now - row["oldest"]).total_seconds() if row else 0)
    last = PumpLease.objects.order_by("-beat_at").exclude(beat_at=None).values_list("beat_at", flat=True).first()
    if last is not None:
        beat.add_metric([], (now - last).total_seconds())
    yield depth
    yield age
    yield beat


def _calls() -> Iterator[Metric]:
    labels = ["vendor", "operation"]
    spent = CounterMetricFamily("bucket_spent_dollars", "US dollars spent since midnight UTC", labels=labels)
    calls = CounterMetricFamily(
        "bucket_vendor_calls", "Requests since midnight UTC, by how they ended", labels=[*labels, "state"]
    )
    doubt = GaugeMetricFamily("bucket_in_doubt", "Requests an operator has to decide about", labels=labels)
    held = GaugeMetricFamily("bucket_in_doubt_dollars", "US dollars reserved for them", labels=labels)
    by_operation = VendorCall.objects.values("operation__vendor", "operation__name")
    today = by_operation.filter(pk__gte=uuid7_floor(timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)))
    money: dict[tuple[str, str], float] = {}
    for row in today.values("operation__vendor", "operation__name", "state").annotate(n=Count("id"), cost=Sum("cost")):
        names = [row["operation__vendor"], row["operation__name"]]
        calls.add_metric([*names, row["state"]], row["n"])
        money[names[0], names[1]] = money.get((names[0], names[1]), 0.0) + float(row["cost"])
    in_doubt = by_operation.filter(state=VendorCall.State.IN_DOUBT)
    for waits in in_doubt.annotate(n=Count("id"), reserved=Sum("reserved")):
        names = [waits["operation__vendor"], waits["operation__name"]]
        doubt.add_metric(names, waits["n"])
        held.add_metric(names, float(waits["reserved"]))
    for pair, dollars in sorted(money.items()):
        spent.add_metric(list(pair), dollars)
    yield from (spent, calls, doubt, held)


def _messages() -> Iterator[Metric]:
    """Text messages: of today by state, and those that wait, by whoever carries them."""
    today = CounterMetricFamily(
        "bucket_messages", "Text messages made since midnight UTC, by how far they are", labels=["vendor", "state"]
    )
    waiting = GaugeMetricFamily("bucket_messages_waiting", "Text messages that may leave now", labels=["vendor"])
    doubt = GaugeMetricFamily("bucket_messages_in_doubt", "Text messages that need a check", labels=["vendor"])
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    of_today = Delivery.objects.filter(pk__gte=uuid7_floor(midnight)).order_by()
    for row in of_today.values("vendor", "state").annotate(n=Count("pk")):
        today.add_metric([row["vendor"], row["state"]], row["n"])
    now = clock.now()
    running = Q(campaign=None) | Q(campaign__status=Campaign.Status.RUNNING)
    due = Delivery.objects.filter(running, Q(not_before=None) | Q(not_before__lte=now), state=Delivery.State.DUE)
    for may_leave in due.order_by().values("vendor").annotate(n=Count("pk")):
        waiting.add_metric([may_leave["vendor"]], may_leave["n"])
    in_doubt = Delivery.objects.filter(state=Delivery.State.IN_DOUBT).order_by()
    for unknown in in_doubt.values("vendor").annotate(n=Count("pk")):
        doubt.add_metric([unknown["vendor"]], unknown["n"])
    yield from (today, waiting, doubt)


def _billing() -> Iterator[Metric]:
    """What vendors claim above the price list, and which of them wait for an operator because of it."""
    excess = GaugeMetricFamily(
        "bucket_excess_dollars",
        "US dollars that vendors claim above the price list, of requests since midnight UTC",
        labels=["vendor"],
    )
    check = GaugeMetricFamily(
        "bucket_billing_check", "1 while a vendor is paused because it claims too much", labels=["vendor"]
    )
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for vendor in Vendor.objects.order_by("pk"):
        excess.add_metric([vendor.name], float(excess_of(vendor.name, since=midnight)))
        check.add_metric([vendor.name], float(vendor.billing_check))
    yield excess
    yield check


def _reveals() -> Iterator[Metric]:
    """Apollo's phones that are still to come, and those an operator has to decide about."""
    states = GaugeMetricFamily("bucket_phone_reveals", "Requests whose phones come later, by state", labels=["state"])
    held = GaugeMetricFamily("bucket_phone_reveal_dollars", "US dollars reserved for their phones", labels=["state"])
    rows = PhoneReveal.objects.order_by().values_list("state").annotate(n=Count("pk"), dollars=Sum("reserved"))
    for state, count, dollars in rows:
        states.add_metric([state], count)
        if state in PhoneReveal.HOLDING:
            held.add_metric([state], float(dollars))
    yield states
    yield held


def _leads() -> Metric:
    """How many leads of all buckets have which data now, from the buckets' own counters."""
    leads = GaugeMetricFamily("bucket_leads", "Leads of all buckets, by what they have", labels=["state"])
    names = {"total_leads": "saved", "detailed_leads": "detailed", "phone_leads": "with_phone",
             "queued_leads": "queued", "contacted_leads": "contacted"}  # fmt: skip
    sums = Bucket.objects.aggregate(**{state: Sum(name) for name, state in names.items()})
    for state in names.values():
        leads.add_metric([state], sums[state] or 0)
    return leads


def _outcomes() -> Metric:
    outcomes = CounterMetricFamily("bucket_leads_processed", "Leads of all runs, by outcome", labels=["outcome"])
    sums = Run.objects.aggregate(
        enriched=Sum("enriched"), partial=Sum("partial"), failed=Sum("failed"), skipped=Sum("skipped")
    )
    for outcome, count in sums.items():
        outcomes.add_metric([outcome], count or 0)
    return outcomes


def unknown_types() -> QuerySet[Lead, Any]:
    """Kinds of property that are none of the vendor's six, and how many leads have each; the commonest first."""
    rows = Lead.objects.filter(UNKNOWN_TYPE).order_by().values_list("property_type")
    return rows.annotate(leads=Count("pk")).order_by("-leads", "property_type")[:MOST_WORDS]


def _unknown_types() -> Metric:
    words = GaugeMetricFamily(
        "bucket_property_type_unknown", "Leads whose kind of property is none of the vendor's six", labels=["words"]
    )
    for kind, count in unknown_types():
        words.add_metric([kind], count)
    return words


def _dropped() -> Metric:
    """What the nightly retention has dropped so far."""
    rows = CounterMetricFamily(
        "bucket_retention_rows", "Rows dropped because they were kept long enough", labels=["kind"]
    )
    for one in Dropped.objects.order_by("kind"):
        rows.add_metric([one.kind], one.rows)
    return rows


def _team_money() -> Metric:
    """Of teams with a budget of their own, by id: a name may be a person's."""
    used = GaugeMetricFamily(
        "bucket_team_budget_used_ratio", "Spent and reserved of a team's budget this month", labels=["team"]
    )
    now = database_now()
    spent = budget_used(scopes.in_sql(lambda pk: scopes.team_month(pk, now), OuterRef("pk")))
    capped = Team.objects.filter(monthly_budget__gt=0).annotate(ratio=spent / F("monthly_budget"))
    for pk, ratio in capped.order_by("-ratio", "pk").values_list("pk", "ratio")[:MOST_TEAMS]:
        used.add_metric([str(pk)], float(ratio))
    return used
