"""The filters a person may put on leads, by the same names in the API, a run's guard, the admin and the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from common.filters import Bound, Choice, Filter, Flag, KnownFlag, Moment, NotFor, Years
from leads.fields.cells import PREFIX
from leads.fields.filtering import CustomFilter, custom_filter
from leads.keys.owners import one_lead_per_owner, others_per_owner
from leads.models import Lead
from leads.querysets import (
    BOUGHT,
    ENRICHED,
    HAS_PHONE,
    NEEDS_APOLLO,
    NEVER_CONTACTED,
    ready_to_call,
)
from leads.selection import stacking
from leads.selection.filter_kinds import (
    CALLBACKS,
    ME,
    PHONE_TYPES,
    Asked,
    Assignee,
    DoNotCall,
    Label,
    LastOutcome,
    OnBuckets,
    OwnerName,
    Saved,
    Tagged,
    callback,
    new_replies,
    suppressed,
    text_of,
)
from leads.selection.ground import Inside, Near

# Not a filter but how several of them go together, wherever filters are given: all of them, or any one is enough.
MATCH = "match"
MATCHES = [("all", "All of the filters"), ("any", "Any of the filters")]
ONE_PER_OWNER, ASSIGNED_TO, STATUS_LABEL = "oneLeadPerOwner", "assignedTo", "statusLabel"
# What a team does about its leads: nobody who looks at a shared bucket asks by it, or sorts.
TEAMS_WORK = frozenset(
    {
        "tag", "tagAll", "tagNone", "callback", "callbackAt", ASSIGNED_TO, STATUS_LABEL, "newReplies", "lastOutcome",
        "lastActivityAt", "notTouchedDays", "bucketsMin", "ownerBucketsMin",
    }
)  # fmt: skip


def is_teams_work(name: str) -> bool:
    """Whether a filter or an order asks for what a team does about its leads, or keeps of them in its own fields."""
    return name in TEAMS_WORK or name.startswith(PREFIX)


# name -> filter. A flag's false is everything that its true is not, but where a fact may be unknown: then it is known
# to be false.
FILTERS: dict[str, Filter] = {
    "needsApollo": Flag("No Apollo data yet; false: Apollo was asked", NEEDS_APOLLO, ~NEEDS_APOLLO),
    "needsSkipTrace": Flag("No phone yet; false: has a phone", ~HAS_PHONE, HAS_PHONE),
    "enrichedOnly": Flag("Detail and contacts came, with a phone; false: all others", ENRICHED, ~ENRICHED),
    "bought": Flag("Something was purchased for it; false: nothing was", BOUGHT, ~BOUGHT),
    "hasPhone": Flag("Has a phone", HAS_PHONE, ~HAS_PHONE),
    "hasEmail": Flag("Has an e-mail", Q(email__isnull=False), Q(email__isnull=True)),
    "phoneType": Choice("What the phone is", "phone_type", PHONE_TYPES),
    "doNotCall": DoNotCall(
        "The phone is on a do-not-call list, or its owner is a known litigator or has opted out of calls; false: the "
        "phone is known to be on none, by a skip trace or your registry check; unknown: nobody has said"
    ),
    "litigator": Flag("Known to sue callers; false: all others", Q(litigator=True)),
    "doNotMail": Flag("Wants no mail; false: all others", Q(do_not_mail=True)),
    "contactable": Asked("Ready to call: every rule but the time of day says yes; false: all others", ready_to_call),
    "suppressed": Asked("Opted out, or suppressed for another reason, by any channel; false: all others", suppressed),
    "callback": Choice(
        "The owner is to be called back: due by now, due before tomorrow by your clock, or at any time",
        "callback_at",
        CALLBACKS,
        callback,
    ),
    "newReplies": Asked("The owner wrote, and nobody has read it; false: all others", new_replies),
    "neverContacted": Flag(
        "A new lead whose owner nobody has called, texted or e-mailed, a campaign neither; false: all others",
        NEVER_CONTACTED,
        ~NEVER_CONTACTED,
    ),
    "lastContactAfter": Moment("Last contact on this day or later", "last_contact_at", "gte"),
    "lastContactBefore": Moment("Last contact before this day", "last_contact_at", "lt"),
    "notTouchedDays": NotFor("Nobody has done anything about it for so many days, or ever", "last_activity_at"),
    "lastOutcome": LastOutcome("Its last call ended so: the code of a call outcome", "", 20),
    "createdAfter": Saved("Saved on this day or later", "pk", "gte"),
    "createdBefore": Saved("Saved before this day", "pk", "lt"),
    "updatedAfter": Moment("Something about it changed on this day or later", "updated_at", "gte"),
    "updatedBefore": Moment("Nothing about it changed since this day", "updated_at", "lt"),
    "enrichedAfter": Moment("Property data purchased on this day or later", "enriched_at", "gte"),
    "enrichedBefore": Moment("Property data purchased before this day", "enriched_at", "lt"),
    "status": Choice("Status", "status", Lead.Status.choices),
    STATUS_LABEL: Label("Your team's status label, by name in any case; none: leads that have none"),
    "enrichmentStatus": Choice("How far enrichment has come", "enrichment_status", Lead.Enrichment.choices),
    "propertyState": text_of("State, two letters", "property_state", upper=True),
    "propertyCity": text_of("City", "property_city"),
    "propertyZip": text_of("ZIP code", "property_zip", exact=True),
    "propertyCounty": text_of("County", "property_county"),
    "near": Near("Within a circle: latitude,longitude,miles, such as 47.6062,-122.3321,2"),
    "area": Inside("Within an area: its corners as latitude,longitude with a space between two, three or more"),
    "propertyType": text_of("SFR, MFR, CONDO, LAND, MOBILE or OTHER", "property_type"),
    "ownerName": OwnerName("Owner's name: its words, in any order, each from its beginning", "owner_name", 100),
    "bucketsMin": OnBuckets("The property is on this many of your team's buckets, or more", stacking.property_on),
    "ownerBucketsMin": OnBuckets(
        "The owner, by name and mailing address, is on this many of your team's buckets, or more", stacking.owner_on
    ),
    "ownerType": text_of("individual, trust, llc, corporation or other", "owner_type"),
    "estimatedValueMin": Bound("Value from, US dollars", "estimated_value", "gte"),
    "estimatedValueMax": Bound("Value to, US dollars", "estimated_value", "lte"),
    "estimatedEquityMin": Bound("Equity from, US dollars", "estimated_equity", "gte"),
    "estimatedEquityMax": Bound("Equity to, US dollars", "estimated_equity", "lte"),
    "equityPercentMin": Bound("Equity from, %", "equity_percent", "gte", whole=False),
    "equityPercentMax": Bound("Equity to, %", "equity_percent", "lte", whole=False),
    "bedroomsMin": Bound("Bedrooms from", "bedrooms", "gte"),
    "bedroomsMax": Bound("Bedrooms to", "bedrooms", "lte"),
    "bathroomsMin": Bound("Bathrooms from", "bathrooms", "gte", whole=False),
    "bathroomsMax": Bound("Bathrooms to", "bathrooms", "lte", whole=False),
    "sqftMin": Bound("Living area from, square feet", "sqft", "gte"),
    "sqftMax": Bound("Living area to, square feet", "sqft", "lte"),
    "yearsOwnedMin": Years("Years since the last sale, at least", "last_sale_date", "gte"),
    "yearsOwnedMax": Years("Years since the last sale, at most", "last_sale_date", "lte"),
    "yearBuiltMin": Bound("Built in this year or later", "year_built", "gte"),
    "yearBuiltMax": Bound("Built in this year or before", "year_built", "lte"),
    "absenteeOwner": KnownFlag("The owner lives elsewhere", "absentee_owner"),
    "ownerOccupied": KnownFlag("The owner lives there", "owner_occupied"),
    "preForeclosure": KnownFlag("Notice of default or lis pendens on record", "pre_foreclosure"),
    "foreclosure": KnownFlag("In foreclosure", "foreclosure"),
    "taxLien": KnownFlag("Tax lien on record", "tax_lien"),
    "bankruptcy": KnownFlag("Owner's bankruptcy on record", "bankruptcy"),
    "vacant": KnownFlag("Nobody lives there", "vacant"),
    "highEquity": KnownFlag("50% equity or more", "high_equity"),
    "freeClear": KnownFlag("No open mortgage", "free_clear"),
    "tag": Tagged("Has this tag"),
    "tagAll": Tagged("Has this tag, and each of those that are named", "all"),
    "tagNone": Tagged("Has not this tag, nor any of those that are named", "none"),
    ASSIGNED_TO: Assignee("Assigned to this member, by id or user name; me: to me; none: to nobody"),
    # Not about one lead: `matching` asks it of all that pass the others.
    ONE_PER_OWNER: Flag("Of each owner the oldest of these leads alone; false: those that this leaves out", Q(), Q()),
}


class BadFilter(ValueError):
    """A filter that does not exist or cannot be read: {name: [what is wrong]}."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        words = "; ".join(f"{name}: {' '.join(words)}" for name, words in errors.items())
        super().__init__(words.replace(".; ", ". "))
        self.errors = dict(errors)


