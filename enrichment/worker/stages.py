"""What each stage of a run asks of a vendor, and what an answer does to the lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from enrichment.models import Run, RunItem
from integrations.ledger import catalogue
from integrations.ledger.gate import Owned, is_fragile
from integrations.ledger.pace import database_now
from integrations.ledger.reveals import released
from integrations.lookups import names
from integrations.models import Lookup, Operation
from integrations.vendors import adapters
from integrations.vendors.apollo import queries as apollo
from integrations.vendors.contract import Query
from integrations.vendors.errors import Category
from integrations.vendors.owners import is_business
from integrations.vendors.realestateapi import stand_in_ids
from integrations.vendors.realestateapi.queries import detail_query
from leads.facts import saving as facts
from leads.facts.incoming import take_vendor_ids
from leads.facts.saving import FactRow
from leads.models import Lead
from leads.selection.filters import matching

Stage = RunItem.Stage
DOUBTS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that is claimed in this transaction."""

    id: int
    lead_id: UUID
    attempts: int


@dataclass(slots=True)
class Questions:
    """What is to be asked for a batch. An item is in one place at most; one in none is left to the next claim."""

    queries: dict[int, Query] = field(default_factory=dict)
    unaskable: dict[int, str] = field(default_factory=dict)  # item id -> why
    guarded: set[int] = field(default_factory=set)
    owned: set[int] = field(default_factory=set)  # the lead has it already, by another question

    def has(self, item_id: int) -> bool:
        return item_id in self.queries or item_id in self.unaskable or item_id in self.guarded | self.owned


def stages_of(kind: str) -> tuple[RunItem.Stage, ...]:
    return (Stage.APOLLO,) if kind == Run.Kind.APOLLO else (Stage.DETAIL, Stage.SKIP_TRACE)


def operation_name(stage: int, options: Mapping[str, Any]) -> str:
    if stage == Stage.APOLLO:
        return "apollo_organizations" if options.get("type") == "organizations" else "apollo_people"
    return "property_detail" if stage == Stage.DETAIL else "skip_trace"


def fresh_after(stage: int, options: Mapping[str, Any]) -> datetime | None:
    """Since when an owned answer must be to serve this run. Only details are bought again: their owner's contacts
    follow by the usual rule, anew where the owner is another."""
    since = options.get("freshAfter") if stage == Stage.DETAIL else None
    return datetime.fromisoformat(since) if since else None


def operations_of(stage: int) -> tuple[str, ...]:
    """The operations one stage's pump serves."""
    if stage == Stage.APOLLO:
        return ("apollo_people", "apollo_organizations")
    return (operation_name(stage, {}),)


def largest_batch(operation: Operation) -> int:
    """How many items one request of this operation takes right now."""
    if operation.batch_refused_at is not None or is_fragile(operation):
        return 1
    return whole_batch(operation)


def whole_batch(operation: Operation) -> int:
    """How many items one request of this operation takes when all is well."""
    return min(int(operation.setting("batch")), adapters.adapter_for(operation.name).largest_batch)


def questions(stage: int, run: Run, items: Sequence[Waiting]) -> Questions:
    if stage == Stage.DETAIL:
        return _about_properties(items)
    if stage == Stage.SKIP_TRACE:
        return _about_owners(run, items)
    return _about_business(run, items)


def _about_properties(items: Sequence[Waiting]) -> Questions:
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


def leads_in_doubt(run: Run, items: Sequence[Waiting]) -> set[UUID]:
    """The leads among these whose purchase, by this run's questions, needs a billing check."""
    found: set[UUID] = set()
    for stage in stages_of(run.kind):
        operation = catalogue.operation(operation_name(stage, run.options))
        waiting = list(items)
        while waiting:
            part = waiting[:DOUBTS_AT_ONCE]
            asked = questions(stage, run, part)
            keys = {
                key: asked.queries[i.id] for i in part if i.id in asked.queries for key in _keys(asked.queries[i.id])
            }
            rows = Lookup.objects.filter(operation=operation, key__in=keys, state=Lookup.State.IN_DOUBT)
            doubtful = {keys[key].key for key in rows.values_list("key", flat=True)}
            found |= {i.lead_id for i in part if i.id in asked.queries and asked.queries[i.id].key in doubtful}
            left = [i for i in part if not asked.has(i.id)]  # one request has one flag: the next round has them
            waiting = waiting[DOUBTS_AT_ONCE:] + (left if len(left) < len(part) else [])
    return found


