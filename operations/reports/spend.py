"""What was spent on data, messages and calls, what came of it, and what each phone and conversation cost. Reads only.

Every grouping adds up to the same total: a line is made of cells of the ledger, and what belongs to no list (single
look-ups, verified numbers) has a line of its own. Conversations are leads: one that talked in two months counts in
both, and once in the total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.access import Access
from buckets.models import Bucket
from campaigns.dialing.scorecard import SOURCES
from common.contact_access import told
from enrichment.models import Run
from integrations.ledger import catalogue
from integrations.ledger.budgets import ZERO
from integrations.naming import vendors as vendor_names
from operations.reports import paid
from operations.reports.searches import searches_of
from operations.reports.span import Span, latest_days, this_month

MESSAGES = ("sms", "email", "call")  # operations of campaigns and conversations; every other buys data
GROUPS = {
    "vendor": "Vendor",
    "operation": "Request type",
    "bucket": "Bucket",
    "search": "Search",
    "month": "Month",
    "day": "Day",
}
SINGLE, OTHER, DELETED = "lookups", "other", "deleted"
WORDS = {
    SINGLE: "Single look-ups (no bucket)",
    OTHER: "Messages and calls to people in no bucket",
    DELETED: "Deleted buckets",
}
CENT = Decimal("0.01")


@dataclass(slots=True)
class Line:
    """requests: that have ended. records: asked for. found: known to the vendor. traced: records asked for contacts,
    and phones: answers with a phone. data, messages: US dollars spent on data, and on messages and calls. held: US
    dollars reserved. conversations: leads that wrote, or whom a call reached.
    """

    key: str
    name: str
    requests: int = 0
    records: int = 0
    found: int = 0
    traced: int = 0
    phones: int = 0
    conversations: int = 0
    data: Decimal = ZERO
    messages: Decimal = ZERO
    held: Decimal = ZERO

    @property
    def spent(self) -> Decimal:
        return self.data + self.messages

    @property
    def hit_rate(self) -> Decimal | None:
        """Phones per record asked for contacts, 0 to 1; None: none was asked for."""
        return (Decimal(self.phones) / self.traced).quantize(Decimal("0.0001")) if self.traced else None

    @property
    def per_phone(self) -> Decimal | None:
        """US dollars of data; None: no phone was bought."""
        return (self.data / self.phones).quantize(CENT) if self.phones else None

    @property
    def per_conversation(self) -> Decimal | None:
        """US dollars of all; None: nobody talked."""
        return (self.spent / self.conversations).quantize(CENT) if self.conversations else None


@dataclass(frozen=True, slots=True)
class Report:
    """dropped: US dollars of requests that are no longer kept, of the months that the span lies in: in no line."""

    group: str
    span: Span
    lines: Sequence[Line]
    total: Line
    dropped: Decimal = ZERO
    days: Sequence[tuple[date, Decimal]] = field(default_factory=list)


def may_see(access: Access) -> bool:
    """Who sees what the team spends: whoever reads its lists. A caller sees the leads assigned to her."""
    return access.team_id is not None and access.can("read") and not access.only_assigned


def spend(access: Access, *, group: str, span: Span) -> Report:
    """By `group` of GROUPS, the most spent first; days and months in their order."""
    total = Line("", "All")
    if not may_see(access) or access.team_id is None:
        return Report(group, span, [], total)
    team_id = access.team_id
    cells, phones = paid.cells(team_id, span), paid.phones(team_id, span)
    talks = _talks(group, team_id, span)
    key_of, name_of = _keys(group, cells, phones, talks)
    lines: dict[str, Line] = {}

    def line(cell: Any) -> Line:
        key = key_of(cell)
        return lines.setdefault(key, Line(key, name_of(key)))

    for cell in cells:
        for one in (line(cell), total):
            _add(one, cell)
    for bought in phones:
        for one in (line(bought), total):
            one.phones += bought.many
    for talk in talks:
        line(talk).conversations += talk.many
    total.conversations = paid.talks(team_id, span).get("", 0)
    by_time = group in ("month", "day")
    ordered = sorted(lines.values(), key=(lambda one: one.key) if by_time else (lambda one: (-one.spent, one.name)))
    return Report(group, span, ordered, total, paid.dropped(team_id, span), _by_day(cells, span))


def _add(line: Line, cell: paid.Cell) -> None:
    line.requests += cell.requests
    line.records += cell.records
    line.found += cell.found
    line.held += cell.held
    if cell.operation in paid.CONTACTS:
        line.traced += cell.records
    if cell.operation in MESSAGES:
        line.messages += cell.cost
    else:
        line.data += cell.cost


def _by_day(cells: Iterable[paid.Cell], span: Span) -> list[tuple[date, Decimal]]:
    found = dict.fromkeys(span.days, ZERO)
    for cell in cells:
        found[cell.day] += cell.cost
    return list(found.items())


# --- What a line is of ------------------------------------------------------------------------------------------------

Key = Callable[[Any], str]


def _keys(
    group: str, cells: Sequence[paid.Cell], phones: Sequence[paid.Phones], talks: Sequence[Talk]
) -> tuple[Key, Callable[[str], str]]:
    """The key of a cell, and the name of a key."""
    if group == "day":
        return (lambda cell: cell.day.isoformat()), str
    if group == "month":
        return (lambda cell: f"{cell.day:%Y-%m}"), _month
    if group == "vendor":
        return (lambda cell: cell.vendor), vendor_name
    if group == "operation":
        return (lambda cell: f"{cell.vendor}/{cell.operation}"), _operation
    runs = {cell.run_id for cell in cells if cell.run_id} | {one.run_id for one in phones if one.run_id}
    lists = Lists.of(runs, {cell.bucket_id for cell in cells} | {talk.bucket_id for talk in talks})
    if group == "bucket":
        return lists.key, lists.name
    searches = searches_of(lists.names)
    words = dict(searches.values()) | WORDS

    def search(cell: Any) -> str:
        key = lists.key(cell)
        return key if key in WORDS else searches[UUID(key)][0]

    return search, lambda key: str(told(words[key]))


@dataclass(frozen=True, slots=True)
class Lists:
    """Which list a cell's money was spent on. runs: the bucket of each enrichment job; names: by bucket."""

    runs: Mapping[UUID, UUID | None]
    names: Mapping[UUID, str]

    @classmethod
    def of(cls, run_ids: set[UUID], bucket_ids: set[UUID | None]) -> Lists:
        runs = dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "bucket_id"))
        wanted = {one for one in (*runs.values(), *bucket_ids) if one is not None}
        return cls(runs, dict(Bucket.objects.filter(pk__in=wanted).values_list("pk", "name")))

    def key(self, cell: paid.Cell | paid.Phones | Talk) -> str:
        bucket_id = self.runs.get(cell.run_id) if cell.run_id is not None else cell.bucket_id
        if bucket_id is not None and bucket_id in self.names:
            return str(bucket_id)
        if cell.run_id is not None:
            return DELETED
        return SINGLE if cell.single else OTHER

    def name(self, key: str) -> str:
        return str(WORDS[key] if key in WORDS else told(self.names[UUID(key)]))


