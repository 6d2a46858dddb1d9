"""`manage.py bulk_leads ACTION --user USERNAME`: does one thing to all leads that filters find, or undoes it."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import Access, Scope
from accounts.management.base import access_named, add_person
from accounts.services import KeyConflict
from common.commands.base import ProductCommand, id_of, texts_of
from common.commands.progress import Tick, follow
from leads.bulk import words
from leads.bulk.kinds import BulkError, kind_of, kinds
from leads.bulk.services import can_undo, cancel_bulk, count_of, leads_found, start_bulk, undo_bulk
from leads.bulk.working import continue_job
from leads.models import BulkJob
from leads.registries import buckets_of

AGAIN = ("undo", "cancel", "show")
BY_COMMAND = sorted({*BulkJob.Kind.values} - {"export", "enrich"})  # export_leads and process_bucket do these


class Command(ProductCommand):
    help = (
        "Does one thing to all leads of a team that filters find: a job in pieces, which a worker goes on with where "
        "this command ends. Without --yes it only counts. undo, cancel and show take a job's id."
    )
    example = "python manage.py bulk_leads tag --user ann --set tag=Hot --where hasPhone=true --yes --wait"
    refusals = (BulkError, KeyConflict)
    writes_leads = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", metavar="ACTION", help=f"One of {', '.join((*BY_COMMAND, *AGAIN))}")
        parser.add_argument("job", nargs="?", metavar="JOB", help="With undo, cancel, show: the job's id")
        add_person(parser, required=True, help="Who does it")
        parser.add_argument("--bucket", metavar="BUCKET", help="Only leads of the bucket with this id")
        parser.add_argument("--q", default="", metavar="TEXT", help="Only leads that this search finds")
        parser.add_argument(
            "--where", action="append", default=[], metavar="NAME=VALUE", help="Only leads that pass this filter"
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="What is done: tag=Hot, status=lost, to=ann (twice: in turn; to=: nobody), bucketId=…, "
            "bucketName=… (a new one), field=askingPrice and value=250000 (value=: empty), text=…",
        )
        parser.add_argument("--yes", action="store_true", help="Do it; without: say how many leads it would be")
        parser.add_argument("--expect", type=int, metavar="N", help="Do it only where it is this many leads")
        parser.add_argument("--wait", action="store_true", help="Stay until it is over, and do it here")

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        if options["action"] in AGAIN:
            job = self._again(access, options)
        elif options["action"] in BY_COMMAND and options["action"] in kinds():
            if options["job"] is not None:
                raise CommandError("A job's id goes with undo, cancel and show.")
            started = self._start(access, options)
            if started is None:
                return
            job = started
        else:
            raise CommandError(f"{options['action'][:40]!r} is none of {', '.join((*BY_COMMAND, *AGAIN))}.")
        if options["wait"]:
            self._wait(job, quiet=options["json"])
        job.refresh_from_db()
        lines = [f"{job.pk}  {job.get_status_display()}: {words.came_of(job)}", *words.left_out(job)]
        self.report(options, _facts(job), [*lines, *([job.error] if job.error else [])])
        if job.status == BulkJob.Status.FAILED:
            raise CommandError(job.error or "It failed.")

    def _start(self, access: Access, options: dict[str, Any]) -> BulkJob | None:
        bucket = None
        if options["bucket"]:
            bucket = buckets_of(access).filter(pk=id_of(options["bucket"], "bucket"), team=access.team_id).first()
            if bucket is None:
                raise CommandError(f"{access.user} has no bucket {options['bucket']}.")
        filters = texts_of(options["where"], "--where")
        leads = leads_found(access, filters=filters, q=options["q"], bucket=bucket, contacts=access.can(Scope.CONTACTS))
        kind = kind_of(options["action"])
        if not options["yes"]:
            count = count_of(leads)
            lines = [f"{count:,} leads. --yes does it{' for good' if kind.final else ''}.", *filter(None, [kind.final])]
            self.report(options, {"leads": count, "started": False}, lines)
            return None
        if kind.final and options["expect"] is None:
            raise CommandError("This cannot be undone: say with --expect how many leads you mean.")
        return start_bulk(
            access=access,
            kind=options["action"],
            leads=lambda: leads,
            arguments=_arguments(options["action"], options["set"]),
            filters=[*filters, *(name for name in ("bucket", "q") if options[name])],
            expect=options["expect"],
        )[0]

    def _again(self, access: Access, options: dict[str, Any]) -> BulkJob:
        if not options["job"]:
            raise CommandError(f"{options['action']} needs a job's id.")
        found = BulkJob.objects.worked_by(access).filter(pk=id_of(options["job"], "bulk job"))
        job = found.first()
        if job is None:
            raise CommandError(f"{access.user} has no bulk job {options['job']}.")
        if options["action"] != "show" and not kind_of(job.kind).allows(access):
            raise CommandError(f"{access.user} may not do this in the team {access.team}.")
        if options["action"] == "undo":
            return undo_bulk(job=job, by=access.user)
        return cancel_bulk(job=job, by=access.user) if options["action"] == "cancel" else job

    def _wait(self, job: BulkJob, *, quiet: bool) -> None:
        """Does the pieces here; where a worker has the job, looks on."""

        def look() -> Tick:
            continue_job(job.pk, seconds=1.0)
            job.refresh_from_db()
            return Tick(job.done, job.leads, str(job.get_status_display()), over=not job.is_at_work)

        if quiet:
            while not look().over:
                time.sleep(0.2)  # a worker may have it
        else:
            follow(look, out=self.stderr, label="Leads")


def _arguments(action: str, given: list[str]) -> dict[str, Any]:
    """`--set`, as the kind takes it: a tag named 7 is a text; `to=` is nobody."""
    if action == "assign" and [text.strip() for text in given] == ["to="]:
        return {"to": None}
    return texts_of(given, "--set")


def _facts(job: BulkJob) -> dict[str, Any]:
    return {
        "id": job.pk, "action": job.kind, "status": job.status, "leads": job.leads, "done": job.done,
        "changed": job.changed, "leftOut": job.left_out, "restored": job.restored, "kept": job.kept,
        "canUndo": can_undo(job), "error": job.error or None,
    }  # fmt: skip
