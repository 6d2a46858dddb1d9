"""Which leads and purchased data hold a person, by indexes: at 1,000,000 leads and as many look-ups in under 2 s.

Leads are found by their keys; purchased data by migration integrations 0017. What neither tells (former values in a
file's own columns, rows of searches), the job finds that looks at every row.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from common.db.arrays import hexed, joined
from integrations.vendors import normalise
from integrations.vendors.addresses import mailing_key
from leads.keys.owner_keys import EMAIL, OWNER, PHONE, name_keys
from leads.models import Activity, Lead
from leads.privacy.filtering import digests_of
from leads.privacy.person import given_values, names_beside, names_of, places_of, without
from leads.privacy.texts import Value

ROUNDS = 3  # from a phone to a name at an address, to her other leads, to their phones
OTHERS_MOST = 2  # other owners who may have her phone too (a couple, an heir): what more have is not hers alone
MOST_LEADS = 20_000  # of one person: an owner of more is a company, and the job finds the rest
FACTS = (
    "owner_name", "first_name", "last_name", "second_owner_name", "owner_type", "email", "phone", "phone_type",
    "phone_do_not_call", "secondary_phone", "secondary_phone_type", "secondary_phone_do_not_call", "contact_name",
    "contact_is_other", "mailing_address", "mailing_city", "mailing_state", "mailing_zip", "traced_address",
    "traced_city", "traced_state", "traced_zip", "property_address", "property_city", "property_zip", "property_county",
    "property_type", "apollo_person_id", "apollo_org_id", "apollo_title", "apollo_company", "apollo_industry",
    "apollo_linkedin_url", "apollo_employee_count", "apollo_data", "fact_sources", "other_facts", "data", "custom",
    "enrichment_status", "enrichment_error",
)  # fmt: skip


class Everywhere(Enum):
    """All teams, and what is no team's. A value of its own: somebody without a team is not given everything."""

    EVERYWHERE = "all teams"


EVERYWHERE = Everywhere.EVERYWHERE
Reach = int | Everywhere  # a team's id, or all of them


class BadPerson(ValueError):
    """What was given names nobody. fields: {input: what is wrong with it}."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom an operator means, as `normalise` spells it: a phone, an e-mail, a name and an address, or more of them."""

    phone: str = ""
    email: str = ""
    name: str = ""
    address: str = ""
    zip: str = ""

    @classmethod
    def of(cls, *, phone: str = "", email: str = "", name: str = "", address: str = "", zip: str = "") -> Asked:
        """Raises BadPerson."""
        wrong = {}
        number, mail, code = normalise.phone(phone), normalise.email(email), normalise.zip5(zip)
        if phone and number is None:
            wrong["phone"] = "Enter a US phone number, such as (512) 555-0100."
        if email and mail is None:
            wrong["email"] = "Enter an e-mail address, such as ann@example.com."
        if address and not (mailing_key(address, code)):
            wrong["zip" if address and not code else "address"] = "Enter a street line and a five-digit ZIP."
        if zip and not address:
            wrong["address"] = "Enter the street line of the address as well."
        if name and not name_keys(name):
            wrong["name"] = "Enter a first and a last name, or a company's name."
        if not wrong and not (number or mail or (name and address)):
            wrong["name" if address else "phone"] = "Enter a phone, an e-mail, or a name and an address."
        if wrong:
            raise BadPerson(**wrong)
        return cls(number or "", mail or "", normalise.text(name) or "", normalise.text(address) or "", code or "")

    @property
    def values(self) -> set[Value]:
        return given_values(phone=self.phone, email=self.email, name=self.name, address=self.address, zip=self.zip)

    @property
    def to_type(self) -> str:
        """What is typed to confirm: the name where one was given."""
        return self.name or self.phone or self.email

    def is_typed(self, text: str) -> bool:
        if self.name:
            return normalise.fold(text) == normalise.fold(self.name)
        return (normalise.phone(text) == self.phone) if self.phone else text.strip().casefold() == self.email.casefold()


@dataclass(slots=True)
class Found:
    """values: by which she is known. names: her name's keys; several_names: the phone or e-mail stands beside more than
    one, so that names stay. shared: phones and e-mails of hers that others have too: they are no values.
    leads: {id: team id}; lookups: ids.
    """

    values: set[Value]
    names: set[str] = field(default_factory=set)
    several_names: bool = False
    shared: set[Value] = field(default_factory=set)
    leads: dict[UUID, int] = field(default_factory=dict)
    lookups: set[int] = field(default_factory=set)

    @property
    def teams(self) -> dict[int, int]:
        """Leads by team."""
        return dict(Counter(self.leads.values()))


def find(asked: Asked, *, within: Reach) -> Found:
    """Everything about a person that the indexes know. within: of one team its leads alone, without purchased data.

    1. Leads and purchased data that bear what was asked for.
    2. Her name, where one alone stands beside the phone or the e-mail; then her addresses, phones and e-mails there.
    3. Again with these, up to ROUNDS times. Keys that many owners share (a title company's phone) lead nowhere.
    """
    found = Found(asked.values)
    seeds = {value for value in found.values if value[0] in (PHONE, EMAIL)}
    given = set(name_keys(asked.name)) if asked.name else set()
    searched: set[Value] = set()
    rows: dict[Any, Mapping[str, Any]] = {}
    for _ in range(ROUNDS):
        new = found.values - searched
        if not new:
            break
        searched |= new
        joining = new if not searched - new else new - _crowded(new)
        leads = _leads(joining, within)
        found.leads |= {pk: row["team_id"] for pk, row in leads.items()}
        rows |= leads
        if within is EVERYWHERE:
            lookups = _lookups(joining)
            found.lookups |= set(lookups)
            rows |= lookups
        learned = _learn(found, rows.values(), seeds - _crowded(seeds), given) - found.values - found.shared
        found.shared |= _shared(learned, found.names, within)
        found.values |= learned - found.shared
    return found