def vendor_name(key: str) -> str:
    return SOURCES.get(key) or vendor_names.title(key)


def _operation(key: str) -> str:
    vendor, _, operation = key.partition("/")
    words = {"sms": "text messages", "call": "calls", "email": "e-mails"}.get(operation)
    return f"{vendor_name(vendor)}: {words or operation.replace('_', ' ')}"


def _month(key: str) -> str:
    return f"{date.fromisoformat(f'{key}-01'):%b %Y}"


@dataclass(frozen=True, slots=True)
class Talk:
    """Leads that talked: of a list, on a day (of a month its first), or whose phone a vendor sold."""

    many: int
    bucket_id: UUID | None = None
    day: date = date.min
    vendor: str = ""
    run_id: UUID | None = None
    single: bool = False


def _talks(group: str, team_id: int, span: Span) -> list[Talk]:
    """Whose phone it was is told by vendor, never by request type: a detail and a trace lead to one conversation."""
    if group == "operation":
        return []
    if group in ("day", "month"):
        by = "day" if group == "day" else "date_trunc('month', day)::date"
        return [Talk(many, day=day) for day, many in paid.talks(team_id, span, by).items()]
    if group == "vendor":  # a trace is today's vendor's where no call says another
        sellers = {"trace": catalogue.operation("skip_trace").vendor_id, "detail": "realestateapi"}
        sources = paid.talks(team_id, span, "source").items()
        return [Talk(many, vendor=sellers.get(source, source)) for source, many in sources]
    return [Talk(many, bucket_id=bucket) for bucket, many in paid.talks(team_id, span, "bucket_id").items()]


# --- For Home ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a span, US dollars. per_phone: of data; per_conversation: of all. None: there was none."""

    spent: Decimal
    held: Decimal
    phones: int
    conversations: int
    per_phone: Decimal | None
    per_conversation: Decimal | None


def spend_by_day(access: Access, days: int) -> list[tuple[date, Decimal]]:
    """US dollars that the team spent on each of the latest so many days by her clock, today last."""
    if not may_see(access) or access.team_id is None:
        return []
    span = latest_days(days)
    return _by_day(paid.cells(access.team_id, span), span)


def costs_of_month(access: Access) -> Costs:
    """Of this month by her clock, as the report page tells it."""
    total = spend(access, group="month", span=this_month()).total
    return Costs(total.spent, total.held, total.phones, total.conversations, total.per_phone, total.per_conversation)
