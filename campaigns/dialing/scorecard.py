"""How good the numbers are that were called: reached, wrong, disconnected, by who sold them, their type and their age.

Where a number was from stands on the call, as it was when it was dialed (`campaigns.dialing.origins`). Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import RawSQL

from campaigns.dialing.progress import REACHED
from campaigns.models import CallAttempt, Disposition
from common import dates
from enrichment.models import Run
from integrations.ledger import scopes
from integrations.models import VendorCall
from leads.selection.export import guarded, line_of

DISCONNECTED = "disconnected"  # the shipped outcome's code; every other bad number is somebody else's
FIGURES = 5  # of a line: calls, numbers, reached, wrong, disconnected
DAYS = 90  # shown unless another time is asked for
AGES = ((30, "up to 30 days"), (90, "31 to 90 days"), (180, "91 to 180 days"), (365, "181 to 365 days"))
_OLDER, _UNKNOWN = "over a year", "not known"
SOURCES = {
    "realestateapi": "RealEstateAPI", "signalhouse": "SignalHouse", "apollo": "Apollo", "file": "Your files",
    "typed": "Typed", "trace": "Skip trace", "": "Not known",
}  # fmt: skip
_SOLD_BY = {"detail": "realestateapi"}  # what stands on a call: who sold that; all others sold their own
_SELLER = Case(
    *(When(number_source=source, then=Value(vendor)) for source, vendor in _SOLD_BY.items()), default=F("number_source")
)
_AGE = RawSQL("(campaigns_callattempt.started_at::date - campaigns_callattempt.number_at::date)", [])
_BAD = Q(disposition__outcome=Disposition.Outcome.BAD_NUMBER)


@dataclass(frozen=True, slots=True)
class Line:
    """numbers: distinct ones. cost, cost_each: US dollars, a vendor's alone; None: not known, or nobody was reached."""

    code: str
    name: str
    calls: int
    numbers: int
    reached: int
    wrong: int
    disconnected: int
    cost: Decimal | None = None

    @property
    def cost_each(self) -> Decimal | None:
        return (self.cost / self.reached).quantize(Decimal("0.01")) if self.cost is not None and self.reached else None

    def share(self, many: int) -> str:
        """16%; a dash of nothing."""
        return f"{100 * many / self.calls:.0f}%" if self.calls else "–"

    @property
    def shares(self) -> tuple[str, str, str]:
        return self.share(self.reached), self.share(self.wrong), self.share(self.disconnected)


@dataclass(frozen=True, slots=True)
class Scorecard:
    since: datetime
    until: datetime
    total: Line
    vendors: Sequence[Line] = field(default_factory=list)
    kinds: Sequence[Line] = field(default_factory=list)
    ages: Sequence[Line] = field(default_factory=list)


def _ended(team_id: int, since: datetime, until: datetime) -> QuerySet[CallAttempt]:
    rows = CallAttempt.objects.filter(team_id=team_id, started_at__gte=since, started_at__lt=until)
    return rows.filter(disposition__isnull=False)


def scorecard(team_id: int, *, since: datetime, until: datetime) -> Scorecard:
    """Of calls whose outcome was said. cost: calls by the ledger, and what numbers cost the team in these days."""
    rows = _ended(team_id, since, until)
    costs = _costs(rows, team_id, since, until)
    vendors = [
        _line(code, SOURCES.get(code, code), figures)
        for code, figures in _counted(rows.annotate(sold_by=_SELLER), "sold_by")
    ]
    silent = sorted(set(costs) - {one.code for one in vendors})
    vendors += [Line(vendor, SOURCES.get(vendor, vendor), 0, 0, 0, 0, 0) for vendor in silent]
    vendors = [replace(one, cost=costs.get(one.code)) for one in sorted(vendors, key=lambda one: -one.calls)]
    whole = _counted(rows, "team")
    total = _line("", "All", whole[0][1] if whole else [0] * FIGURES)
    kinds = [_line(code, code.capitalize() or "Not known", figures) for code, figures in _counted(rows, "number_kind")]
    return Scorecard(since, until, replace(total, cost=sum(costs.values(), Decimal(0))), vendors, kinds, _ages(rows))


def _counted(rows: QuerySet[CallAttempt], column: str) -> list[tuple[Any, list[int]]]:
    """By the column's value, most calls first: calls, numbers, reached, wrong, disconnected."""
    found = rows.order_by().values(column).annotate(
        calls=Count("pk"), numbers=Count("key", distinct=True),
        reached=Count("pk", filter=Q(disposition__outcome__in=REACHED)),
        wrong=Count("pk", filter=_BAD & ~Q(disposition__code=DISCONNECTED)),
        disconnected=Count("pk", filter=_BAD & Q(disposition__code=DISCONNECTED)),
    )  # fmt: skip
    told = found.values_list(column, "calls", "numbers", "reached", "wrong", "disconnected")
    return sorted(((value, list(figures)) for value, *figures in told), key=lambda row: -row[1][0])


