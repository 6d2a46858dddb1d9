"""`manage.py bucket_status [BUCKET]`: how a bucket stands: leads, searches, runs, money."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.management.base import access_named, add_person, row_in_team
from buckets.models import Bucket, Fill
from common.commands.base import ProductCommand
from enrichment.management.helpers.runs import add_following, follow_runs, run_facts, run_lines
from enrichment.models import Run
from enrichment.selectors import bucket_money, remaining, workers_alive

SHOWN = 5  # latest runs and searches; the admin has them all


class Command(ProductCommand):
    help = "Shows how a bucket stands; without one, a line for each of the user's buckets."
    example = (
        "python manage.py bucket_status BUCKET\n"
        "  python manage.py bucket_status BUCKET --here    # works its jobs in this process until they are done\n"
        "  python manage.py bucket_status --user ann"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", nargs="?", metavar="BUCKET", help="The bucket's id")
        add_person(parser, required=False, help="Whose buckets")
        add_following(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        if options["bucket"] is None:
            self._all(options)
            return
        bucket, _ = row_in_team(Bucket.objects.select_related("owner"), options["bucket"], options)
        open_runs = list(Run.objects.filter(bucket=bucket, status__in=Run.ACTIVE).order_by("pk"))
        if open_runs and (options["wait"] or options["here"]):
            follow_runs(self, open_runs, here=options["here"])
            bucket.refresh_from_db()
        self._one(options, bucket)

    def _all(self, options: dict[str, Any]) -> None:
        if options["user"] is None:
            raise CommandError("Say which: BUCKET, or --user USERNAME for all of theirs.")
        buckets = list(Bucket.objects.seen_by(access_named(options)).select_related("owner").order_by("pk"))
        self.report(
            options,
            {"buckets": [_bucket_facts(bucket) for bucket in buckets]},
            [f"{b.pk}  {b.total_leads:>9,} leads  {b.phone_leads:>9,} with a phone  {b.name}" for b in buckets],
        )

    def _one(self, options: dict[str, Any], bucket: Bucket) -> None:
        runs = list(Run.objects.with_money().filter(bucket=bucket).select_related("bucket").order_by("-pk")[:SHOWN])
        fills = list(bucket.fills.order_by("-pk")[:SHOWN])
        spent, left, alive = bucket_money(bucket), remaining(bucket), workers_alive()
        facts = {
            "bucket": _bucket_facts(bucket) | {"remaining": left, "spent": spent},
            "fills": [_fill_facts(fill) for fill in fills],
            "runs": [run_facts(run) for run in runs],
            "workersAlive": alive,
        }
        lines = [
            f"{bucket.name}, of {bucket.owner.get_username()}: {bucket.get_enrichment_status_display().lower()}",
            f"  {bucket.total_leads:,} leads, {bucket.detailed_leads:,} with property data, {bucket.phone_leads:,} "
            f"with a phone, {bucket.queued_leads:,} waiting in a job, "
            f"{bucket.contacted_leads:,} contacted, ${spent:.2f} spent",
        ]
        lines += [f"Search {fill.pk}: {fill}. {fill.error}".rstrip() for fill in fills]
        lines += [line for run in runs for line in run_lines(run)]
        self.report(options, facts, lines)


def _bucket_facts(bucket: Bucket) -> dict[str, Any]:
    return {
        "id": bucket.pk,
        "name": bucket.name,
        "owner": bucket.owner.get_username(),
        "totalLeads": bucket.total_leads,
        "enrichedLeads": bucket.enriched_leads,
        "detailedLeads": bucket.detailed_leads,
        "phoneLeads": bucket.phone_leads,
        "queuedLeads": bucket.queued_leads,
        "contactedLeads": bucket.contacted_leads,
        "enrichmentStatus": bucket.enrichment_status,
        "enrichmentProgress": bucket.enrichment_progress,
    }


def _fill_facts(fill: Fill) -> dict[str, Any]:
    return {
        "id": fill.pk,
        "status": fill.status,
        "found": fill.found,
        "fetched": fill.fetched,
        "saved": fill.saved,
        "error": fill.error,
    }
