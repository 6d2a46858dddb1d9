"""The questions that a worker asks a vendor about a batch of leads: by property, owner or business. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from integrations.ledger import catalogue
from integrations.lookups import names, stand_in_ids
from integrations.lookups.reveals import released
from integrations.models import Lookup
from integrations.vendors.contract import Query
from integrations.vendors.owners import is_business
from integrations.vendors.queries import detail_query, organization_query, people_query, skip_trace_query
from leads.models import Lead
from leads.selection.filters import matching

# By `RunOptions.type`.
APOLLO_OPERATIONS: Mapping[str | None, str] = {"people": "apollo_people", "organizations": "apollo_organizations"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that is claimed in this transaction."""

    id: int
    lead_id: UUID
    attempts: int


@dataclass(slots=True)
class Questions:
    """The questions for a batch. An item is in one place at most; an item in none is left to the next claim."""

    queries: dict[int, Query] = field(default_factory=dict)
    unaskable: dict[int, str] = field(default_factory=dict)  # item id -> why
    guarded: set[int] = field(default_factory=set)
    owned: set[int] = field(default_factory=set)  # the lead has it already, by another question

    def has(self, item_id: int) -> bool:
        return item_id in self.queries or item_id in self.unaskable or item_id in self.guarded | self.owned


def about_properties(_: RunOptions, items: Sequence[Waiting]) -> Questions:
    asked = Questions()
    rows = Lead.objects.filter(pk__in=[i.lead_id for i in items]).values("pk", "property_id", *stand_in_ids.ASKED_BY)
    leads = {row["pk"]: row for row in rows}
    joined = known_ids([row["property_id"] for row in leads.values()])
    for item in items:
        lead = leads[item.lead_id]
        try:
            asked.queries[item.id] = property_query(lead["property_id"], lead, joined)
        except ValueError as error:
            asked.unaskable[item.id] = str(error)
    return asked


def known_ids(property_ids: Iterable[str]) -> dict[str, str]:
    """The vendor's ids of the properties among these that a lead knows by address or APN alone."""
    return names.known([property_id for property_id in property_ids if stand_in_ids.is_stand_in(property_id)])


def property_query(property_id: str, lead: Mapping[str, Any], joined: Mapping[str, str]) -> Query:
    """The detail question about a lead: by the vendor's id wherever it is known, so that one property is bought once.

    joined: `known_ids`. Raises ValueError where none can be asked.
    """
    if property_id in joined:
        return replace(detail_query(joined[property_id]), names=(property_id,))
    return stand_in_ids.question(property_id, lead)


def about_owners(options: RunOptions, items: Sequence[Waiting]) -> Questions:
    """Asks by the facts as they were bought, not as a person edited them: the same owner is the same question."""
    asked = Questions()
    leads = Lead.objects.filter(pk__in=[i.lead_id for i in items])
    allowed = None
    if options.guard:
        zone = leads.values_list("owner__time_zone", flat=True).first()
        passing = matching(leads, options.guard, time_zone=zone or "UTC")
        allowed = set(passing.values_list("pk", flat=True))
    bought = bought_details(dict(leads.values_list("pk", "property_id")))
    for item in items:
        if allowed is not None and item.lead_id not in allowed:
            asked.guarded.add(item.id)
            continue
        try:
            asked.queries[item.id] = owner_query(bought.get(item.lead_id) or {})
        except ValueError as error:
            asked.unaskable[item.id] = str(error)
    return asked


def bought_details(leads: Mapping[UUID, str]) -> dict[UUID, Mapping[str, Any]]:
    """What the newest bought detail says of each of these leads, given with their property ids."""
    joined = known_ids(leads.values())
    keys = {pk: (property_id, joined.get(property_id, property_id)) for pk, property_id in leads.items()}
    details = Lookup.objects.filter(
        operation=catalogue.operation("property_detail"),
        key__in={key for pair in keys.values() for key in pair},
        fetched_at__isnull=False,
    )
    rows: dict[str, tuple[Any, Mapping[str, Any]]] = {
        key: (fetched_at, facts or {}) for key, fetched_at, facts in details.values_list("key", "fetched_at", "facts")
    }
    found = {}
    for pk, pair in keys.items():
        known = [rows[key] for key in pair if key in rows]
        if known:
            found[pk] = max(known, key=lambda row: row[0])[1]
    return found