def _line(code: str, name: str, figures: Sequence[int]) -> Line:
    calls, numbers, reached, wrong, disconnected = figures
    return Line(code, name, calls, numbers, reached, wrong, disconnected)


def _ages(rows: QuerySet[CallAttempt]) -> list[Line]:
    """By how long the team had had the number."""
    found: dict[str, list[int]] = {}
    for days, figures in _counted(rows.annotate(days=_AGE), "days"):
        name = _UNKNOWN if days is None else next((n for most, n in AGES if days <= most), _OLDER)
        found[name] = [a + b for a, b in zip(found.get(name, [0] * FIGURES), figures, strict=True)]
    names = [*(name for _, name in AGES), _OLDER, _UNKNOWN]
    return [_line(name, name.capitalize(), found[name]) for name in names if name in found]


def _costs(rows: QuerySet[CallAttempt], team_id: int, since: datetime, until: datetime) -> dict[str, Decimal]:
    """By who sold the number: the calls of it, and what skip traces and Apollo cost the team meanwhile, in enrichment
    jobs and one by one.
    """
    found: dict[str, Decimal] = {}
    paid = rows.filter(call__isnull=False).order_by().annotate(sold_by=_SELLER).values("sold_by")
    paid = paid.annotate(cost=Sum("call__cost"))
    of_jobs = Q(run_id__in=Run.objects.filter(team=team_id).values("pk"))
    singly = Q(run_id__isnull=True, holds__has_any_keys=_months(team_id, since, until))
    bought = VendorCall.objects.filter(
        of_jobs | singly, created_at__gte=since, created_at__lt=until,
        operation__name__in=("skip_trace", "apollo_people"),
    ).order_by().values("operation__vendor").annotate(cost=Sum("cost"))  # fmt: skip
    for source, cost in [*paid.values_list("sold_by", "cost"), *bought.values_list("operation__vendor", "cost")]:
        if cost:
            found[source] = found.get(source, Decimal(0)) + cost
    return found


def _months(team_id: int, since: datetime, until: datetime) -> list[str]:
    """The team's budgets of these days, which a request that it pays for reserves its money in."""
    first, last = since.astimezone(UTC).date().replace(day=1), until.astimezone(UTC).date()
    count = 12 * (last.year - first.year) + last.month - first.month
    every = (divmod(first.month - 1 + n, 12) for n in range(count + 1))
    return [scopes.team_month(team_id, date(first.year + years, month + 1, 1)) for years, month in every]


# --- Numbers to claim -------------------------------------------------------------------------------------------------

COLUMNS = (
    "Number", "Outcome", "Called", "Vendor", "Type", "Purchased", "Owner", "Address", "City", "State", "ZIP",
    "Property ID",
)  # fmt: skip


def bad_numbers(team_id: int, *, since: datetime, until: datetime, vendor: str = "") -> QuerySet[CallAttempt]:
    """The latest call of each number that was wrong or disconnected; vendor: who sold it, '': all."""
    rows = _ended(team_id, since, until).filter(_BAD, number__isnull=False)
    sources = [vendor, *(source for source, seller in _SOLD_BY.items() if seller == vendor)]
    rows = rows.filter(number_source__in=sources) if vendor else rows
    latest = rows.order_by("key", "-started_at").distinct("key").values("pk")
    return CallAttempt.objects.filter(pk__in=latest).select_related("lead", "disposition").order_by("pk")


def bad_numbers_csv(rows: QuerySet[CallAttempt]) -> Iterator[bytes]:
    """To send to who sold them. No cell is a formula."""
    yield "\ufeff".encode() + line_of(COLUMNS)
    for one in rows.iterator(chunk_size=1_000):
        lead, vendor = one.lead, _SOLD_BY.get(one.number_source, one.number_source)
        where = (lead.owner_name, lead.property_address, lead.property_city, lead.property_state, lead.property_zip,
                 lead.property_id) if lead else ("",) * 6  # fmt: skip
        cells = (
            one.number or "", one.disposition.label if one.disposition else "", dates.day(one.started_at),
            SOURCES.get(vendor, vendor), one.number_kind, dates.day(one.number_at), *where,
        )  # fmt: skip
        yield line_of([guarded(str(cell or "")) for cell in cells])
