"""What a person wants to know about runs before and while they spend money. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from accounts.models import User
from buckets.models import Bucket
from enrichment import other_owners, reach, stages
from enrichment.models import Lane, Run, RunItem, Schedule
from enrichment.reach import Reachable
from enrichment.services import RunOptions, select_leads
from integrations import breaker, catalogue, pace, purses
from integrations.apollo.queries import CREDITS_WITH_PHONE, CREDITS_WITHOUT_PHONE
from integrations.models import Lookup, Operation, Purse, VendorCall
from integrations.pace import database_now
from integrations.purses import ZERO
from leads.models import Lead

Stage = RunItem.Stage
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One operation's part of a quote. owned: answered, $0. price: US dollars a unit; cost: the most it costs."""

    vendor: str
    operation: str
    owned: int
    to_buy: int
    price: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What enriching these leads costs at most; vendors charge per hit, so it is often less."""

    leads: int
    lines: tuple[QuoteLine, ...]
    limits: tuple[str, ...]  # caps it would run into, in words
    reachable: Reachable | None = field(default=None, compare=False)  # None: no contacts are asked for
    notes: tuple[str, ...] = ()  # what else a person should know before buying, in words

    @property
    def owned(self) -> int:
        """Leads whose every fact is owned: they cost $0."""
        return max(0, self.leads - max((line.to_buy for line in self.lines), default=0))

    @property
    def to_buy(self) -> int:
        return self.leads - self.owned

    @property
    def price(self) -> Decimal:
        return sum((line.cost for line in self.lines), ZERO)


def quote(*, bucket: Bucket, by: User, options: RunOptions) -> Quote:
    """Prices a run before it is started: what is owned already costs nothing, the rest at most its price."""
    ids = list(select_leads(bucket.pk, options).values_list("pk", "property_id"))
    reachable = None
    if options.kind == Run.Kind.APOLLO:
        lines = _apollo_lines(ids, options)
    else:
        lines, with_phone = _property_lines(ids, options)
        reachable = _reachable(bucket, by, options, lines[-1].to_buy, with_phone) if options.skip_trace else None
    price = sum((line.cost for line in lines), ZERO)
    limits = tuple(_limits(by, lines, price, options.max_cost))
    asks_owners = options.kind != Run.Kind.APOLLO and options.skip_trace
    notes = tuple(other_owners.in_words([pk for pk, _ in ids])) if asks_owners else ()
    return Quote(leads=len(ids), lines=tuple(lines), limits=limits, reachable=reachable, notes=notes)


def _reachable(bucket: Bucket, by: User, options: RunOptions, to_trace: int, owned: int) -> Reachable:
    trace = catalogue.operation("skip_trace")
    return reach.expected(bucket=bucket, by=by, trace=trace, to_trace=to_trace, owned=owned, guard=options.guard)


def _property_lines(ids: Sequence[tuple[UUID, str]], options: RunOptions) -> tuple[list[QuoteLine], int]:
    """The lines, and how many owners are known already to have a phone."""
    detail = catalogue.operation("property_detail")
    owned_details, owned_contacts, unaskable, with_phone = 0, 0, 0, 0
    trace = catalogue.operation("skip_trace")
    for start in range(0, len(ids), CHUNK):
        keys = [property_id for _, property_id in ids[start : start + CHUNK]]
        facts = _fresh(detail, keys)
        owned_details += len(facts)
        if options.skip_trace:
            contacts, phones, without = _owned_contacts(trace, facts.values())
            owned_contacts += contacts
            with_phone += phones
            unaskable += without
    lines = [_line(detail, owned_details, len(ids) - owned_details)]
    if options.skip_trace:
        lines.append(_line(trace, owned_contacts, len(ids) - owned_contacts - unaskable))
    return lines, with_phone


def _owned_contacts(trace: Operation, details: Any) -> tuple[int, int, int]:
    """How many of these owners have been traced already, how many of them with a phone, and how many cannot be."""
    keys, without = [], 0
    for facts in details:
        try:
            keys.append(stages.owner_query(facts).key)
        except ValueError:
            without += 1
    known = _fresh(trace, keys)
    owned = [known[key] for key in keys if key in known]
    return len(owned), sum(bool(facts.get("phone")) for facts in owned), without


def _fresh(operation: Operation, keys: Sequence[str]) -> dict[str, Any]:
    since = operation.fresh_since(database_now())
    rows = Lookup.objects.filter(operation=operation, key__in=list(keys), state=Lookup.State.ANSWERED)
    return dict(rows.filter(fetched_at__gt=since).values_list("key", "facts"))


def _apollo_lines(ids: Sequence[tuple[UUID, str]], options: RunOptions) -> list[QuoteLine]:
    """A credit a lead, and 9 where a phone may come: as much is reserved before the call."""
    told = options.as_json()
    operation = catalogue.operation(stages.operation_name(Stage.APOLLO, told))
    line = _line(operation, 0, len(ids))
    if not told["revealPhones"]:
        return [line]
    without = Lead.objects.filter(pk__in=[pk for pk, _ in ids], phone__isnull=True).count()
    return [replace(line, cost=line.cost + line.price * without * (CREDITS_WITH_PHONE - CREDITS_WITHOUT_PHONE))]


def _line(operation: Operation, owned: int, to_buy: int) -> QuoteLine:
    price: Decimal = operation.setting("price")
    return QuoteLine(operation.vendor_id, operation.name, owned, to_buy, price, price * to_buy)


def _limits(by: User, lines: Sequence[QuoteLine], price: Decimal, max_cost: Decimal | None) -> list[str]:
    now = database_now()
    if not price:
        return []
    words = []
    caps = [purses.month_cap(by.pk, by.monthly_budget, now)]
    for vendor in sorted({line.vendor for line in lines}):
        cost = sum((line.cost for line in lines if line.vendor == vendor), ZERO)
        cap = purses.vendor_cap(vendor, catalogue.vendor(vendor).cap, now)
        left = purses.room(cap)
        if left is not None and left < cost:
            words.append(f"{cap.label} leaves ${left:.2f}")
    for cap in caps:
        left = purses.room(cap)
        if left is not None and left < price:
            words.append(f"{cap.label} leaves ${left:.2f}")
    buying = max((line.to_buy for line in lines if line.operation == "property_detail"), default=0)
    leads = purses.lead_cap(by.pk, by.daily_lead_limit, now)
    left = purses.room(leads)
    if left is not None and left < buying:
        words.append(f"{leads.label} leaves {max(left, ZERO):.0f}")
    if max_cost is not None and max_cost < price:
        words.append(f"your cap of ${max_cost:.2f} may stop it before the end")
    return words


def eta_seconds(run: Run) -> int | None:
    """Seconds until an active run is done, from the pace and what is queued ahead of it. None: it is not moving."""
    if run.status not in Run.ACTIVE:
        return None
    waiting = dict(run.items.exclude(stage=0).values_list("stage").annotate(n=Count("id")))
    if not waiting:
        return 0
    longest = 0.0
    for stage in stages.stages_of(run.kind):
        name = stages.operation_name(stage, run.options)
        before = waiting.get(Stage.DETAIL, 0) if stage == Stage.SKIP_TRACE and run.options.get("skipTrace", True) else 0
        items = waiting.get(stage, 0) + before
        if not items:
            continue
        operation = catalogue.operation(name)
        requests = -(-items // stages.largest_batch(operation))
        sharing = _users_at(stage)
        longest = max(longest, requests * pace.interval(operation.setting("pace")) * max(sharing, 1))
    return round(longest + 2)  # two seconds for the last answers


def _users_at(stage: int) -> int:
    active = Run.objects.filter(status__in=Run.ACTIVE, turns__stage=stage)
    return active.values("owner").distinct().count()


def why_waiting(run: Run) -> str:
    """Why an open run is not moving right now, in words an operator reads; empty where it moves or is over."""
    if run.status == Run.Status.PAUSED:
        return run.reason
    if run.status not in Run.ACTIVE:
        return ""
    now = database_now()
    stage = run.items.exclude(stage=0).order_by("-stage").values_list("stage", flat=True).first()
    if stage is None:
        return ""
    operation = catalogue.operation(stages.operation_name(stage, run.options))
    vendor = operation.vendor
    if not vendor.enabled:
        return f"{vendor} is switched off."
    if vendor.paused_reason:
        return vendor.paused_reason
    if breaker.is_open(vendor, now) and vendor.breaker_open_until:
        return f"{vendor} failed repeatedly; next try at {vendor.breaker_open_until:%H:%M:%S} UTC."
    if operation.next_slot_at and (operation.next_slot_at - now).total_seconds() > 60:
        return f"{vendor} asked to wait until {operation.next_slot_at:%Y-%m-%d %H:%M} UTC."
    if not workers_alive(now):
        return "No worker is alive."
    return (
        f"The pace of {operation}: {operation.setting('pace')} requests a minute." if operation.setting("pace") else ""
    )


def workers_alive(now: datetime | None = None) -> bool:
    """Whether any pump has given a sign of life within a minute."""
    now = now or database_now()
    return Lane.objects.filter(beat_at__gt=now - timedelta(minutes=1)).exists()


@dataclass(frozen=True, slots=True)
class Usage:
    """A user's money and leads against their limits. US dollars."""

    spent_today: Decimal
    spent_this_month: Decimal
    reserved: Decimal
    monthly_budget: Decimal
    leads_today: int
    daily_lead_limit: int
    by_operation: list[dict[str, Any]]


