"""`manage.py add_lead BUCKET`: one lead by hand."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import Scope
from accounts.management.base import access_named, add_person
from buckets.imports.by_hand import FIELDS, BadLead, add_lead
from buckets.models import Bucket
from buckets.services import BucketGone, TeamFull
from common.commands.base import ProductCommand, row_of


def _flag(field: str) -> str:
    """ownerName: --owner-name."""
    return "--" + re.sub(r"[A-Z]", lambda letter: f"-{letter.group().lower()}", field)


class Command(ProductCommand):
    help = "Adds a lead by hand, or finds the lead of the bucket that is the same property. Costs nothing."
    example = (
        'python manage.py add_lead BUCKET_ID --user ann --address "12 Main St" --city Seattle --state WA '
        '--owner-name "Jo Smith" --phone "(206) 555-0142"'
    )
    refusals = (BadLead, TeamFull, BucketGone)
    writes_leads = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bucket", metavar="BUCKET", help="The bucket's id")
        add_person(parser, required=True, help="Who types it")
        for field, words in FIELDS.items():
            parser.add_argument(_flag(field), dest=field, default="", metavar="TEXT", help=words)

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        if access.only_assigned or not access.can(Scope.WRITE):
            raise CommandError(f"{access.user} may not add leads in this team.")
        bucket = row_of(Bucket.objects.worked_by(access), options["bucket"])
        said = {field: str(options[field]) for field in FIELDS}
        try:
            added = add_lead(bucket=bucket, by=access.user, said=said)
        except BadLead as error:
            raise CommandError("; ".join(f"{_flag(field)}: {words}" for field, words in error.errors.items())) from None
        facts = {"lead": {"id": added.lead.pk, "bucketId": bucket.pk, "isNew": added.is_new}}
        words = "Added" if added.is_new else "The bucket has it already"
        self.report(options, facts, [f"{words}: {added.lead} ({added.lead.pk})"])
