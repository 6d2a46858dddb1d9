"""The filters a person may put on leads, by the same names in the API, a run's guard, the admin and the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.filters import Bound, Choice, Filter, Flag, KnownFlag, Text
from leads.models import Lead
from leads.querysets import CONTACTABLE, ENRICHED, HAS_PHONE, NEEDS_APOLLO, to_call_back

CALLBACKS = [("due", "Due"), ("today", "Today, and what is due"), ("any", "Any")]
_NOBODY_SAID = Q(phone__isnull=False, phone_do_not_call__isnull=True)


def _callback(value: str) -> Q:
    now = timezone.localtime()
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return to_call_back({"due": now, "today": tomorrow}.get(value))


class _Tag(Text):
    """A lead has each tag once, and several tags."""

    def passes(self, values: Sequence[Any]) -> Q:
        named = Lead.tags.through.objects.filter(super().passes(values), lead=OuterRef("pk"))
        return Q(Exists(named))


def _text(label: str, column: str, **options: bool) -> Text:
    """Of the column's own length."""
    field: Any = Lead._meta.get_field(column)
    return Text(label, column, field.max_length, **options)


# name -> filter. A flag's false is everything that its true is not, but where a fact may be unknown: then it is known
# to be false.
FILTERS: dict[str, Filter] = {
    "needsApollo": Flag("No Apollo data yet; false: Apollo was asked", NEEDS_APOLLO, ~NEEDS_APOLLO),
    "needsSkipTrace": Flag("No phone yet; false: has a phone", ~HAS_PHONE, HAS_PHONE),
    "enrichedOnly": Flag("Detail and contacts came, with a phone; false: all others", ENRICHED, ~ENRICHED),
    "hasPhone": Flag("Has a phone", HAS_PHONE, ~HAS_PHONE),
    "doNotCall": KnownFlag(
        "The phone is on a do-not-call list; false: it is known to be on none; unknown: nobody has said",
        "phone_do_not_call",
        _NOBODY_SAID,
    ),
    "contactable": Flag("Ready to call; false: all others", CONTACTABLE),
    "callback": Choice(
        "The owner is to be called back: due by now, due before tomorrow by your clock, or at any time",
        "callback_at",
        CALLBACKS,
        _callback,
    ),
    "status": Choice("Status", "status", Lead.Status.choices),
    "enrichmentStatus": Choice("How far enrichment has come", "enrichment_status", Lead.Enrichment.choices),
    "propertyState": _text("State, two letters", "property_state", upper=True),
    "propertyCity": _text("City", "property_city"),
    "propertyZip": _text("ZIP code", "property_zip", exact=True),
    "propertyType": _text("SFR, MFR, CONDO, LAND, MOBILE or OTHER", "property_type"),
    "ownerType": _text("individual, trust, llc, corporation or other", "owner_type"),
    "estimatedValueMin": Bound("Value from, US dollars", "estimated_value", "gte"),
    "estimatedValueMax": Bound("Value to, US dollars", "estimated_value", "lte"),
    "estimatedEquityMin": Bound("Equity from, US dollars", "estimated_equity", "gte"),
    "estimatedEquityMax": Bound("Equity to, US dollars", "estimated_equity", "lte"),
    "equityPercentMin": Bound("Equity from, %", "equity_percent", "gte", whole=False),
    "bedroomsMin": Bound("Bedrooms from", "bedrooms", "gte"),
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
    "tag": _Tag("Has this tag", "tag__name", 50),
}


class BadFilter(ValueError):
    """A filter that does not exist or cannot be read: {name: [what is wrong]}."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        words = "; ".join(f"{name}: {' '.join(words)}" for name, words in errors.items())
        super().__init__(words.replace(".; ", ". "))
        self.errors = dict(errors)


def matching(queryset: QuerySet[Lead], params: Mapping[str, Any], *, time_zone: str = "UTC") -> QuerySet[Lead]:
    """The leads of `queryset` that pass all these filters; time_zone: by whose clock a day ends. Raises BadFilter.

    params: name -> a JSON value, a text that says one, or a list of them.
    """
    with timezone.override(time_zone):
        for name, values in _read(params).items():
            queryset = queryset.filter(FILTERS[name].passes(values))
    return queryset


def understood(params: Mapping[str, Any]) -> dict[str, Any]:
    """The filters as they were understood, in JSON: true for "YES", 40 for "40", lists for lists. Raises BadFilter."""
    read = _read(params)
    return {name: read[name] if isinstance(given, list | tuple) else read[name][0] for name, given in params.items()}


def _read(params: Mapping[str, Any]) -> dict[str, list[Any]]:
    read, errors = {}, {}
    for name, given in params.items():
        if name not in FILTERS:
            errors[str(name)[:100]] = ["There is no such filter."]
            continue
        try:
            read[name] = FILTERS[name].read_all(given)
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise BadFilter(errors)
    return read
