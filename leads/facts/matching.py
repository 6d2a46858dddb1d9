"""Which lead of a bucket a new row is, by what both are called. Pure but for `known_leads`, which reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from common.db.arrays import joined
from integrations.lookups.agreement import addresses_differ, houses_differ, parcels_differ, zips_differ
from integrations.lookups.identity import Name
from integrations.lookups.names import Row
from integrations.lookups.stand_in_ids import ADDRESS, APN, fitting, is_stand_in
from integrations.naming import street_lines
from leads.facts.batches import Asked


class Known(NamedTuple):
    """A lead of the bucket, or an earlier row that is to be one. lead_id: as text."""

    lead_id: str
    property_id: str
    apn: str | None
    street: str | None
    zip: str | None = None

    @classmethod
    def of_row(cls, lead_id: str, property_id: str, facts: Mapping[str, Any]) -> Known:
        """A row that is to be a lead."""
        get = facts.get
        return cls(lead_id, property_id, get("apn"), get("property_address"), get("property_zip"))

    def is_another(self, property_id: str, facts: Mapping[str, Any]) -> bool:
        """Whether a row that shares a name is another property all the same: another id of the vendor's, another
        parcel number, house number or unit."""
        if not is_stand_in(self.property_id) and not is_stand_in(property_id) and self.property_id != property_id:
            return True
        return parcels_differ(self.apn, facts.get("apn")) or houses_differ(self.street, facts.get("property_address"))

    def is_elsewhere(self, facts: Mapping[str, Any]) -> bool:
        """Whether a row's address has another ZIP."""
        street = facts.get("property_address")
        return bool(self.street and street) and zips_differ(self.zip, facts.get("property_zip"))

    def is_whole_house(self, facts: Mapping[str, Any]) -> bool:
        """Whether a row is a unit and this a house without one: under one parcel number it may be any of its units."""
        street = facts.get("property_address")
        if not self.street or not street or street == self.street:
            return False
        house, unit = street_lines.house_and_unit(self.street)
        return bool(house) and not unit and bool(street_lines.house_and_unit(street)[1])


