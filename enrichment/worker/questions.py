"""The questions that a worker asks a vendor about a batch of leads: by property, owner or business. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.worker import owner_traces
from enrichment.worker.owner_traces import Owner
from integrations.ledger import catalogue
from integrations.lookups import forgotten, stand_in_ids
from integrations.lookups import owned as owned_answers
from integrations.lookups.agreement import contradict
from integrations.lookups.identity import Name
from integrations.lookups.reveals import released
from integrations.vendors.contract import Query
from integrations.vendors.owners import is_business
from integrations.vendors.queries import (
    detail_query,
    organization_query,
    people_query,
    shared_query,
    skip_trace_query,
)
from leads.facts.names import names_of_lead, vendor_ids
from leads.keys.owner_keys import owner_keys
from leads.models import Lead
from leads.selection.filters import matching

# By `RunOptions.type`.
APOLLO_OPERATIONS: Mapping[str | None, str] = {"people": "apollo_people", "organizations": "apollo_organizations"}

# The facts of a property's detail that say who its owner is, and where.
OWNER_FACTS = (
    forgotten.FORGOTTEN, "first_name", "last_name", "owner_name", "owner_type", "second_owner_name",
    "property_address", "property_city", "property_state", "property_zip",
    "mailing_address", "mailing_city", "mailing_state", "mailing_zip",
)  # fmt: skip


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
    owners: dict[int, Owner] = field(default_factory=dict)  # item id -> whose other parcels its answer may serve

    def has(self, item_id: int) -> bool:
        return item_id in self.queries or item_id in self.unaskable or item_id in self.guarded | self.owned


def about_properties(_: RunOptions, items: Sequence[Waiting]) -> Questions:
    asked = Questions()
    rows = Lead.objects.filter(pk__among=[i.lead_id for i in items]).values("pk", "property_id", *stand_in_ids.ASKED_BY)
    leads = {row["pk"]: row for row in rows}
    joined = vendor_ids({pk: row["property_id"] for pk, row in leads.items()})
    first: dict[str, Query] = {}
    for item in items:
        lead = leads[item.lead_id]
        try:
            query = property_query(lead["property_id"], lead, joined.get(item.lead_id))
        except ValueError as error:
            asked.unaskable[item.id] = str(error)
            continue
        if _is_same(first.setdefault(query.key, query), query):
            asked.queries[item.id] = query  # another one by this name is left to the next claim
    return asked


def _is_same(one: Query, other: Query) -> bool:
    """Whether two questions of one key have one answer: they ask the same, and do not contradict each other."""
    if one is other or not stand_in_ids.is_stand_in(one.key):
        return True
    if stand_in_ids.asked(one.params) != stand_in_ids.asked(other.params):
        return False
    return not contradict([Name(text, text) for text in other.names], [one.key, *one.names])


def property_query(property_id: str, lead: Mapping[str, Any], joined: str | None) -> Query:
    """The detail question about a lead: by the vendor's id wherever it is known, so that one property is bought once.

    joined: that id, of a lead that is called by a stand-in. What is being bought, is in doubt or was answered under
    another name of the lead is seen too. Raises ValueError where none can be asked.
    """
    if not stand_in_ids.is_stand_in(property_id):
        return stand_in_ids.question(property_id, lead)
    query = detail_query(joined) if joined else stand_in_ids.question(property_id, lead)
    further = dict.fromkeys((property_id, *(name.text for name in names_of_lead(property_id, lead))))
    return replace(query, names=tuple(text for text in further if text != query.key))


def about_owners(options: RunOptions, items: Sequence[Waiting]) -> Questions:
    """Asks by the facts as they were bought, not as a person edited them: the same owner is the same question."""
    asked = Questions()
    leads = Lead.objects.filter(pk__among=[i.lead_id for i in items])
    allowed = None
    if options.guard:
        zone = leads.values_list("owner__time_zone", flat=True).first()
        passing = matching(leads, options.guard, time_zone=zone or "UTC")
        allowed = set(passing.values_list("pk", flat=True))
    bought = bought_details(dict(leads.values_list("pk", "property_id")))
    found: dict[int, Owner] = {}
    for item in items:
        if allowed is not None and item.lead_id not in allowed:
            asked.guarded.add(item.id)
            continue
        detail = bought.get(item.lead_id) or {}
        try:
            found[item.id] = owner_of(detail)
        except ValueError as error:
            asked.unaskable[item.id] = str(error)
    owners = owner_traces.without_crowded(found)
    asked.queries |= owner_traces.choose(owners, items, owners_of)
    asked.owners = {item_id: owner for item_id, owner in owners.items() if owner.shared is not None}
    return asked


def owners_of(leads: Mapping[UUID, str]) -> dict[UUID, Owner]:
    """Those of these leads' owners that are bought and can be asked about; leads are given with their property ids."""
    found: dict[UUID, Owner] = {}
    for pk, detail in (bought_details(leads) if leads else {}).items():
        with suppress(ValueError):
            found[pk] = owner_of(detail)
    return owner_traces.without_crowded(found)


def about_owner(detail: Mapping[str, Any]) -> Query:
    """By which question a run of this property alone would ask about its owner now. Raises ValueError."""
    owners = owner_traces.without_crowded({0: owner_of(detail)})
    return owner_traces.choose(owners, (), owners_of)[0]


def bought_details(leads: Mapping[UUID, str]) -> dict[UUID, Mapping[str, Any]]:
    """What the newest bought detail says of each of these leads, given with their property ids."""
    joined = vendor_ids(leads)
    keys = {pk: (property_id, joined.get(pk, property_id)) for pk, property_id in leads.items()}
    details = owned_answers.bought("property_detail").filter(
        key__among={key for pair in keys.values() for key in pair}, fetched_at__isnull=False
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
    if detail.get(forgotten.FORGOTTEN):
        raise ValueError(forgotten.REFUSED)
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


def owner_of(detail: Mapping[str, Any]) -> Owner:
    """The questions about a property's owner: by itself, and with her other parcels. Raises ValueError."""
    return _owner_of(*map(detail.get, OWNER_FACTS))


@lru_cache(maxsize=2**12)  # a parcel is looked at with each of its owner's others, and again where it has to wait
def _owner_of(*facts: Any) -> Owner:
    detail = dict(zip(OWNER_FACTS, facts, strict=True))
    shared = shared_question(detail)
    return Owner(owner_query(detail), shared, next(iter(owner_keys(detail)), None) if shared is not None else None)


def shared_question(detail: Mapping[str, Any]) -> Query | None:
    """The question about this owner that serves all her parcels; None where there is none."""
    return shared_query(
        first_name=detail.get("first_name"),
        last_name=detail.get("last_name"),
        owner_name=detail.get("owner_name"),
        owner_type=detail.get("owner_type"),
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
