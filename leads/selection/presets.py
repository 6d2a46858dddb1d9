"""The views of the list of leads that every team has, how many leads each holds, and which one the list opens on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.access import Access, Scope
from leads.calendar import clock
from leads.models import Lead, Scrub
from leads.permission.scrubbing import whole_lists
from leads.permission.selling import active_seller, flag_counts, missing_of
from leads.querysets import own_callbacks
from leads.registries import buckets_of
from leads.selection.counting import AT_MOST
from leads.selection.filters import matching


@dataclass(frozen=True, slots=True)
class Preset:
    """A view that is no row. words: its tab; holds: which leads stand in it, for an empty list; query: the filters, as
    the list's address and the API name them; sort: its order, "" newest first.
    """

    key: str
    words: str
    holds: str
    query: Mapping[str, str]
    sort: str = ""

    @property
    def as_query(self) -> dict[str, str]:
        """With the order, as the list's address carries them."""
        return {**self.query, **({"sort": self.sort} if self.sort else {})}


_ALL = (
    Preset(
        "readyToCall",
        "Ready to call",
        "Leads with a phone that nobody has called yet, where every rule but the time of day says yes.",
        {"contactable": "true"},
    ),
    Preset(
        "callbacksDue",
        "Callbacks due",
        "Owners you promised to call back by now.",
        {"callback": "due"},
        "callbackAt",
    ),
    Preset(
        "newReplies", "New replies", "Leads whose owner wrote to you, and nobody has read it.", {"newReplies": "true"}
    ),
    Preset(
        "noContactYet",
        "No contact yet",
        "Leads with a phone whose owner nobody has called, texted or e-mailed.",
        {"hasPhone": "true", "neverContacted": "true"},
    ),
    Preset(
        "notEnriched",
        "Not enriched",
        "Leads for which no data was purchased yet.",
        {"enrichmentStatus": "pending"},
    ),
    Preset("withPhone", "With a phone", "Leads with a phone.", {"hasPhone": "true"}),
    Preset("all", "All", "All leads.", {}),
)
PRESETS: Mapping[str, Preset] = {one.key: one for one in _ALL}
FIRST, WITHOUT_RULES, EVERY = "readyToCall", "withPhone", "all"
READY_AT_MOST = 1_000  # counted: each is judged by every contact rule, and pages with this count are open all day
BOUNDS: Mapping[str, int] = {FIRST: READY_AT_MOST}  # of presets that are not counted up to AT_MOST


def leads_of(access: Access, key: str) -> QuerySet[Lead]:
    """The leads of a preset that this person sees; of callbacks her own. Raises KeyError."""
    preset, leads = PRESETS[key], Lead.objects.seen_by(access)
    if "callback" in preset.query:
        leads = own_callbacks(leads, access)
    return matching(
        leads,
        preset.query,
        time_zone=access.user.time_zone,
        contacts=access.can(Scope.CONTACTS),
        me=access.user.pk,
    )


def leads_to_count(access: Access, key: str) -> QuerySet[Lead]:
    """As `leads_of`, for who counts them. Those ready to call are looked for on lists with phones, which an index of
    each list has: leads without one are not judged.
    """
    rows = leads_of(access, key)
    if key != FIRST or access.only_assigned:
        return rows
    with_phones = buckets_of(access).filter(team=access.team_id, phone_leads__gt=0)
    return rows.filter(bucket__in=list(with_phones.order_by().values_list("pk", flat=True)))


def count_of(access: Access, key: str, *, at_most: int = AT_MOST) -> int:
    """How many leads a preset holds for this person; `at_most` + 1: more than that. Raises KeyError."""
    return leads_to_count(access, key).order_by()[: at_most + 1].count()


def missing_for_calls(access: Access) -> str:
    """What the team must do before any lead is ready to call, in words; "" where it has done it.

    A company (Seller) that is filled in and attested, and a check of numbers against the do-not-call registry: a scrub,
    a whole list, or the skip trace's flag where a manager has signed for it.
    """
    seller = active_seller(access.team_id)
    if seller is None or missing_of(seller):
        return "No lead is ready to call until a manager fills in your company’s profile and attests it."
    if flag_counts(seller, clock.now()) or Scrub.objects.filter(seller=seller).exists() or whole_lists(seller):
        return ""
    return "No lead is ready to call until your numbers are checked against the do-not-call registry."


def first_view(access: Access) -> str:
    """The key of the preset that the list opens on: *Ready to call*; while it cannot hold any lead, *With a phone*; and
    where no lead has a phone, *All*.
    """
    if not missing_for_calls(access):
        return FIRST
    with_phone = Lead.objects.seen_by(access).filter(phone__isnull=False)
    return WITHOUT_RULES if with_phone.order_by().exists() else EVERY