def _learn(found: Found, rows: Any, seeds: set[Value], given: set[str]) -> set[Value]:
    """Adds by what else she is known in these records. Returns phones and e-mails that stand beside her there."""
    names = set(given)
    beside = {frozenset(one) for row in rows for seed in seeds if (one := names_beside(row, seed))}
    if not names:
        found.several_names = len(beside) > 1 or any(len(one) > 1 for one in beside)
        names = set() if found.several_names else {name for one in beside for name in one}
    found.names |= names
    learned: set[Value] = set()
    for row in rows:
        places = places_of(row)
        for name in names & names_of(row):
            if any((kind, place) in seeds for place in places for kind in (PHONE, EMAIL)) or any(
                (OWNER, f"{name}|{place}") in found.values for place in places
            ):
                found.values |= {(OWNER, f"{name}|{place}") for place in places}
        cut = without(row, found.values)
        if cut.names:
            learned |= cut.values
    return learned


def _shared(learned: set[Value], names: set[str], within: Reach) -> set[Value]:
    """Those of these that several other owners have: a title company's phone that a trace gave as hers."""
    crowded = _crowded(learned)
    few = learned - crowded
    rows: list[Mapping[str, Any]] = [*_leads(few, within).values()]
    if within is EVERYWHERE:
        rows += _lookups(few).values()
    others: dict[Value, set[frozenset[str]]] = {value: set() for value in few}
    for row in rows:
        for value in few if names.isdisjoint(names_of(row)) else ():
            others[value] |= {frozenset(one) for one in [names_beside(row, value)] if one}
    return crowded | {value for value, owners in others.items() if len(owners) > OTHERS_MOST}


def _crowded(values: set[Value]) -> set[Value]:
    if not values:
        return set()
    digests = digests_of(values)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.kind, c.digest FROM leads_contactkey c
              JOIN unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest)
                ON (c.kind, c.digest) = (n.kind, decode(n.digest, 'hex'))
             WHERE c.crowded
            """,
            [joined(kind for kind, _ in digests), hexed(one for _, one in digests)],
        )
        return {digests[kind, bytes(one)] for kind, one in cursor.fetchall()}


def _leads(values: set[Value], within: Reach) -> dict[UUID, dict[str, Any]]:
    """Leads that bear one of these, and those that are merged into them."""
    digests = digests_of(values)
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT k.lead_id FROM leads_contactkey c JOIN leads_leadkey k ON k.key_id = c.id
             WHERE (c.kind, c.digest) IN (
                   SELECT n.kind, decode(n.digest, 'hex')
                     FROM unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest))
             LIMIT %s
            """,
            [joined(kind for kind, _ in digests), hexed(one for _, one in digests), MOST_LEADS],
        )
        ids = [lead_id for (lead_id,) in cursor.fetchall()]
    rows = Lead.every.filter(Q(pk__in=ids) | Q(merged_into__in=ids)).order_by()
    if within is not EVERYWHERE:
        rows = rows.filter(team_id=within)
    return {row["pk"]: row for row in rows.values("pk", "team_id", *FACTS)}


# The expressions of the indexes of migration integrations 0017.
CONTACT_INDEXES = ("facts->>'phone'", "facts->>'secondary_phone'", "facts->>'email'")
HOUSE = "substring(facts->>'mailing_address' from '[0-9]+')"


def _lookups(values: set[Value]) -> dict[int, dict[str, Any]]:
    """Purchased answers that bear one of these. By an address: those at its number and ZIP, whose names are read."""
    contacts = [value for kind, value in values if kind in (PHONE, EMAIL)]
    houses = {(number[0], code) for kind, value in values if kind == OWNER and (code := value.rpartition("|")[2])
              and code.isdigit() and (number := re.search(r"\d+", value.split("|", 1)[1]))}  # fmt: skip
    anywhere = " OR ".join(f"{expression} = ANY(%(contacts)s)" for expression in CONTACT_INDEXES)
    found: dict[int, dict[str, Any]] = {}
    with connection.cursor() as cursor:
        if contacts:
            cursor.execute(
                f"SELECT id, facts FROM integrations_lookup WHERE {anywhere} LIMIT {MOST_LEADS}",  # noqa: S608
                {"contacts": contacts},
            )
            found |= {pk: _json(facts) for pk, facts in cursor.fetchall()}
        if houses:
            cursor.execute(
                f"""
                SELECT id, facts FROM integrations_lookup
                 WHERE (facts->>'mailing_zip', {HOUSE}) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
                 LIMIT {MOST_LEADS}
                """,  # noqa: S608
                [[code for _, code in houses], [number for number, _ in houses]],
            )
            at_houses = {pk: _json(facts) for pk, facts in cursor.fetchall()}
            found |= {pk: facts for pk, facts in at_houses.items() if without(facts, values).changes}
    return found


def _json(value: Any) -> dict[str, Any]:
    read = json.loads(value) if isinstance(value, str) else value
    return read or {}


def activities_of(found: Found) -> int:
    return Activity.objects.filter(lead__in=list(found.leads)).exclude(text="").count()
