"""`manage.py call_list make|add|open|pause|close|show|list`: call lists by a script."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from accounts.access import Access
from accounts.management.base import access_named, add_person
from accounts.models import User
from campaigns.dialing import filling, lists
from campaigns.dialing.progress import progress
from campaigns.models import Campaign, ListFill
from campaigns.planning.audience import PRESETS, Audience
from campaigns.planning.refusals import CampaignError
from common.commands.base import ProductCommand
from common.commands.progress import LocalWorkers, Tick, follow
from leads.models import SavedView

_DEEDS = {"open": lists.open_list, "pause": lists.pause_list, "close": lists.close_list}


class Command(ProductCommand):
    help = "Makes, opens, pauses, closes and lists call lists. Large ones are filled in this process: it waits."
    example = "python manage.py call_list make --name Monday --bucket BUCKET --preset highValue --open --user ann"
    refusals = (CampaignError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deed", choices=["make", "add", *_DEEDS, "show", "list"])
        parser.add_argument("list", nargs="?", metavar="LIST", type=UUID, help="Its id; `call_list list` names them")
        add_person(parser, required=True, help="Who does it")
        parser.add_argument("--name", default="", help="make: what you call it")
        parser.add_argument("--bucket", type=UUID, help="make, add: leads of this bucket")
        parser.add_argument("--view", help="make, add: leads of this saved view, by its name")
        parser.add_argument("--preset", choices=PRESETS, default="", help="make, add")
        parser.add_argument("--priority", choices=filling.PRIORITIES, default="", help="make: who comes first")
        parser.add_argument("--limit", type=int, help="make, add: leads at most")
        parser.add_argument("--caller", action="append", default=[], help="make: who works it; may be repeated")
        parser.add_argument(
            "--script", type=Path, metavar="FILE", help="make: what callers read out, with {{variables}}"
        )
        parser.add_argument("--open", action="store_true", help="make: and open it")

    def handle(self, *_: object, **options: Any) -> None:
        access, deed = access_named(options), options["deed"]
        if deed == "list":
            rows = list(lists.call_lists(access).order_by("-pk"))
            self.report(
                options, {"callLists": [_facts(row) for row in rows]}, [_line(row) for row in rows] or ["None."]
            )
            return
        if deed == "make":
            self._make(access, options)
            return
        if options["list"] is None:
            raise CommandError("Name the list: its id stands in `call_list list`.")
        if deed == "add":
            named = options["bucket"] or options["view"]
            added = lists.add_leads(access, options["list"], _audience(access, options) if named else None)
            added = self._wait(added)
            self.report(options, {"added": _counts(added)}, [_added(added)])
            return
        row = _DEEDS[deed](access, options["list"]) if deed in _DEEDS else lists.find(access, options["list"])
        told = progress(row.pk)
        self.report(options, {"callList": _facts(row), "progress": asdict(told)}, [_line(row), f"  {told.words}"])

    def _make(self, access: Access, options: dict[str, Any]) -> None:
        callers = [_caller(name) for name in options["caller"]]
        script = _script(options["script"]) if options["script"] else ""
        audience = _audience(access, options)
        plan = lists.ListPlan(options["name"], audience, callers, None, options["priority"], script)
        made, added = lists.create_list(access, plan)
        added = self._wait(added)
        made = lists.open_list(access, made.pk) if options["open"] else lists.find(access, made.pk)
        self.report(options, {"callList": _facts(made), "added": _counts(added)}, [_line(made), f"  {_added(added)}"])

    def _wait(self, fill: ListFill) -> ListFill:
        """Adds the leads in this process, or watches the worker that does. Raises CommandError where it stopped."""
        if not fill.is_at_work:
            return fill

        def work(stop: threading.Event) -> None:
            while filling.continue_fill(fill.pk) and not stop.is_set():
                pass

        with LocalWorkers(work) as workers:

            def read() -> Tick:
                workers.check()
                fill.refresh_from_db(fields=COUNTS)
                return Tick(fill.done, fill.leads, over=not fill.is_at_work)

            follow(read, out=self.stderr, label="Adding leads")
        if fill.error:
            raise CommandError(f"{fill.error} List {fill.campaign_id}.")
        return fill


COUNTS = ("leads", "done", "with_phone", "people", "error", "finished_at")


def _counts(fill: ListFill) -> dict[str, int]:
    return {name: getattr(fill, name) for name in ("leads", "people", "no_phone", "same_owner")}


def _audience(access: Access, options: dict[str, Any]) -> Audience:
    view = None
    if options["view"] is not None:
        view = SavedView.objects.seen_by(access).filter(name__iexact=options["view"]).first()
        if view is None:
            raise CommandError(f"There is no saved view {options['view']!r}.")
    return Audience(
        bucket_id=options["bucket"], view=view.query if view else None, view_name=view.name if view else "",
        preset=options["preset"], limit=options["limit"],
    )  # fmt: skip


def _script(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as text: {error}") from error


def _caller(name: str) -> int:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user.pk


def _facts(row: Campaign) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name, "status": row.status, "people": row.members, "startedAt": row.started_at}


def _line(row: Campaign) -> str:
    return f"{row.pk}  {row.name}: {str(row.get_status_display()).lower()}; {row.members:,} people"


def _added(added: ListFill) -> str:
    return (
        f"{added.people:,} people of {added.leads:,} leads; {added.no_phone:,} without a phone, "
        f"{added.same_owner:,} of an owner or number that is on it."
    )
