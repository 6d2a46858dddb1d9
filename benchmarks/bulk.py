"""One thing done to many leads, and undone: a tag and a status.

Measured: from the press to the last piece, by the services that the page, the API and the command call: counting and
writing down the leads, pieces of 5,000 in a transaction each, with activities, counters and what undoing needs, in one
worker; and the undoing of it. The baseline of each is the least PostgreSQL can be asked for: the same rows changed by
one statement of psycopg's, and its commit.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from benchmarks.harness import Contestant, Report, by_rate, race
from benchmarks.place import Place

_run = count(1)


def measure(place: Place, *, rows: int, rounds: int) -> list[Report]:
    from accounts.access import own_access
    from leads.bulk import services
    from leads.bulk.working import continue_job
    from leads.models import BulkJob, Lead
    from leads.services import tag_named

    access = own_access(place.user)
    team_id = access.team_id or 0
    database = place.connect()
    ids = list(Lead.objects.filter(team=team_id).order_by("pk").values_list("pk", flat=True)[:rows])
    services.SOON = 0  # a worker's part is done here
    chosen = Lead.objects.filter(team_id=team_id, pk__lte=ids[-1])

    def through(job: BulkJob) -> BulkJob:
        while continue_job(job.pk):
            pass
        job.refresh_from_db()
        return job

    def start(kind: str, **said: Any) -> BulkJob:
        job, _ = services.start_bulk(access=access, kind=kind, leads=lambda: chosen, arguments=said, expect=rows)
        return through(job)

    def undo(job: BulkJob) -> int:
        services.undo_bulk(job=job, by=place.user)
        return through(job).restored

    def raw(sql: str, *values: Any) -> int:
        with database.transaction(), database.cursor() as cursor:
            cursor.execute(sql, [*values, ids])
            return cursor.rowcount

    def forget() -> None:
        with database.transaction():
            database.execute("TRUNCATE leads_bulkpiece, leads_bulkchange, leads_lead_tags")
            database.execute("DELETE FROM leads_activity WHERE kind = 'status'")
            database.execute(
                "UPDATE leads_lead SET status = 'new', activity_count = 0 WHERE id = ANY(%s) AND status <> 'new'", [ids]
            )
            database.execute("UPDATE buckets_bucket SET contacted_leads = 0")
        place.settle()

    def a_tag() -> str:
        return str(tag_named(f"bench {next(_run)}", by=place.user, team_id=team_id).pk)

    tagging = [
        Contestant(
            "one INSERT",
            lambda tag: raw("INSERT INTO leads_lead_tags (tag_id, lead_id) SELECT %s, unnest(%s::uuid[])", tag),
            a_tag,
            forget,
        ),
        Contestant("tag, as a job", lambda name: start("tag", tag=name).changed, lambda: f"job {next(_run)}", forget),
        Contestant("undo of the tag", undo, lambda: start("tag", tag=f"job {next(_run)}"), forget),
    ]
    moving = [
        Contestant(
            "one UPDATE",
            lambda _: raw("UPDATE leads_lead SET status = %s, updated_at = now() WHERE id = ANY(%s)", "lost"),
            restore=forget,
        ),
        Contestant("status, as a job", lambda _: start("status", status="lost").changed, restore=forget),
        Contestant("undo of the status", undo, lambda: start("status", status="lost"), forget),
    ]
    reports: list[Report] = []
    for what, contestants in (("tag", tagging), ("status", moving)):
        baseline = contestants[0].name
        reports.append(
            {
                "benchmark": f"bulk {what}",
                "what": f"{what} of {rows:,} leads of {place.leads:,}",
                "baseline": baseline,
                "results": by_rate(race(contestants, rounds=rounds, rows=rows), rows=rows, baseline=baseline),
            }
        )
    database.close()
    return reports
