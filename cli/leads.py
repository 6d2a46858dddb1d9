"""Reading leads: a list, one, its owner, what has changed, a file; and sorting them."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import Any

import click

from cli.buckets import bucket_named, filters_given, of
from cli.client import PAGE, REFUSED, Failed, Server, ids_given, part
from cli.printing import show, show_rows

COLUMNS = ("id", "ownerName", "propertyAddress", "propertyCity", "status", "phone", "equityPercent", "estimatedEquity")
AT_ONCE = 10_000  # ids of one bulk job, the most the API takes
POLL = 1.0  # seconds between two looks at a job
_OPTIONS = {  # of `leads`, by the API's names
    "q": "Give it as -q.", "sort": "Give it as --sort.", "fields": "Give it as --fields.",
    "include": "Give it as --include.", "limit": "Give it as --limit.", "total": "Give it as --total.",
    "cursor": "Pages are read for you: --all, or --limit.", "bucketId": "Give it as --bucket.",
}  # fmt: skip
_OF_EXPORT = {"columns": "Give it as --columns.", "format": "Give it as --format."}
_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def in_bulk(api: Server, action: str, arguments: dict[str, Any], ids: list[str]) -> int:
    """How many leads a bulk job has changed, or several for more than AT_ONCE. Raises Failed where one stops."""
    changed = 0
    for start in range(0, len(ids), AT_ONCE):
        body = {"action": action, "arguments": arguments, "leadIds": ids[start : start + AT_ONCE]}
        job = api.ask("POST", "/api/leads/bulk", body=body, headers={"Idempotency-Key": uuid.uuid4().hex})["job"]
        while job["status"] in ("queued", "running"):
            time.sleep(POLL)
            job = api.get(f"/api/leads/bulk/{job['id']}")["job"]
        changed += job["changed"]
        if job["status"] != "completed":
            raise Failed(f"{changed:,} leads changed, then: {job['error'] or job['words']}", REFUSED)
    return changed


@click.command()
@click.option("--bucket", "name", help="Only of this bucket, by name or id")
@click.option(
    "--filter", "filters", multiple=True, metavar="NAME=VALUE", help="As the API's: hasPhone=true …; repeated"
)
@click.option("-q", "words", help="Address, owner, APN …: all words must match")
@click.option("--sort", help="estimatedEquity, estimatedValue, lastContactAt, callbackAt …; with - the highest first")
@click.option("--fields", help="Columns, with commas between")
@click.option("--include", help="bucket, assignee, activities, contacts, suppressions …")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--all", "every", is_flag=True, help="All of them, however many")
@click.option("--total", is_flag=True, help="Only how many there are")
@click.pass_obj
def leads(
    options: dict[str, Any], name: str | None, filters: tuple[str, ...], words: str | None, sort: str | None,
    fields: str | None, include: str | None, limit: int, every: bool, total: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """My team's leads, by the API's filters.

    \b
    bucket leads --filter absenteeOwner=true --filter equityPercentMin=50 --filter phoneType=mobile \\
                 --filter doNotCall=false --sort=-estimatedEquity
    bucket -o ids leads --bucket "Downtown" --filter status=new --all | bucket tag hot
    """
    api = of(options)
    names = [name.strip() for name in fields.split(",")] if fields is not None else None
    if options["form"] == "ids" and names is not None and "id" not in names:
        raise Failed("-o ids prints ids: name id in --fields, or leave --fields out.", 2)
    given = filters_given(filters, _OPTIONS)
    query: dict[str, Any] = {**given, "q": words, "sort": sort, "fields": fields, "include": include}
    path = "/api/leads"
    if name:
        path, query["bucketId"] = "/api/property/bucket/leads", bucket_named(api, name)
    if total:
        told = api.get(path, {**query, "limit": 1, "total": "true"})
        click.echo(f"{told['total']}{'' if told['totalIsExact'] else ' or more'}")
        return
    found = api.rows(path, "leads", {**query, "total": "false"}, most=None if every else limit)
    show_rows(found, names or COLUMNS, options["form"])


@click.command()
@click.argument("lead_id")
@click.pass_obj
def lead(options: dict[str, Any], lead_id: str) -> None:
    """One lead, with all that is known of it.

    \b
    bucket lead 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203
    """
    show(of(options).get(f"/api/leads/{part(lead_id)}")["lead"], options["form"])


@click.command()
@click.argument("key", metavar="OWNER_KEY")
@click.pass_obj
def owner(options: dict[str, Any], key: str) -> None:
    """Everything about one owner, by the `ownerKey` of any of the leads.

    \b
    bucket owner own_k3Jx0Zs1v9mQ2aB7c5D8eF
    bucket -o ids owner own_k3Jx0Zs1v9mQ2aB7c5D8eF | bucket tag portfolio
    """
    api, path = of(options), f"/api/owners/{part(key)}"
    told = page = api.get(path, {"limit": PAGE})
    while page["nextCursor"]:
        page = api.get(path, {"limit": PAGE, "cursor": page["nextCursor"]})
        told["leads"] += page["leads"]
    told |= {"count": len(told["leads"]), "nextCursor": None}
    if options["form"] in ("json", "jsonl"):
        show(told, options["form"])
        return
    if options["form"] == "table":
        show(told["owner"], "table")
    show_rows(told["leads"], COLUMNS, options["form"])


@click.command()
@click.option("--since", help="From this time on, such as 2026-11-30T00:00:00Z")
@click.option("--state", type=click.Path(path_type=Path), help="A file that keeps the place for the next time")
@click.option("--fields", help="Fields of the leads, with commas between")
@click.pass_obj
def changes(options: dict[str, Any], since: str | None, state: Path | None, fields: str | None) -> None:
    """Leads that have changed, as JSON lines: {"lead": …} or {"gone": …}. For a copy that is kept elsewhere.

    \b
    bucket changes --state crm.cursor >> crm.jsonl
    bucket changes --since 2026-11-30T00:00:00Z | jq -r .lead.status
    """
    api = of(options)
    if state and not state.absolute().parent.is_dir():
        raise Failed(f"{state}: there is no such folder.", 2)  # before rows go out that would be told again
    cursor = _place(state) if state else None
    while True:
        query = {"cursor": cursor, "updatedSince": None if cursor else since, "fields": fields, "limit": 500}
        page = api.get("/api/leads/changes", query)
        show_rows(({"lead": one} for one in page["leads"]), (), "jsonl")
        show_rows(({"gone": one} for one in page["gone"]), (), "jsonl")
        sys.stdout.flush()
        cursor = page["nextCursor"]
        if state:  # after the rows are out: killed in between, they are told again
            fresh = state.with_name(f"{state.name}.new")
            fresh.write_text(f"{cursor}\n")
            fresh.replace(state)
        if not page["hasMore"]:
            return


def _place(state: Path) -> str | None:
    """Where the last time has ended; None: there was none. Raises Failed for a file of something else."""
    try:
        text = state.read_text().strip() if state.exists() else ""
    except ValueError:
        text = "\x00"
    if not (text.isascii() and text.isprintable()):
        raise Failed(f"{state}: this file keeps no place of `bucket changes`.", 2)
    return text or None


@click.command()
@click.argument("name", metavar="BUCKET")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="As `bucket leads`")
@click.option("--format", "kind", type=click.Choice(list(_TYPES)), default="csv", show_default=True)
@click.option("--columns", help="Names or presets, with commas between")
@click.option("--to", type=click.Path(path_type=Path), help="A file; default: stdout")
@click.pass_obj
def export(
    options: dict[str, Any], name: str, filters: tuple[str, ...], kind: str, columns: str | None, to: Path | None
) -> None:
    """A bucket's leads as CSV or an Excel workbook.

    \b
    bucket export "Downtown" --filter hasPhone=true > downtown.csv
    bucket export "Downtown" --format xlsx --to downtown.xlsx
    """
    api, given = of(options), filters_given(filters, _OF_EXPORT)
    path = f"/api/property/bucket/{bucket_named(api, name)}/export"
    query = {**given, "columns": columns, "format": kind}
    if to is None:
        api.save(path, query, sys.stdout.buffer, _TYPES[kind])
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            api.save(path, query, file, _TYPES[kind])
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


@click.command()
@click.argument("name", metavar="TAG")
@click.argument("ids", nargs=-1)
@click.option("--off", is_flag=True, help="Take it off instead")
@click.pass_obj
def tag(options: dict[str, Any], name: str, ids: tuple[str, ...], off: bool) -> None:  # noqa: FBT001
    """Put a tag on leads, or take it off: ids as arguments or one a line on stdin.

    \b
    bucket -o ids leads --filter status=qualified --all | bucket tag hot
    """
    changed = in_bulk(of(options), "untag" if off else "tag", {"tag": name}, ids_given(ids))
    show({"changed": changed}, options["form"])


@click.command()
@click.argument("value", metavar="STATUS")
@click.argument("ids", nargs=-1)
@click.pass_obj
def status(options: dict[str, Any], value: str, ids: tuple[str, ...]) -> None:
    """Move leads on: new, contacted, qualified, closed or lost. Ids as arguments or one a line on stdin.

    \b
    bucket status contacted 0190f2c8-1d2e-7a3b-9c4d-5e6f70819203
    """
    if value not in ("new", "contacted", "qualified", "closed", "lost"):
        raise Failed(f"{value!r}: new, contacted, qualified, closed or lost is needed.", 2)
    changed = in_bulk(of(options), "status", {"status": value}, ids_given(ids))
    show({"changed": changed}, options["form"])


@click.command(context_settings={"ignore_unknown_options": True})  # -5 is a value
@click.argument("key", metavar="FIELD")
@click.argument("value", metavar="VALUE")
@click.argument("ids", nargs=-1)
@click.pass_obj
def field(options: dict[str, Any], key: str, value: str, ids: tuple[str, ...]) -> None:
    """Set a custom field of your team on leads, by its key; "" empties it. Ids as arguments or one a line on stdin.

    \b
    bucket -o ids leads --filter propertyCity=Seattle --all | bucket field askingPrice 250000
    """
    changed = in_bulk(of(options), "field", {"field": key, "value": value}, ids_given(ids))
    show({"changed": changed}, options["form"])


@click.group()
def report() -> None:
    """What was spent, what a reachable owner has cost, what two lists share."""


@report.command()
@click.option("--by", "group", default="vendor", show_default=True, help="vendor, bucket, search, month or day")
@click.option("--from", "first", help="The first day, such as 2026-11-01")
@click.option("--to", "last", help="The last day")
@click.pass_obj
def spend(options: dict[str, Any], group: str, first: str | None, last: str | None) -> None:
    """What my team spent, and what a phone and a conversation cost.

    \b
    bucket report spend --by month
    """
    told = of(options).get("/api/reports/spend", {"group": group, "from": first, "to": last})["report"]
    columns = ("name", "spent", "found", "phones", "hitRate", "perPhone", "conversations", "perConversation")
    show_rows([*told["lines"], told["total"]], columns, options["form"], key="key")


@report.command("reachable-owners")
@click.option("--sort", help="perReachableOwner, spent, leads or name; with - the highest first")
@click.pass_obj
def reachable_owners(options: dict[str, Any], sort: str | None) -> None:
    """What each reachable owner of a list has cost.

    \b
    bucket report reachable-owners --sort=-perReachableOwner
    """
    found = of(options).rows("/api/reports/reachable-owners", "lists", {"sort": sort})
    columns = ("name", "leads", "withPhone", "reachableOwners", "spent", "perReachableOwner")
    show_rows(found, columns, options["form"], key="bucketId")


@report.command()
@click.argument("one", metavar="BUCKET")
@click.argument("other", metavar="BUCKET")
@click.pass_obj
def overlap(options: dict[str, Any], one: str, other: str) -> None:
    """How many properties and owners two lists share.

    \b
    bucket report overlap "Absentees" "Tired landlords"
    """
    api = of(options)
    query = {"a": bucket_named(api, one), "b": bucket_named(api, other)}
    show(api.get("/api/reports/overlap", query)["overlap"], options["form"])


COMMANDS = (leads, lead, owner, changes, export, tag, status, field, report)