def matching(
    queryset: QuerySet[Lead],
    params: Mapping[str, Any],
    *,
    time_zone: str = "UTC",
    contacts: bool = False,
    me: int | None = None,
    team_id: int | None = None,
) -> QuerySet[Lead]:
    """The leads of `queryset` that pass all these filters; time_zone: by whose clock a day ends. Raises BadFilter.

    me: the id of the user who asks, for `assignedTo`. team_id: whose custom fields may be asked for; None: no field is
    refused, and one that no lead has finds none.

    params: name -> a JSON value, a text that says one, or a list of them. With `match` = any, one filter is enough.
    contacts: whether the person may see phones and e-mails; else owners are told apart without them.
    """
    read, is_any, custom = _read(params, team_id)
    one = read.pop(ONE_PER_OWNER, None)
    if ME in read.get(ASSIGNED_TO, ()) and me is not None:
        read[ASSIGNED_TO] = [str(me) if value == ME else value for value in read[ASSIGNED_TO]]
    for asked in custom.values():
        asked.contacts = contacts
    with timezone.override(time_zone):
        conditions = [_condition(custom.get(name) or FILTERS[name], values, queryset) for name, values in read.items()]
    if is_any and conditions:
        queryset = queryset.filter(Q(*conditions, _connector=Q.OR))
    else:
        for condition in conditions:
            queryset = queryset.filter(condition)
    if one is None:
        return queryset
    return (one_lead_per_owner if one[0] else others_per_owner)(queryset, contacts=contacts)


