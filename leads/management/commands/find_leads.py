"""`manage.py find_leads TEXT --user USERNAME`: a user's leads by what a person types, filtered and sorted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access import Access, Scope
from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand, id_of, texts_of
from common.contact_access import masked
from leads.models import Lead
from leads.registries import buckets_of
from leads.selection.filters import matching
from leads.selection.ranking import in_places, ranked
from leads.selection.search import sought
from leads.selection.sorting import SORTS, sort_of, sorted_page

LIMIT, LIMIT_MAX = 20, 500


class Command(ProductCommand):
    help = (
        "Finds leads of a user by address, street, city, ZIP, APN, owner or id, and by phone and e-mail: not for "
        "who may not see contacts. Phones and e-mails are masked."
    )
    example = 'python manage.py find_leads "108 Meadow Pl, Phoenix" --user ann --where hasPhone=true'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="What to find; empty: all")
        add_person(parser, required=True, help="Whose leads")
        parser.add_argument("--bucket", metavar="BUCKET", help="Only leads of the bucket with this id")
        parser.add_argument(
            "--where",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="Only leads that pass this filter, by the API's names; match=any: one of them is enough",
        )
        parser.add_argument(
            "--sort", metavar="NAME", help=f"One of {', '.join(SORTS)}; --sort=-NAME: the highest or latest first"
        )
        parser.add_argument("--limit", type=int, default=LIMIT, help=f"Leads at most, up to {LIMIT_MAX}")

    def handle(self, *_: object, **options: Any) -> None:
        access = access_named(options)
        if not 1 <= options["limit"] <= LIMIT_MAX:
            raise CommandError(f"--limit takes 1 to {LIMIT_MAX}.")
        buckets = buckets_of(access).filter(team=access.team_id)
        if options["bucket"]:
            buckets = buckets.filter(pk=id_of(options["bucket"], "bucket"))
            if not buckets.exists():
                raise CommandError(f"{access.user} has no bucket {options['bucket']}.")
        leads = _found(options, access, buckets)
        lines = [f"{lead.pk}  {_whom(lead)}" for lead in leads] or ["No lead is found."]
        self.report(options, {"leads": [_facts(lead) for lead in leads]}, lines)


def _found(options: dict[str, Any], access: Access, buckets: Any) -> list[Lead]:
    mine = Lead.objects.seen_by(access)
    if options["bucket"]:
        mine = mine.filter(bucket=buckets.get())
    wanted, contacts = texts_of(options["where"], "--where"), access.can(Scope.CONTACTS)
    leads = matching(
        mine, wanted, time_zone=access.user.time_zone, contacts=contacts, me=access.user.pk, team_id=access.team_id
    )
    leads = leads.select_related("bucket", "status_label").defer("apollo_data")
    text = options["text"].strip()
    search = sought(text, by=access, contacts=contacts) if text else None
    if search is not None and not options["sort"]:
        return in_places(leads, ranked(leads, search, of=mine, limit=options["limit"]))
    leads = leads if search is None else leads.filter(search.matches)
    several = None if options["bucket"] else buckets
    sort = sort_of(options["sort"] or "-createdAt", contacts=contacts, team_id=access.team_id)
    return sorted_page(leads, sort, limit=options["limit"], buckets=several)


def _facts(lead: Lead) -> dict[str, Any]:
    return {
        "leadId": lead.pk,
        "propertyId": lead.property_id,
        "bucketId": lead.bucket_id,
        "bucketName": lead.bucket.name,
        "status": lead.status,
        "statusLabel": lead.status_label.name if lead.status_label else None,
        "customFields": lead.custom or {},
        "ownerName": lead.owner_name,
        "propertyAddress": lead.property_address,
        "propertyCity": lead.property_city,
        "propertyState": lead.property_state,
        "propertyZip": lead.property_zip,
        "apn": lead.apn,
        "phone": masked("phone", lead.phone),
        "email": masked("email", lead.email),
        "estimatedValue": lead.estimated_value,
        "estimatedEquity": lead.estimated_equity,
        "lastContactAt": lead.last_contact_at,
    }


def _whom(lead: Lead) -> str:
    parts = (str(lead), lead.property_city, lead.owner_name, masked("phone", lead.phone), lead.bucket.name)
    return ", ".join(part for part in parts if part)
