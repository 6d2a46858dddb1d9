"""Reports as programs and files have them: one shape for the API, the command and the CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from leads.selection.export import guarded, line_of
from operations.reports.lists import Overlap, Reach
from operations.reports.spend import GROUPS, Line, Report

COLUMNS = (
    "Requests", "Records asked for", "Found", "Asked for contacts", "With a phone", "Phone hit rate", "Conversations",
    "Data ($)", "Messages and calls ($)", "Spent ($)", "Held ($)", "Per phone ($)", "Per conversation ($)",
)  # fmt: skip


def line_facts(line: Line) -> dict[str, Any]:
    return {
        "key": line.key,
        "name": line.name,
        "requests": line.requests,
        "records": line.records,
        "found": line.found,
        "traced": line.traced,
        "phones": line.phones,
        "hitRate": line.hit_rate,
        "conversations": line.conversations,
        "data": line.data,
        "messages": line.messages,
        "spent": line.spent,
        "held": line.held,
        "perPhone": line.per_phone,
        "perConversation": line.per_conversation,
    }


def report_facts(report: Report) -> dict[str, Any]:
    return {
        "group": report.group,
        "from": report.span.first.isoformat(),
        "to": report.span.last.isoformat(),
        "timeZone": str(report.span.zone),
        "lines": [line_facts(line) for line in report.lines],
        "total": line_facts(report.total),
        "noLongerKept": report.dropped,
    }


def overlap_facts(found: Overlap) -> dict[str, Any]:
    sides = {
        side: {"id": str(of.id), "name": of.name, "leads": of.leads, "owners": of.owners, "share": found.share(of)}
        for side, of in (("a", found.a), ("b", found.b))
    }
    return sides | {"properties": found.properties, "owners": found.owners}


def reach_facts(one: Reach) -> dict[str, Any]:
    return {
        "bucketId": str(one.id),
        "name": one.name,
        "leads": one.leads,
        "withPhone": one.with_phone,
        "reachableOwners": one.reachable,
        "spent": one.spent,
        "perReachableOwner": one.per_owner,
    }


def report_csv(report: Report) -> Iterator[bytes]:
    """The lines and their total. No cell is a formula."""
    yield "\ufeff".encode() + line_of((GROUPS[report.group], *COLUMNS))
    for line in (*report.lines, report.total):
        yield line_of(cells(line))


def cells(line: Line) -> list[str]:
    numbers = (line.requests, line.records, line.found, line.traced, line.phones)
    money = (line.data, line.messages, line.spent, line.held, line.per_phone, line.per_conversation)
    rate = line.hit_rate
    shown = [guarded(line.name), *map(str, numbers), "" if rate is None else f"{100 * rate:.2f}%"]
    return [*shown, str(line.conversations), *map(_plain, money)]


def reach_csv(rows: Iterable[Reach]) -> Iterator[bytes]:
    head = ("List", "Leads", "With a phone", "Reachable owners", "Spent ($)", "Per reachable owner ($)")
    yield "\ufeff".encode() + line_of(head)
    for one in rows:
        numbers = map(str, (one.leads, one.with_phone, one.reachable))
        yield line_of([guarded(one.name), *numbers, _plain(one.spent), _plain(one.per_owner)])


def _plain(amount: Decimal | None) -> str:
    """12.10; 0.0125 where there is more to say. Empty: there is none."""
    if amount is None:
        return ""
    text = f"{amount:.4f}"
    return text[:-2] if text.endswith("00") else text