def _condition(given: Filter, values: Sequence[Any], queryset: QuerySet[Lead]) -> Q:
    if isinstance(given, OnBuckets):
        return given.within(values[0], stacking.team_of(queryset))
    return given.passes(values)


def understood(params: Mapping[str, Any], *, team_id: int | None = None) -> dict[str, Any]:
    """The filters as they were understood, in JSON: true for "YES", 40 for "40", lists for lists. Raises BadFilter.

    `match` is told only where it is `any`. team_id: as `matching` has it.
    """
    read, is_any, _custom = _read(params, team_id)
    told = {
        name: read[name] if isinstance(given, list | tuple) else read[name][0]
        for name, given in params.items()
        if name != MATCH
    }
    return told | ({MATCH: "any"} if is_any else {})


def _read(params: Mapping[str, Any], team_id: int | None) -> tuple[dict[str, list[Any]], bool, dict[str, CustomFilter]]:
    """The values of each filter; whether any one of them is enough; the filters of custom fields among them."""
    read, errors, custom = {}, {}, {}
    for name, given in params.items():
        known: Filter | None = _MATCH if name == MATCH else FILTERS.get(name)
        if known is None and (asked := custom_filter(str(name), team_id)):
            known = custom[name] = asked
        if known is None:
            errors[str(name)[:100]] = ["There is no such filter."]
            continue
        try:
            read[name] = known.read_all(given)
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise BadFilter(errors)
    return read, read.pop(MATCH, ["all"]) == ["any"], custom


class _Match(Choice):
    several = False


_MATCH = _Match("all: leads that pass every filter; any: leads that pass one of them", "", MATCHES)