def usage(user: User) -> Usage:
    now = database_now()
    month = Purse.objects.filter(scope=purses.month_cap(user.pk, ZERO, now).scope).first()
    leads = Purse.objects.filter(scope=purses.lead_cap(user.pk, 0, now).scope).first()
    calls = VendorCall.objects.filter(
        user=user, created_at__gte=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    today = calls.filter(created_at__gte=now.replace(hour=0, minute=0, second=0, microsecond=0))
    rows = (
        calls.values("operation__vendor", "operation__name")
        .annotate(requests=Count("id"), inputs=Sum("inputs"), found=Sum("found"), spent=Sum("cost"))
        .order_by("operation__vendor", "operation__name")
    )
    return Usage(
        spent_today=today.aggregate(s=Sum("cost"))["s"] or ZERO,
        spent_this_month=month.spent if month else ZERO,
        reserved=month.reserved if month else ZERO,
        monthly_budget=user.monthly_budget,
        leads_today=int(leads.spent + leads.reserved) if leads else 0,
        daily_lead_limit=user.daily_lead_limit,
        by_operation=[
            {
                "vendor": row["operation__vendor"],
                "operation": row["operation__name"],
                "requests": row["requests"],
                "inputs": row["inputs"],
                "found": row["found"],
                "spent": row["spent"],
            }
            for row in rows
        ],
    )


def bucket_money(bucket: Bucket) -> Decimal:
    """US dollars spent by this bucket's runs."""
    scopes = [f"run:{pk}" for pk in Run.objects.filter(bucket=bucket).values_list("pk", flat=True)]
    return Purse.objects.filter(scope__in=scopes).aggregate(s=Sum("spent"))["s"] or ZERO


def remaining(bucket: Bucket) -> int:
    """Leads nobody has bought facts for yet."""
    return bucket.leads.filter(Q(enrichment_status="pending")).count()


def schedule_result(schedule: Schedule) -> str:
    """What came of a schedule's last tick, in words: what it did, and how far that is by now."""
    words = [schedule.last_result]
    run, fill = schedule.last_run, schedule.last_fill
    if run is not None:
        words.append(
            f"Its last run: {run.get_status_display().lower()}, {run.done:,} of {run.total:,} leads done, "
            f"{run.with_phones:,} with a phone."
        )
    if fill is not None:
        found = "" if fill.found is None else f" of {fill.found:,} found"
        words.append(f"Its last search: {fill.get_status_display().lower()}, {fill.saved:,} new{found}.")
        words.append(fill.error)
    return " ".join(word for word in words if word)
