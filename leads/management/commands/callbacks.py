"""`manage.py callbacks --user USERNAME`: whom to call back now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import access_named, add_person
from common.commands.base import ProductCommand
from common.contact_access import masked
from common.dates import moment
from leads.calendar import clock
from leads.models import Lead


class Command(ProductCommand):
    help = "Lists the callbacks of a user that are due, those that wait longest first. Phones are masked."
    example = "python manage.py callbacks --user ann"

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, required=True, help="Whose leads")

    def handle(self, *_: object, **options: Any) -> None:
        due = Lead.objects.seen_by(access_named(options)).to_call_back(before=clock.now()).select_related("bucket")
        leads: list[Any] = list(due.defer("apollo_data").order_by("callback_at", "pk"))
        lines = [f"{moment(lead.callback_at)}  {lead.pk}  {_whom(lead)}" for lead in leads]
        self.report(options, {"callbacks": [_facts(lead) for lead in leads]}, lines)


def _facts(lead: Lead) -> dict[str, Any]:
    return {
        "leadId": lead.pk,
        "callbackAt": lead.callback_at,
        "bucketId": lead.bucket_id,
        "bucketName": lead.bucket.name,
        "ownerName": lead.owner_name,
        "propertyAddress": lead.property_address,
        "phone": masked("phone", lead.phone),
        "phoneDoNotCall": lead.phone_do_not_call,
    }


def _whom(lead: Lead) -> str:
    mark = " (do not call)" if lead.phone_do_not_call else ""
    phone = lead.phone and f"{masked('phone', lead.phone)}{mark}"
    return ", ".join(filter(None, (lead.owner_name, str(lead), phone, lead.bucket.name)))