def owner_query(detail: Mapping[str, Any]) -> Query:
    """The skip-trace question that follows from a property's bought detail. Raises ValueError where none does."""
    return skip_trace_query(
        first_name=detail.get("first_name"),
        last_name=detail.get("last_name"),
        owner_name=detail.get("owner_name"),
        address=detail.get("property_address"),
        city=detail.get("property_city"),
        state=detail.get("property_state"),
        zip=detail.get("property_zip"),
        mail_address=detail.get("mailing_address"),
        mail_city=detail.get("mailing_city"),
        mail_state=detail.get("mailing_state"),
        mail_zip=detail.get("mailing_zip"),
    )


def about_businesses(options: RunOptions, items: Sequence[Waiting]) -> Questions:
    asked = Questions()
    leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=[i.lead_id for i in items])}
    organizations = options.type == "organizations"
    fresh_after = catalogue.operation(APOLLO_OPERATIONS[options.type]).fresh_since(database_now())
    reveals = options.reveal_phones and not organizations
    revealed = _asked_for_phones(list(leads), fresh_after) if reveals else set()
    with_phones: bool | None = None  # one request has one flag; the first question says which
    for item in items:
        lead = leads[item.lead_id]
        found = lead.apollo_org_id if organizations else lead.apollo_person_id
        wants_phone = reveals and not lead.phone  # a second one would be paid for and find no place
        fresh = bool(found and lead.apollo_enriched_at and lead.apollo_enriched_at > fresh_after)
        if fresh and (not wants_phone or lead.pk in revealed):
            asked.owned.add(item.id)  # Apollo's own answer may have changed the lead, and with it the question
            continue
        if with_phones not in (None, wants_phone):
            continue  # not taken, so the next claim has it
        try:
            if organizations:
                asked.queries[item.id] = organization_query(domain=None, name=_company_of(lead))
            else:
                asked.queries[item.id] = people_query(
                    first_name=lead.first_name,
                    last_name=lead.last_name,
                    email=lead.email,
                    reveal_emails=options.reveal_emails,
                    reveal_phones=wants_phone,
                )
                with_phones = wants_phone
        except ValueError as error:
            asked.unaskable[item.id] = str(error)
    return asked


def _company_of(lead: Lead) -> str:
    """The company to ask Apollo about: the owner, or where that is a person, whom Apollo has named as the employer.

    Raises ValueError where there is none: a person's name asked as a company's finds a namesake.
    """
    if lead.owner_name and is_business(lead.owner_name, lead.owner_type):
        return lead.owner_name
    if lead.apollo_company:
        return lead.apollo_company
    raise ValueError("Its owner is not a company, and Apollo finds companies by name.")


def _asked_for_phones(lead_ids: Sequence[UUID], since: datetime) -> set[UUID]:
    """Which of these leads a run has asked Apollo for phones of: they have come, are to come, or there are none.

    Those that an operator has released since are not: nothing was charged, so they can be asked for again.
    """
    let_go = released(since)
    items = RunItem.objects.filter(lead__in=lead_ids, stage=RunItem.Stage.DONE, category="", run__kind=Run.Kind.APOLLO)
    items = items.filter(outcome__in=[RunItem.Outcome.ENRICHED, RunItem.Outcome.PARTIAL], run__created_at__gt=since)
    asked = items.filter(run__options__contains={"revealPhones": True})
    rows = asked.values_list("lead", "lead__apollo_person_id", "run__created_at")
    return {lead for lead, person, at in rows if at > let_go.get(person or "", since)}