def _keys(query: Query) -> tuple[str, ...]:
    return (query.key, *query.names)


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


def _about_owners(run: Run, items: Sequence[Waiting]) -> Questions:
    """Asks by the facts as they were bought, not as somebody edited them: the same owner is the same question."""
    asked = Questions()
    leads = Lead.objects.filter(pk__in=[i.lead_id for i in items])
    guard = run.options.get("guard")
    allowed = None
    if guard:
        passing = matching(leads, guard, time_zone=run.owner.time_zone)
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
    return adapters.skip_trace_query(
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


def _about_business(run: Run, items: Sequence[Waiting]) -> Questions:
    asked = Questions()
    leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in=[i.lead_id for i in items])}
    organizations = run.options.get("type") == "organizations"
    fresh_after = catalogue.operation(operation_name(Stage.APOLLO, run.options)).fresh_since(database_now())
    reveals = bool(run.options.get("revealPhones")) and not organizations
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
                asked.queries[item.id] = apollo.organization_query(domain=None, name=_company_of(lead))
            else:
                asked.queries[item.id] = apollo.people_query(
                    first_name=lead.first_name,
                    last_name=lead.last_name,
                    email=lead.email,
                    reveal_emails=run.options.get("revealEmails", True),
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
    raise ValueError("Its owner is no company, and Apollo is asked about companies by their names.")


def _asked_for_phones(lead_ids: Sequence[UUID], since: datetime) -> set[UUID]:
    """Which of these leads a run has asked Apollo for phones of: they have come, are to come, or there are none.

    Those that an operator has released since are not: nothing was charged, so they can be asked for again.
    """
    let_go = released(since)
    items = RunItem.objects.filter(lead__in=lead_ids, stage=Stage.DONE, category="", run__kind=Run.Kind.APOLLO)
    items = items.filter(outcome__in=[RunItem.Outcome.ENRICHED, RunItem.Outcome.PARTIAL], run__created_at__gt=since)
    asked = items.filter(run__options__contains={"revealPhones": True})
    rows = asked.values_list("lead", "lead__apollo_person_id", "run__created_at")
    return {lead for lead, person, at in rows if at > let_go.get(person or "", since)}


_SOURCES = {Stage.DETAIL: facts.PROPERTY, Stage.SKIP_TRACE: facts.CONTACT, Stage.APOLLO: facts.APOLLO}


def write_facts(stage: int, run: Run, answers: Sequence[tuple[UUID, Owned]]) -> Mapping[UUID, Mapping[str, int]]:
    """Puts a batch of answers on its leads. "No match" leaves the skip trace's and Apollo's stamp too: it was asked.

    Returns by how much the buckets' counters grow, for `leads.counters.count_facts`.
    """
    if run.options.get("updateDb") is False:
        return {}
    rows = [
        FactRow(lead_id, owned.answer.facts, owned.fetched_at)
        for lead_id, owned in answers
        if owned.answer.found or owned.answer.category in (Category.SKIP_TRACE_EMPTY, *_asked_in_vain(stage))
    ]
    saved = facts.save_facts(_SOURCES[Stage(stage)], rows)
    if stage == Stage.DETAIL:
        told = {row.lead_id: row.facts["property_id"] for row in rows if "property_id" in row.facts}
        _take_vendor_ids(_joined_leads([row.lead_id for row in rows if row.lead_id not in told]) | told)
    return saved.grown


def _joined_leads(lead_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Those of these leads that are still called by an address or APN, and were asked for by their vendor's id."""
    rows = Lead.objects.filter(pk__in=lead_ids, property_id__contains=":").values_list("pk", "property_id")
    leads = dict(rows)
    joined = known_ids(leads.values())
    return {pk: joined[property_id] for pk, property_id in leads.items() if property_id in joined}


def _take_vendor_ids(told: Mapping[UUID, str]) -> None:
    """Leads that were asked for by address or APN are called by the vendor's id from now on, if that is owned too."""
    if not told:
        return
    details = Lookup.objects.filter(operation=catalogue.operation("property_detail"), key__in=list(told.values()))
    owned = set(details.filter(state=Lookup.State.ANSWERED, category="").values_list("key", flat=True))
    take_vendor_ids({lead_id: property_id for lead_id, property_id in told.items() if property_id in owned})


def _asked_in_vain(stage: int) -> tuple[Category, ...]:
    return (Category.NOT_FOUND,) if stage == Stage.APOLLO else ()


def pump_threads() -> int:
    return int(settings.VENDOR_IN_FLIGHT)
