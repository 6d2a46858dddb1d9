"""What the leads of a bucket are called, and which of the vendor's properties they are by that.

A lead's names come from its file or from what was bought for it; they hold within its bucket. Which property of the
vendor's it is, only bought answers say: `integrations.lookups.names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from common.db.arrays import joined
from integrations.lookups import names as learned
from integrations.lookups import stand_in_ids
from integrations.lookups.agreement import addresses_differ, contradict, parcels_differ, zips_differ
from integrations.lookups.identity import Name, names_of, possible_names_of
from leads.facts.sources import FILE
from leads.models import Lead, LeadName

NAMED_BY = stand_in_ids.ASKED_BY
Source = LeadName.Source


def names_of_lead(property_id: str, facts: Mapping[str, Any]) -> list[Name]:
    """Every name of a lead, the surest first. Its stand-in, which it was first called by, is one of them: but not a
    parcel number that an earlier version spelled without its separators, where the lead has the whole one.
    """
    names = names_of(facts)
    if not stand_in_ids.is_stand_in(property_id) or any(name.text == property_id for name in names):
        return names
    own = learned.plain_name(property_id)
    by_parcel = any(name.text.startswith(stand_in_ids.APN) for name in names)
    return names if property_id.startswith(stand_in_ids.APN) and by_parcel else [own, *names]


def names_of_row(property_id: str, facts: Mapping[str, Any]) -> list[Name]:
    """What a row of a file calls its property; its stand-in where the facts make no name."""
    own = stand_in_ids.is_stand_in(property_id)
    return names_of(facts) or ([learned.plain_name(property_id)] if own else [])


def copy_names(bucket_id: UUID, names: Iterable[tuple[str, Iterable[Name]]], source: str = Source.FILE) -> None:
    """Writes the names of leads that have none, by their ids. In a transaction that holds them."""
    copy_lines([lines_of(lead_id, bucket_id, called, source) for lead_id, called in names])


def lines_of(lead: object, bucket_id: UUID, called: Iterable[Name], source: str) -> str:
    """A lead's names for `copy_lines`. lead: its id, or what stands for the id until it has one."""
    before = f"{lead}\t{bucket_id}\t"
    return "".join([
        f"{before}{name.exact}\t{name.possible}\t{'t' if name.bare else 'f'}\t{source}\n"
        for name in {name.exact: name for name in called}.values()
    ])  # fmt: skip


def copy_lines(lines: Sequence[str]) -> None:
    """Writes names as `lines_of` has them. In the transaction that inserts their leads, or holds them."""
    if not any(lines):
        return
    columns = "lead_id, bucket_id, exact, loose, bare, source"
    with connection.cursor() as cursor, cursor.copy(f"COPY leads_leadname ({columns}) FROM STDIN") as copy:
        copy.write("".join(lines))


