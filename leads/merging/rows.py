"""Two rows become one lead and two again, in the caller's transaction, which holds their bucket and both rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.expressions import Combinable

from common.db.clock import CLOCK
from integrations.lookups.stand_in_ids import is_stand_in, key_of
from integrations.models import Lookup
from leads.calendar import callbacks
from leads.merging.table import Merge
from leads.merging.values import BOOKS, PLAIN, jsonable, merged, row_of, strict, taken_back
from leads.models import Activity, Lead, LeadName

Deltas = dict[str, int]  # by counter of the bucket


def join(older: Lead, younger: Lead, *, why: str, at: datetime) -> Deltas:
    """Hides the younger lead behind the older one, which shows the values of both. Returns what the counters change by.

    1. The older gets the values, the tags and the names; what changed is kept in `Merge`, for `part`.
    2. The ids may change places, so that the lead that is shown is called by the one that is owned (`_better_id`).
    3. The younger is hidden, and else stays as it is.
    """
    was, other = row_of(older), row_of(younger)
    changes = merged(was, other)
    before = {name: jsonable(was[name]) for name in changes}
    after = {name: jsonable(value) for name, value in changes.items()}
    if _better_id(older, younger) != older.property_id:
        before["property_id"], after["property_id"] = older.property_id, younger.property_id
    Merge.objects.update_or_create(
        older=older,
        younger=younger,
        defaults={
            "state": Merge.State.MERGED,
            "why": why,
            "merged_at": at,
            "parted_at": None,
            "parted_by": None,
            "before": before,
            "after": after,
            "tags": _copy_tags(older.pk, younger.pk),
            "names": _move_names(older.pk, younger.pk),
        },
    )
    Lead.every.filter(pk=younger.pk).update(merged_into=older)
    if "property_id" in before:
        _swap_ids(older, younger)
    _write(older, changes)
    callbacks.after_join(older, younger)
    younger.merged_into_id = older.pk
    return _deltas({**was, **changes}, [was, other])


def part(record: Merge, older: Lead, younger: Lead) -> Deltas:
    """Undoes `join`: the younger lead is shown again, as it was. Returns what the counters change by.

    What was bought, typed or done since stays with the older; what came to it from the younger goes. Marks that keep
    people from being called stay on both. The record stays as it is.
    """
    was = row_of(older)
    before, after = dict(record.before), dict(record.after)
    back_id, own_id = before.pop("property_id", None), after.pop("property_id", None)
    changes = taken_back(was, before, after)
    changes["activity_count"] = Activity.objects.filter(lead=older.pk).count()
    tagged = Lead.tags.through.objects.filter(lead_id=older.pk, tag_id__in=record.tags)
    tagged.delete()
    _return_names(record, older, younger)
    Lead.every.filter(pk=younger.pk).update(merged_into=None)
    younger.merged_into_id = None
    if back_id and (older.property_id, younger.property_id) == (own_id, back_id):
        _swap_ids(older, younger)
    _write(older, {name: value for name, value in changes.items() if value != was[name]})
    _write(younger, strict(row_of(younger), was))
    callbacks.after_part(older, younger)
    deltas = _deltas(was, [row_of(older), row_of(younger)])
    return {name: -delta for name, delta in deltas.items()}


def sum_of(*deltas: Mapping[str, int]) -> Deltas:
    """Deltas of several changes of one bucket."""
    return {name: sum(one.get(name, 0) for one in deltas) for name in {name for one in deltas for name in one}}


def _deltas(one: Mapping[str, Any], two: list[dict[str, Any]]) -> Deltas:
    """What a bucket's counters change by when this row takes the place of these two."""
    counted = [_counted(row) for row in two]
    return {name: value - sum(row[name] for row in counted) for name, value in _counted(one).items()}


def _counted(row: Mapping[str, Any]) -> Deltas:
    return {
        "total_leads": 1,
        "enriched_leads": int(row["enrichment_status"] == Lead.Enrichment.COMPLETED),
        "contacted_leads": int(row["status"] in Lead.CONTACTED_STATUSES),
        "detailed_leads": int(row["enriched_at"] is not None),
        "phone_leads": int(row["phone"] is not None),
    }


