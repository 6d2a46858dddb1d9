"""Searching, saving, quoting, enriching: from ids that are free to data that is paid."""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from typing import Any
from urllib.parse import unquote

import click

from cli.client import REFUSED, UNASKED, Failed, Server, ids_given, server
from cli.printing import show, show_rows

_PAID = re.compile(
    r"/(process|enrich|run-now|run|launch|resume|retry-failed|send-to-failed|messages|voicemail)$"
    r"|^/api/(skip-trace|calls|schedules|profile/phone)$|^/api/schedules/[^/]+$|^/api/leads/bulk/[^/]+/start$"
)
_PAID_TO_READ = "/api/property/detail"
# RealEstateAPI's filters that are texts of digits. A ZIP code sent as a number is refused.
_TEXTS = frozenset({"zip", "fips", "apn", "house", "street", "address", "city"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CENT = 0.01  # US dollars, the least a limit may be
POLL = 2.0  # seconds between two looks at a run


def of(options: dict[str, Any]) -> Server:
    return server(options["url"], None, options["team"])


def pairs(words: tuple[str, ...], *, typed: bool = False) -> dict[str, Any]:
    """`name=value` …; a name that is given several times is a list. typed: a search's numbers, true and false."""
    found: dict[str, Any] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name:
            raise Failed(f"{word!r}: name=value is needed.", 2)
        value: Any = text
        if typed and (name not in _TEXTS or text.startswith("[")):
            try:
                value = json.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?|true|false|\[.*\]|\{.*\}", text) else text
            except ValueError:
                value = text
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return found


def filters_given(words: tuple[str, ...], options: dict[str, str]) -> dict[str, Any]:
    """`--filter NAME=VALUE` …; options: names that are options of the command, with the words for who gives them so.

    They would be lost, and all leads found. Raises Failed.
    """
    found = pairs(words)
    for name in options.keys() & found.keys():
        raise Failed(f"--filter {name}: this is no filter. {options[name]}", 2)
    return found


def bucket_named(api: Server, name: str) -> str:
    """Its id, by id or by its exact name. Raises Failed where there is none, or several."""
    if _UUID.fullmatch(name):
        return name
    found = api.get("/api/property/bucket", {"name": name, "fields": "id,name", "limit": 2})["buckets"]
    if len(found) != 1:
        raise Failed(f"{'No' if not found else 'More than one'} bucket is called {name!r}: give its id.", 1)
    return str(found[0]["id"])


def may_cost(method: str, path: str, body: Any) -> bool:
    """Whether a request may spend money, by what it asks for."""
    plain = unquote(path.partition("?")[0]).rstrip("/")
    if method in ("GET", "DELETE"):
        return method == "GET" and plain == _PAID_TO_READ
    is_full = plain == "/api/property/search" and isinstance(body, dict) and body.get("mode") == "full"
    return is_full or bool(_PAID.search(plain))


@click.command()
@click.argument("filters", nargs=-1, metavar="NAME=VALUE…")
@click.option("--count", is_flag=True, help="Only how many match")
@click.pass_obj
def search(options: dict[str, Any], filters: tuple[str, ...], count: bool) -> None:  # noqa: FBT001  # click's
    """Property ids that match, one a line, at most 10,000; free. Filters are RealEstateAPI's.

    \b
    bucket search state=WA county=King absentee_owner=true --count
    bucket search state=WA zip=98101 | bucket save "Downtown"
    """
    wanted = pairs(filters, typed=True)
    if not wanted:
        raise Failed("Give a filter, such as state=WA.", 2)
    found = of(options).ask(
        "POST", "/api/property/search", body={"mode": "count" if count else "ids", "search": wanted}
    )
    if count:
        click.echo(found["count"])
        return
    for one in found["ids"]:
        click.echo(one)
    if found.get("note"):
        click.echo(found["note"], err=True)


@click.command()
@click.argument("name")
@click.argument("ids", nargs=-1)
@click.option(
    "--search", "filters", multiple=True, metavar="NAME=VALUE", help="Instead of ids: all that a search finds"
)
@click.option("--limit", type=click.IntRange(1), help="Of a search: leads at most")
@click.option("--into", is_flag=True, help="Add to the bucket of this name or id")
@click.option("--wait/--no-wait", default=True, help="Of a search: until its ids are saved (the default)")
@click.pass_obj
def save(
    options: dict[str, Any],
    name: str,
    ids: tuple[str, ...],
    filters: tuple[str, ...],
    limit: int | None,
    into: bool,  # noqa: FBT001
    wait: bool,  # noqa: FBT001
) -> None:
    """Save property ids as a bucket: given, piped in, or all that a search finds; free.

    \b
    bucket search state=WA zip=98101 | bucket save "Downtown"
    bucket save "All of King" --search state=WA --search county=King
    """
    api, wanted = of(options), pairs(filters, typed=True)
    body: dict[str, Any] = {"search": wanted} if filters else {"propertyIds": ids_given(ids)}
    if filters:  # free, and what the vendor does not take is refused before there is a bucket
        api.ask("POST", "/api/property/search", body={"mode": "count", "search": wanted})
    if limit is not None:
        body["limit"] = limit
    path = f"/api/property/bucket/{bucket_named(api, name)}/ids" if into else "/api/property/bucket"
    told = api.ask("POST", path, body=body if into else {"name": name, **body})
    saved = _filled(api, told["bucket"]["id"], told["fill"]) if wait and told.get("fill") else told["stats"]["inserted"]
    show({"id": told["bucket"]["id"], "name": told["bucket"]["name"], "inserted": saved}, options["form"])


def _filled(api: Server, bucket_id: str, fill: dict[str, Any]) -> int:
    """How many ids a search has saved, once it is over. Raises Failed where it ends before."""
    started = fill["id"]
    while fill["id"] == started and fill["status"] in ("queued", "running"):
        time.sleep(POLL)
        fill = api.get(f"/api/property/bucket/{bucket_id}")["bucket"]["fill"]
    if fill["id"] == started and fill["status"] != "completed":
        raise Failed(f"The search has saved {fill['saved']:,} ids, then: {fill['error'] or fill['status']}", REFUSED)
    return int(fill["saved"])


@click.command("buckets")
@click.option("--sort", help="name, totalLeads, enrichedLeads or createdAt; with - the highest first")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.pass_obj
def buckets(options: dict[str, Any], sort: str | None, limit: int) -> None:
    """My team's buckets.

    \b
    bucket buckets --sort=-totalLeads
    """
    found = of(options).rows("/api/property/bucket", "buckets", {"sort": sort}, most=limit)
    show_rows(found, ("id", "name", "totalLeads", "enrichedLeads", "createdAt"), options["form"])


@click.command()
@click.argument("name", metavar="BUCKET")
@click.option("--limit", type=click.IntRange(1), help="Number of leads")
@click.option("--skip-trace/--no-skip-trace", default=None, help="With or without contacts")
@click.pass_obj
def quote(options: dict[str, Any], name: str, limit: int | None, skip_trace: bool | None) -> None:  # noqa: FBT001
    """What enriching a bucket would cost; free.

    \b
    bucket quote "Downtown" --limit 500
    """
    api = of(options)
    query = {"limit": limit, "skipTrace": None if skip_trace is None else str(skip_trace).lower()}
    show(api.get(f"/api/property/bucket/{bucket_named(api, name)}/quote", query)["quote"], options["form"])


@click.command()
@click.argument("name", metavar="BUCKET")
@click.option("--max-cost", metavar="DOLLARS", help="Spending limit, which is also the yes")
@click.option("--yes", is_flag=True, help="Whatever the quote says")
@click.option("--limit", type=click.IntRange(1), help="Number of leads")
@click.option("--skip-trace/--no-skip-trace", default=None, help="With or without contacts")
@click.option("--wait", is_flag=True, help="Until it is over; then exit status 1 unless it completed")
@click.option("--key", help="Idempotency-Key: the same key starts no second job. Default: a new one")
@click.pass_obj
def enrich(
    options: dict[str, Any], name: str, max_cost: str | None, yes: bool, limit: int | None,  # noqa: FBT001
    skip_trace: bool | None, wait: bool, key: str | None,  # noqa: FBT001
) -> None:  # fmt: skip
    """Buy data for a bucket's leads, within a spending limit. Buys nothing without --max-cost or a yes.

    \b
    bucket enrich "Downtown" --max-cost 25 --wait
    """
    api = of(options)
    bucket_id = bucket_named(api, name)
    asked: dict[str, Any] = {"limit": limit, "skipTrace": skip_trace}
    asked = {one: value for one, value in asked.items() if value is not None}
    if max_cost is None and not yes:
        price = api.get(f"/api/property/bucket/{bucket_id}/quote", {n: str(v).lower() for n, v in asked.items()})[
            "quote"
        ]
        if price["toBuy"]:
            _ask(price)
        max_cost = str(price["price"] or CENT)  # owned: free, unless it has grown too old meanwhile
    if max_cost is not None:
        asked["maxCost"] = max_cost
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    run = api.ask("POST", "/api/property/bucket/process", body={"bucketId": bucket_id, **asked}, headers=headers)["run"]
    while wait and run["status"] in ("queued", "running"):
        time.sleep(POLL)
        run = api.get(f"/api/runs/{run['id']}")["run"]
    show(run, options["form"], ("id", "status", "counts", "spent", "maxCost", "message"))
    if wait and run["status"] != "completed":
        sys.exit(1)


def _ask(price: dict[str, Any]) -> None:
    """A person's yes to the quote, at a terminal. Raises Failed without one."""
    whole = f"{price['price']:,.4f}"
    money = whole[:-2] if whole.endswith("00") else whole
    leads = "1 lead" if price["leads"] == 1 else f"{price['leads']:,} leads"
    words = f"To buy: {price['toBuy']:,} of {leads}, for ${money} at most."
    if not sys.stdin.isatty():
        raise Failed(f"{words} Nothing was bought: give --max-cost, or --yes.", UNASKED)
    if not click.confirm(f"{words} Buy them?"):
        raise Failed("Nothing was bought.", UNASKED)


@click.command()
@click.option("--bucket", "name", help="Only of this bucket")
@click.option("--status", help="running, paused, completed …")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.pass_obj
def runs(options: dict[str, Any], name: str | None, status: str | None, limit: int) -> None:
    """My team's enrichment jobs, newest first.

    \b
    bucket runs --status paused
    """
    api = of(options)
    query = {"bucketId": bucket_named(api, name) if name else None, "status": status}
    found = api.rows("/api/runs", "runs", query, most=limit)
    show_rows(found, ("id", "bucketName", "status", "reason", "spent", "maxCost", "createdAt"), options["form"])


COMMANDS = (search, save, buckets, quote, enrich, runs)
