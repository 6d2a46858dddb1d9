"""`manage.py combine_buckets NAME`: a bucket of the leads on all of, any of and none of others. Free."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import access_named, add_person
from buckets.filling.algebra import Sets
from buckets.filling.fills import combine
from buckets.management.base import LATER, add_following, follow_fill
from common.commands.base import ProductCommand, id_of
from enrichment.quoting.combination_preview import Preview, preview

LEFT_OUT = "{:,} left out as possibly the same as a lead on an excluded list"


class Command(ProductCommand):
    writes_leads = True
    help = "Makes a bucket of leads on all of, on any of and not on a team's buckets. It is free."
    example = (
        'python manage.py combine_buckets "Absentee, not yet called" --user ann --all-of A B --none-of C --preview\n'
        "  A, B and C are ids of buckets: bucket_status --user ann"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The new bucket's name")
        add_person(parser, required=True, help="Whose buckets")
        for flag, words in (("all", "every one"), ("any", "at least one"), ("none", "none")):
            parser.add_argument(
                f"--{flag}-of", nargs="+", default=[], metavar="BUCKET", help=f"A property must be in {words} of these"
            )
        add_following(parser)
        parser.add_argument("--preview", action="store_true", help="Say what it would hold and cost, and make nothing")

    def handle(self, *_args: object, **options: Any) -> None:
        access = access_named(options)
        who: dict[str, Any] = {"by": access.user, "team_id": access.team_id}
        sets = Sets(
            *(tuple(id_of(text, "bucket") for text in options[f"{part}_of"]) for part in ("all", "any", "none"))
        )
        if options["preview"]:
            would_be = preview(**who, sets=sets)
            self.report(options, {"preview": _facts(would_be)}, _lines(would_be))
            return
        fill = combine(**who, name=options["name"], sets=sets)
        if fill.pending_slices and (options["wait"] or options["here"]):
            follow_fill(fill, here=options["here"], out=self.stderr)
        bucket = fill.bucket
        bucket.refresh_from_db()
        facts = {
            "bucket": {"id": bucket.pk, "name": bucket.name, "totalLeads": bucket.total_leads},
            "fill": {
                "id": fill.pk,
                "status": fill.status,
                "found": fill.found,
                "saved": fill.saved,
                "leftOut": fill.left_out,
            },
        }
        left_out = [LEFT_OUT.format(fill.left_out)] if fill.left_out else []
        lines = [
            f"Bucket {bucket.pk}: {bucket.total_leads:,} leads",
            *left_out,
            *([LATER] if fill.pending_slices else []),
        ]
        self.report(options, facts, lines)


def _facts(would_be: Preview) -> dict[str, Any]:
    return {
        "total": would_be.total,
        "owned": would_be.owned,
        "stale": would_be.stale,
        "new": would_be.new,
        "leftOut": would_be.left_out,
        "price": would_be.price,
        "stalePrice": would_be.stale_price,
    }


def _lines(would_be: Preview) -> list[str]:
    return [
        f"{would_be.total:,} leads: {would_be.owned:,} owned ($0), {would_be.stale:,} bought too long ago, "
        f"{would_be.new:,} new",
        f"Enriching the new ones costs at most ${would_be.price:.2f}; buying the stale details again, at most "
        f"${would_be.stale_price:.2f}.",
        *([LEFT_OUT.format(would_be.left_out)] if would_be.left_out else []),
    ]