def _write(lead: Lead, changes: Mapping[str, Any]) -> None:
    """A lead that nobody has edited still counts as such: undoing the import that brought it deletes it."""
    if not changes:
        return
    values: dict[str, Any] = dict(changes)
    if lead.updated_at != lead.created_at:
        stamp: Combinable = CLOCK
        values["updated_at"] = stamp
    Lead.every.filter(pk=lead.pk).update(**{n: v or None if n in (*BOOKS, *PLAIN) else v for n, v in values.items()})
    for name, value in changes.items():
        setattr(lead, name, value)


# --- Ids --------------------------------------------------------------------------------------------------------------


def _better_id(older: Lead, younger: Lead) -> str:
    """What the one lead is called: by the vendor's id, unless the other's name is what its data was bought by."""
    ids = {older.property_id, younger.property_id}
    vendors = [one for one in (older.property_id, younger.property_id) if not is_stand_in(one)]
    if len(vendors) != 1:
        return older.property_id
    keys = {one: key_of(one) for one in ids}
    rows = Lookup.objects.filter(operation__name="property_detail", key__in=keys.values(), facts__isnull=False)
    owned = set(rows.values_list("key", flat=True))
    (stand_in,) = ids - set(vendors)
    return stand_in if keys[stand_in] in owned and keys[vendors[0]] not in owned else vendors[0]


def _swap_ids(older: Lead, younger: Lead) -> None:
    """By way of a third that is nobody's: a bucket has each id once, after every statement."""
    theirs, ours = younger.property_id, older.property_id
    for lead, property_id in ((younger, f"merged:{younger.pk.hex}"), (older, theirs), (younger, ours)):
        Lead.every.filter(pk=lead.pk).update(property_id=property_id)
        lead.property_id = property_id


# --- Tags and names ---------------------------------------------------------------------------------------------------


def _copy_tags(older_id: UUID, younger_id: UUID) -> list[str]:
    """The older has both rows' tags. Returns the ids of those it did not have."""
    through: Any = Lead.tags.through
    theirs = through.objects.filter(lead_id=younger_id).values_list("tag_id", flat=True)
    new = sorted(set(theirs) - set(through.objects.filter(lead_id=older_id).values_list("tag_id", flat=True)))
    through.objects.bulk_create([through(lead_id=older_id, tag_id=tag) for tag in new], ignore_conflicts=True)
    return [str(tag) for tag in new]


def _move_names(older_id: UUID, younger_id: UUID) -> list[list[Any]]:
    """The older is called by the names of both, and the younger by none: whoever looks for a name finds the older."""
    names = LeadName.objects.filter(lead_id=younger_id).order_by("exact")
    moved = list(names)
    own = set(LeadName.objects.filter(lead_id=older_id).values_list("exact", flat=True))
    new = [LeadName(lead_id=older_id, **_name(one)) for one in moved if one.exact not in own]
    LeadName.objects.bulk_create(new)
    names.delete()
    return [[one.exact, one.loose, one.bare, one.source, one.exact not in own] for one in moved]


def _return_names(record: Merge, older: Lead, younger: Lead) -> None:
    rows = [LeadName(lead_id=younger.pk, bucket_id=younger.bucket_id, exact=e, loose=loose, bare=bare, source=source)
            for e, loose, bare, source, _ in record.names]  # fmt: skip
    LeadName.objects.bulk_create(rows, ignore_conflicts=True)
    LeadName.objects.filter(lead_id=older.pk, exact__in=[row[0] for row in record.names if row[4]]).delete()


def _name(one: LeadName) -> dict[str, Any]:
    return {"bucket_id": one.bucket_id, "exact": one.exact, "loose": one.loose, "bare": one.bare, "source": one.source}


def relatives(lead_ids: list[UUID]) -> list[UUID]:
    """These leads, those they are merged into, and all that are merged into either, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH shown AS (SELECT coalesce(merged_into_id, id) AS id FROM leads_lead WHERE id = ANY(%s))
            SELECT id FROM shown UNION SELECT h.id FROM leads_lead h JOIN shown ON h.merged_into_id = shown.id
            ORDER BY 1
            """,
            [lead_ids],
        )
        return [row[0] for row in cursor.fetchall()]
