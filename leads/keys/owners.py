"""Leads of one owner: by the keys they share (`owner_keys`), one hop. A crowded key joins nobody. Reads only.

contacts: whether the person who asks may see phones and e-mails. Who may not is joined by the key of name and mailing
address alone, in what is listed, said and counted: else a lead imported with a guessed number would tell whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber

from leads.keys.one_per_owner import left_out
from leads.models import ContactKey, Lead, LeadKey, LeadName

COUNTED = 1_000  # an owner's other leads: more are not counted
_WORDS = {
    ContactKey.Kind.OWNER: "same mailing address and name",
    ContactKey.Kind.PHONE: "same phone",
    ContactKey.Kind.EMAIL: "same e-mail",
}


def _joining(of: QuerySet[LeadKey], *, contacts: bool) -> QuerySet[LeadKey]:
    joining = of.filter(key__crowded=False)
    return joining if contacts else joining.filter(key__kind=ContactKey.Kind.OWNER)


def others_of(lead: Lead, among: QuerySet[Lead], *, contacts: bool) -> QuerySet[Lead]:
    """Those of these leads that are other ones of the lead's owner: the oldest of each other property.

    The lead's own property in another bucket is none: one of the same id, or that has a name of this one exactly. A
    merged one is not shown beside its older.
    """
    keys = _joining(LeadKey.objects.filter(lead=lead), contacts=contacts).values("key")
    ids = LeadKey.objects.filter(key__in=keys).values("lead")
    names = LeadName.objects.filter(lead=lead).values("exact")
    same = LeadName.objects.filter(lead=OuterRef("pk"), exact__in=names)
    others = among.filter(~Exists(same), pk__in=ids, merged_into__isnull=True)
    others = others.exclude(property_id=lead.property_id)
    place = Window(RowNumber(), partition_by=F("property_id"), order_by=F("pk").asc())
    return among.filter(pk__in=others.annotate(place=place).filter(place=1).values("pk"))


def count_of(others: QuerySet[Lead]) -> int:
    """How many there are, COUNTED at most."""
    return others.order_by()[:COUNTED].count()


def reasons(lead: Lead, others: Iterable[Lead], *, contacts: bool) -> dict[UUID, list[str]]:
    """Why each has the same owner, in words, the surest first: "same phone …0143". One statement."""
    mine = _joining(LeadKey.objects.filter(lead=lead), contacts=contacts).values("key")
    rows = LeadKey.objects.filter(lead__in=[other.pk for other in others], key__in=mine)
    found: dict[UUID, list[str]] = {}
    for lead_id, kind, hint in rows.order_by("-key__kind", "key").values_list("lead_id", "key__kind", "key__hint"):
        words = _WORDS[ContactKey.Kind(kind)]
        told = "" if kind == ContactKey.Kind.OWNER else f" {hint}"
        said = found.setdefault(lead_id, [])
        if words + told not in said:
            said.append(words + told)
    return found


def one_lead_per_owner(leads: QuerySet[Lead], *, contacts: bool) -> QuerySet[Lead]:
    """Of these leads the oldest of each owner, and every one whose owner has no key. Reads now which they are."""
    return leads.exclude(pk__in=_left_out(leads, contacts=contacts))


def others_per_owner(leads: QuerySet[Lead], *, contacts: bool) -> QuerySet[Lead]:
    """Those of these leads that `one_lead_per_owner` leaves out: an older one that stays in shares a key."""
    return leads.filter(pk__in=_left_out(leads, contacts=contacts))


def _left_out(leads: QuerySet[Lead], *, contacts: bool) -> RawSQL:
    """One parameter, however many they are."""
    return RawSQL("SELECT unnest(%s::uuid[])", [left_out(leads, contacts=contacts)])