def rename(before: Mapping[UUID, Mapping[str, Any]], after: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Has leads be called by their facts after a person's file has changed them, or an undone one has changed them
    back: names by the facts before alone go, unless bought data says them too, and new ones are said by a file.

    By lead; before: the columns NAMED_BY; after: those of them that may differ. The stand-in a lead was first called by
    stays one of its names. In a transaction that holds the leads.
    """
    changed = {
        one: {**before[one], **{name: facts[name] for name in NAMED_BY if name in facts}}
        for one, facts in after.items()
        if any(name in facts and facts[name] != before[one][name] for name in NAMED_BY)
    }
    if not changed:
        return
    ids = dict(Lead.objects.filter(pk__in=changed).values_list("pk", "property_id"))  # a merged one has no names
    called = {
        one: [*names_of_lead(property_id, changed[one]), *possible_names_of(changed[one])]
        for one, property_id in ids.items()
    }
    ended = []
    for one, names in called.items():
        kept = {(name.exact, name.bare) for name in names}
        said = (*names_of(before[one]), *possible_names_of(before[one]))
        ended += [(one, name) for name in said if (name.exact, name.bare) not in kept]
    if ended:
        _end(ended)
    _write([(one, name) for one, names in called.items() for name in names], Source.FILE)


def add_names(names: Sequence[tuple[UUID, Name]]) -> None:
    """Gives leads further names that rows of a file have told, by their ids. In a transaction."""
    _write(names, Source.FILE)


# --- Which property it is --------------------------------------------------------------------------------------------


def vendor_ids(leads: Mapping[UUID, str]) -> dict[UUID, str]:
    """The vendor's ids of leads that are called by a stand-in, as far as bought answers tell; given with their ids.

    The one way to ask which property a lead is: for its question, its quote and its facts. Leads that have the vendor's
    id cost nothing here.
    """
    stand_ins = {pk: property_id for pk, property_id in leads.items() if stand_in_ids.is_stand_in(property_id)}
    if not stand_ins:
        return {}
    known = learned.known(set(stand_ins.values()))
    own = {pk: known[property_id] for pk, property_id in stand_ins.items() if property_id in known}
    called = _called_as_bought([pk for pk in stand_ins if pk not in own])
    rows = Lead.objects.filter(pk__in=[*own, *called]).values("pk", *NAMED_BY)
    facts = {row["pk"]: row for row in rows}
    bought = learned.names_by_id(set(own.values()))
    found = {pk: one for pk, one in own.items() if not _contradicts(facts.get(pk, {}), bought.get(one, ()))}
    return found | learned.known_ids({pk: names_of_lead(stand_ins[pk], facts[pk]) for pk in called if pk in facts})


def _contradicts(facts: Mapping[str, Any], called: Iterable[learned.Row]) -> bool:
    return contradict(names_of(facts), [row.text for row in called])


def _called_as_bought(lead_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these leads with a name that a bought property may have: by its hash, or by an APN's digits."""
    if not lead_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT n.lead_id FROM leads_leadname n
             WHERE n.lead_id = ANY(%s)
               AND (EXISTS (SELECT FROM integrations_propertyname p WHERE p.exact = n.exact)
                    OR EXISTS (SELECT FROM integrations_propertyname p
                                WHERE p.loose = n.loose AND p.name LIKE 'apn:%%'))
            """,
            [list(lead_ids)],
        )
        return [lead_id for (lead_id,) in cursor.fetchall()]


# --- What was bought says ---------------------------------------------------------------------------------------------


def write_bought_names(before: Mapping[UUID, Mapping[str, Any]], told: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Writes what bought details call these leads, and ends the names from a file that they contradict.

    before: the columns NAMED_BY that some of them had; told: the new facts. In a transaction that holds the leads.
    """
    rows = [(one, name) for one, facts in told.items() for name in (*names_of(facts), *possible_names_of(facts))]
    ended: list[tuple[UUID, Name]] = []
    for kind, contradicted in _KINDS.items():
        leads = [one for one, facts in told.items() if contradicted(before.get(one) or {}, facts)]
        ended += [(one, name) for one in leads for name in _of_kind(kind, before[one])]
        if leads:
            _end_kind(leads, kind)
    if ended:
        _end(ended)
    _write(rows, Source.VENDOR)


def _write(rows: Sequence[tuple[UUID, Name]], source: str) -> None:
    """Adds names of leads. What is there already has bought data as its source from then on, where that says it."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_leadname AS n (lead_id, bucket_id, exact, loose, bare, source)
            SELECT DISTINCT ON (c.lead_id, c.exact) c.lead_id, l.bucket_id, c.exact, c.loose, c.bare, %s
              FROM unnest(string_to_array(%s, ',')::uuid[], string_to_array(%s, ',')::bigint[],
                          string_to_array(%s, ',')::bigint[], string_to_array(%s, ',')::boolean[])
                   AS c(lead_id, exact, loose, bare)
              JOIN leads_lead l ON l.id = c.lead_id
             ORDER BY c.lead_id, c.exact
            ON CONFLICT (lead_id, exact) DO UPDATE
               SET source = CASE WHEN excluded.source = 'vendor' THEN excluded.source ELSE n.source END,
                   loose = excluded.loose, bare = n.bare OR excluded.bare
             WHERE (n.source <> excluded.source AND excluded.source = 'vendor') OR (excluded.bare AND NOT n.bare)
            """,
            [
                source,
                joined(lead_id for lead_id, _ in rows),
                joined(name.exact for _, name in rows),
                joined(name.possible for _, name in rows),
                joined(name.bare for _, name in rows),
            ],
        )


def _end(names: Sequence[tuple[UUID, Name]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM leads_leadname n USING unnest(%s::uuid[], %s::bigint[]) AS c(lead_id, exact)
             WHERE n.lead_id = c.lead_id AND n.exact = c.exact AND n.source = 'file'
            """,
            [[lead_id for lead_id, _ in names], [name.exact for _, name in names]],
        )


def _end_kind(leads: Sequence[UUID], kind: str) -> None:
    """Ends all that files have called these leads by an APN, or by an address: what rows have told since, too."""
    is_of_kind = "n.loose & 3 = 1" if kind == stand_in_ids.APN else "n.loose & 3 <> 1"  # see `identity.Name`
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM leads_leadname n WHERE n.lead_id = ANY(%s) AND n.source = 'file' AND {is_of_kind}",  # noqa: S608
            [list(leads)],
        )


def _of_kind(kind: str, facts: Mapping[str, Any]) -> list[Name]:
    said = {**facts, "property_address" if kind == stand_in_ids.APN else "apn": None}
    return [*names_of(said), *possible_names_of(said)]


def _other_parcel(before: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    return parcels_differ(before.get("apn"), told.get("apn"))


def _is_elsewhere(before: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Another house number, unit, street or ZIP."""
    if addresses_differ(before.get("property_address"), told.get("property_address")):
        return True
    return zips_differ(before.get("property_zip"), told.get("property_zip"))


_KINDS = {stand_in_ids.APN: _other_parcel, stand_in_ids.ADDRESS: _is_elsewhere}  # what contradicts names of a kind


def contradictions(lead: Lead) -> list[str]:
    """What the lead's file calls the property that its bought data contradicts, in words: it may be another one."""
    lost = lead.other_facts or {}
    asked = (
        ("apn", parcels_differ, "APN"),
        ("property_address", addresses_differ, "address"),
        ("property_zip", zips_differ, "ZIP"),
    )
    return [
        f"Your file gives the {words} {entry['value']}; purchased data says {getattr(lead, column)}: check that it is "
        "the same property."
        for column, differ, words in asked
        for entry in lost.get(column, ())
        if entry["source"] == FILE and differ(entry["value"], getattr(lead, column))
    ]