@dataclass(slots=True)
class Register:
    """The leads that the rows of a piece may be, and the rows themselves as they become leads.

    claimed: hashes of names that two bought properties claim. parcels: hashes of the segmented APNs of bought
    properties, by the hash of their digits. unsure: how many rows an APN without separators fits, beside others.
    placed: ids of leads that have no address of their own, but the name of one, which a row has taught them. numbered:
    the same of APNs.
    """

    by_id: dict[str, Known] = field(default_factory=dict)
    by_name: dict[int, list[tuple[Known, bool]]] = field(default_factory=lambda: defaultdict(list))
    segmented: dict[int, dict[int, list[Known]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    bare: dict[int, list[Known]] = field(default_factory=lambda: defaultdict(list))
    claimed: set[int] = field(default_factory=set)
    parcels: Mapping[int, set[int]] = field(default_factory=dict)
    unsure: int = 0
    placed: set[str] = field(default_factory=set)
    numbered: set[str] = field(default_factory=set)

    def add(self, lead: Known, names: Iterable[tuple[int, int, bool]], *, called: str = "") -> None:
        """A lead, with its names as (exact, loose, bare). called: the id of another that is merged into it."""
        self.by_id.setdefault(called or lead.property_id, lead)
        for exact, loose, bare in names:
            self.by_name[exact].append((lead, bare))
            if loose & 1 == 0:
                if not lead.street:
                    self.placed.add(lead.property_id)
                continue
            if not lead.apn:
                self.numbered.add(lead.property_id)
            if bare:
                self.bare[loose].append(lead)
            else:
                self.segmented[loose][exact].append(lead)

    def known(self, row: Sequence[Any]) -> Known:
        """A lead as `known_leads` reads it: its id, the fields of `Known`, and whether names have been taught to it."""
        lead = Known(row[0].hex, *row[1:5])
        if row[5]:
            self.placed.add(lead.property_id)
        if row[6]:
            self.numbered.add(lead.property_id)
        return lead

    def call(self, lead: Known, names: Sequence[Name], facts: Mapping[str, Any]) -> list[Name]:
        """Adds the names of a row to the lead that it is, so that later rows are compared with them too. Returns those
        that are new: an APN, and an address of the same line, unit and all.
        """
        new = [name for name in names if (name.bare and not name.text.startswith(APN)) or not self._has(lead, name)]
        new = [name for name in new if (lead, True) not in self.by_name.get(name.exact, ())]
        if not new:
            return new
        street = facts.get("property_address")
        line = street_lines.read(lead.street) if lead.street else None
        same_line = not lead.street or (line is not None and street and street_lines.read(street) == line)
        new = [name for name in new if same_line or name.text.startswith(APN)]
        for name in new:
            if (lead, False) in self.by_name.get(name.exact, ()):  # its ZIP is known from now on
                self.by_name[name.exact].remove((lead, False))
        self.add(lead, [(name.exact, name.possible, name.bare) for name in new])
        return new

    def free_id(self, names: Sequence[Name], facts: Mapping[str, Any]) -> str:
        """What a new lead is called whose own stand-in another property has: the next of its names, or all it says.
        "" where it says no more than that one.
        """
        free = (n.text for n in names if n.text not in self.by_id and (n.text.startswith(APN) or not n.bare))
        if found := next(free, ""):
            return found
        said = [facts.get(one) or "" for one in ("property_address", "property_zip", "apn", "fips")]
        whole = fitting(ADDRESS, "~".join((names[0].text if names else "", *map(str, said))))
        return whole if any(said) and whole not in self.by_id else ""

    def said_so(self, property_id: str, facts: Mapping[str, Any]) -> Known | None:
        """The lead of a vendor's id whose own facts are a row's, although what was bought for that id contradicts them:
        a person has edited it, and its export comes back.
        """
        lead = None if is_stand_in(property_id) else self.by_id.get(property_id)
        if lead is None or not (lead.apn or lead.street) or lead.is_another(property_id, facts):
            return None
        return None if addresses_differ(lead.street, facts.get("property_address")) else lead

    def find(
        self, property_id: str, names: Sequence[Name], facts: Mapping[str, Any], further: Sequence[Row] = ()
    ) -> Known | None:
        """The lead that a row is; the oldest of several. further: what bought answers call the property.

        1. By its property id, unless that is a stand-in which another property's row has taken.
        2. By an equal name; one that two bought properties claim counts only where the row has no other.
        3. By an APN without separators on either side, where no other APN of the county has its digits.
        """
        called = self.by_id.get(property_id)
        if called is not None and not is_stand_in(property_id):
            return called
        by_parcel = property_id.startswith(APN)
        if called is not None and (
            called.is_another(property_id, facts) or not self._agree(called, names, facts, None, by_parcel=by_parcel)
        ):
            called = None
        if called is not None and by_parcel:
            return called
        if (lead := self._by_name(property_id, names, facts, further) or called) is not None:
            return lead
        for name in names:
            if name.text.startswith(APN) and (lead := self._by_digits(name, property_id, names, facts)) is not None:
                return lead
        return None

    def _by_name(
        self, property_id: str, names: Sequence[Name], facts: Mapping[str, Any], further: Sequence[Row]
    ) -> Known | None:
        """By an APN, then by an address: the oldest lead that one of the row's says, of several."""
        own = [name for name in names if name.exact not in self.claimed] or names
        lines: list[Known] = []
        said: list[Name | Row] = [*own, *further]
        for name in said:
            by_parcel = name.text.startswith(APN)
            for lead, bare in self.by_name.get(name.exact, ()):
                if not by_parcel and bare and name.bare:
                    continue  # an address and city, of two ZIPs
                if lead.is_another(property_id, facts):
                    continue
                if not self._agree(lead, names, facts, name, by_parcel=by_parcel):
                    continue
                if by_parcel:
                    return lead
                lines.append(lead)
                break
        return min(lines, key=lambda lead: lead.lead_id) if lines else None

    def _agree(
        self, lead: Known, names: Sequence[Name], facts: Mapping[str, Any], by: Name | Row | None, *, by_parcel: bool
    ) -> bool:
        """Whether nothing else that a lead is called, or has learned, contradicts a row that shares this name."""
        if (by_parcel or (by is not None and by.bare)) and lead.is_elsewhere(facts):
            return False
        if by_parcel:
            if lead.is_whole_house(facts):
                return False
            lines = [name for name in names if not name.text.startswith(APN)]
            return not lines or lead.property_id not in self.placed or any(self._has(lead, name) for name in lines)
        return all(self._may_have(lead, name) for name in names if name.text.startswith(APN))

    def _may_have(self, lead: Known, apn: Name) -> bool:
        """Whether a lead that was found by its address may have this APN too, by those it has learned."""
        if self._has(lead, apn):
            return True
        segmented = any(lead in same for same in self.segmented.get(apn.possible, {}).values())
        if apn.bare or not segmented:
            return lead.property_id not in self.numbered or segmented or lead in self.bare.get(apn.possible, ())
        return False

    def _has(self, lead: Known, name: Name) -> bool:
        return any(one.property_id == lead.property_id for one, _ in self.by_name.get(name.exact, ()))

    def _by_digits(self, name: Name, property_id: str, names: Sequence[Name], facts: Mapping[str, Any]) -> Known | None:
        known = self.segmented.get(name.possible, {})
        segmented = {*known, *self.parcels.get(name.possible, ())}
        if not name.bare:
            segmented.add(name.exact)
        if len(segmented) > 1:
            self.unsure += name.bare or name.possible in self.bare
            return None
        leads = [one for same in known.values() for one in same] if name.bare else self.bare.get(name.possible, ())
        fit = (lead for lead in leads if not lead.is_another(property_id, facts))
        return next((lead for lead in fit if self._agree(lead, names, facts, name, by_parcel=True)), None)


# Whether a lead without an address has the name of one, and one without an APN that of an APN
_TAUGHT = """
    CASE WHEN l.property_address IS NULL THEN
        EXISTS (SELECT FROM leads_leadname t WHERE t.lead_id = l.id AND t.loose & 1 = 0) END,
    CASE WHEN l.apn IS NULL THEN
        EXISTS (SELECT FROM leads_leadname t WHERE t.lead_id = l.id AND t.loose & 3 = 1) END"""


# The leads of a bucket with one of these ids. One by one: of a bucket that has grown since PostgreSQL last counted it,
# as one that a file fills, it expects a few leads, and would look through all of them for each piece of the file.
# The bucket comes as a row, not as a constant: PostgreSQL then expects an average bucket, and takes the index of ids.
_CALLED = """(SELECT %(bucket)s::uuid AS id OFFSET 0) b, unnest(string_to_array(%(ids)s, chr(10))) AS i(id), LATERAL (
                   SELECT * FROM leads_lead one
                    WHERE one.bucket_id = b.id AND one.property_id = i.id LIMIT 1) h"""

# The lead that is shown of one such, by its id too: of a table that was nearly empty when PostgreSQL last counted it,
# it expects a lead or two, and went through all names of a piece for each lead there was (7,000 leads: five minutes).
_SHOWN = "LATERAL (SELECT * FROM leads_lead one WHERE one.id = coalesce(h.merged_into_id, h.id) LIMIT 1) l"


def found_of(bucket_id: UUID, asked: Asked) -> set[str | int] | None:
    """What of these ids and names the bucket or bought answers know: ids, and hashes as names have them (`exact`, of an
    APN `possible`). None where an answer was bought under one of the stand-ins: then each row may be the property that
    it tells. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT h.property_id, NULL::bigint FROM {_CALLED}
             UNION ALL
            SELECT NULL, n.exact FROM leads_leadname n
             WHERE n.bucket_id = %(bucket)s AND n.loose = ANY(string_to_array(%(lines)s, ',')::bigint[])
               AND n.exact = ANY(string_to_array(%(line_exacts)s, ',')::bigint[])
             UNION ALL
            SELECT NULL, n.loose FROM leads_leadname n
             WHERE n.bucket_id = %(bucket)s AND n.loose = ANY(string_to_array(%(parcels)s, ',')::bigint[])
             UNION ALL
            SELECT NULL, p.exact FROM integrations_propertyname p
             WHERE p.exact = ANY(string_to_array(%(exacts)s, ',')::bigint[])
             UNION ALL
            SELECT NULL, p.loose FROM integrations_propertyname p
             WHERE p.loose = ANY(string_to_array(%(parcels)s, ',')::bigint[]) AND p.name LIKE 'apn:%%'
             UNION ALL
            SELECT p.property_id, NULL FROM integrations_propertyname p
             WHERE p.property_id = ANY(string_to_array(%(vendor_ids)s, chr(10)))
             UNION ALL
            (SELECT NULL, NULL FROM integrations_lookup a
              WHERE a.operation_id IN (SELECT o.id FROM integrations_operation o WHERE o.name = 'property_detail')
                AND a.key = ANY(string_to_array(%(stand_ins)s, chr(10))) AND a.state = 'answered' LIMIT 1)
            """,  # noqa: S608  # a constant
            {"bucket": bucket_id, **{one.name: getattr(asked, one.name) for one in fields(asked)}},
        )
        rows = cursor.fetchall()
    found = {text if text is not None else number for text, number in rows}
    return None if None in found else found


def known_leads(
    bucket_id: UUID, property_ids: Sequence[str], names: Iterable[Name], further: Iterable[Row] = ()
) -> Register:
    """The leads of a bucket that have one of these ids or names, or an APN of the same digits: two queries.

    Of a lead that is merged into another it gives the other, which is shown: a row of a file is that one.
    """
    register = Register()
    parcels: set[tuple[int, int]] = set()
    lines: set[tuple[int, int]] = set()
    for name in names:
        (parcels if name.text.startswith(APN) else lines).add((name.possible, name.exact))
    lines |= {(row.loose, row.exact) for row in further}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT h.property_id, l.id, l.property_id, l.apn, l.property_address, l.property_zip, {_TAUGHT}
              FROM {_CALLED}, {_SHOWN}
            """,  # noqa: S608  # constants
            {"bucket": bucket_id, "ids": "\n".join(property_ids)},
        )
        for called, *row in cursor.fetchall():
            register.add(register.known(row), (), called=called)
        cursor.execute(
            f"""
            SELECT l.id, l.property_id, l.apn, l.property_address, l.property_zip, {_TAUGHT}, n.exact, n.loose, n.bare
              FROM (SELECT lead_id, exact, loose, bare FROM leads_leadname
                     WHERE bucket_id = %s AND loose = ANY(string_to_array(%s, ',')::bigint[])
                       AND exact = ANY(string_to_array(%s, ',')::bigint[])
                     UNION
                    SELECT lead_id, exact, loose, bare FROM leads_leadname
                     WHERE bucket_id = %s AND loose = ANY(string_to_array(%s, ',')::bigint[])) n,
                   LATERAL (SELECT * FROM leads_lead one WHERE one.id = n.lead_id LIMIT 1) h, {_SHOWN}
             ORDER BY l.id
            """,  # noqa: S608  # a constant
            [
                bucket_id,
                joined(loose for loose, _ in lines),
                joined(exact for _, exact in lines),
                bucket_id,
                joined(loose for loose, _ in parcels),
            ],
        )
        for row in cursor.fetchall():
            register.add(register.known(row[:7]), [row[7:]])
    return register
