"""Every filter passes the leads it names and no others, and says so when it cannot be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import BooleanField

from common.filters import Bound, Flag, Moment, Years, years_before
from leads.models import Lead
from leads.selection.filters import FILTERS, BadFilter, matching, understood
from leads.services import set_tags
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO, FAR_AHEAD = datetime(2001, 1, 1, tzinfo=UTC), datetime(2901, 1, 1, tzinfo=UTC)
PHONE = "+15125550100"
CONTACTABLE = {"enrichment_status": "completed", "phone": PHONE}
TRISTATE = [field.name for field in Lead._meta.get_fields() if isinstance(field, BooleanField) and field.null]
Columns = dict[str, Any]


def years_ago(years: int, *, later: int = 0) -> date:
    """The same day of the year so many years ago, or some days later."""
    return years_before(datetime.now(UTC).date(), years) + timedelta(days=later)


# filter, its value, the columns of leads that pass, the columns of leads that do not (nothing else is set)
CASES: list[tuple[str, Any, list[Columns], list[Columns]]] = [
    ("needsApollo", True, [{}], [{"apollo_enriched_at": NOON}]),
    ("needsApollo", False, [{"apollo_enriched_at": NOON}], [{}]),
    ("needsSkipTrace", "true", [{}, {"email": "a@example.com"}], [{"phone": PHONE}]),
    ("needsSkipTrace", "false", [{"phone": PHONE}], [{}, {"email": "a@example.com"}]),
    ("enrichedOnly", True, [CONTACTABLE], [{}, {"enrichment_status": "partial"}, {"phone": PHONE}]),
    ("enrichedOnly", False, [{}, {"enrichment_status": "partial"}, {"phone": PHONE}], [CONTACTABLE]),
    (
        "contactable",
        True,
        [
            CONTACTABLE,
            CONTACTABLE | {"phone_do_not_call": False},
            {"phone": PHONE},
            CONTACTABLE | {"contact_is_other": True, "fact_sources": {"phone": {"source": "file"}}},
        ],
        [
            {},
            CONTACTABLE | {"contact_is_other": True},
            CONTACTABLE | {"phone_do_not_call": True},
            CONTACTABLE | {"status": "contacted"},
            CONTACTABLE | {"status": "lost"},
        ],
    ),
    (
        "bought",
        True,
        [dict.fromkeys([stamp], NOON) for stamp in ("enriched_at", "skip_traced_at", "apollo_enriched_at")],
        [{}, {"phone": PHONE}],
    ),
    ("bought", "no", [{}, {"phone": PHONE}], [{"enriched_at": NOON}]),
    ("oneLeadPerOwner", True, [{}, {"phone": PHONE}], []),  # more in test_owners.py: it is about several leads
    ("hasPhone", True, [{"phone": PHONE}], [{}, {"email": "a@example.com"}]),
    ("hasPhone", "false", [{}], [{"phone": PHONE}]),
    ("doNotCall", True, [{"phone": PHONE, "phone_do_not_call": True}], [{}, {"phone_do_not_call": False}]),
    (
        "doNotCall",
        "0",
        [{"phone": PHONE, "phone_do_not_call": False}],
        [{}, {"phone": PHONE}, {"phone": PHONE, "phone_do_not_call": True}],
    ),
    (
        "doNotCall",
        "Unknown",
        [{"phone": PHONE}],
        [{}, {"phone": PHONE, "phone_do_not_call": False}, {"phone": PHONE, "phone_do_not_call": True}],
    ),
    (
        "contactable",
        False,
        [
            {},
            CONTACTABLE | {"contact_is_other": True},
            CONTACTABLE | {"phone_do_not_call": True},
            CONTACTABLE | {"status": "contacted"},
        ],
        [CONTACTABLE, CONTACTABLE | {"phone_do_not_call": False}, {"phone": PHONE}],
    ),
    ("status", "contacted", [{"status": "contacted"}], [{}, {"status": "lost"}]),
    ("status", ["contacted", "lost"], [{"status": "contacted"}, {"status": "lost"}], [{}, {"status": "closed"}]),
    ("enrichmentStatus", "failed", [{"enrichment_status": "failed"}], [{}, CONTACTABLE]),
    ("enrichmentStatus", ["pending", "completed"], [{}, CONTACTABLE], [{"enrichment_status": "failed"}]),
    ("propertyState", "wa", [{"property_state": "WA"}], [{}, {"property_state": "OR"}]),
    ("propertyCity", "san josé", [{"property_city": "San José"}], [{}, {"property_city": "San Jose"}]),
    ("propertyCity", "100%", [{"property_city": "100%"}], [{"property_city": "1000"}]),
    ("propertyState", ["wa", "OR", "wa"], [{"property_state": "WA"}, {"property_state": "OR"}], [{}]),
    (
        "propertyCity",
        ["Kent", "YELM"],
        [{"property_city": "kent"}, {"property_city": "Yelm"}],
        [{"property_city": "Ken"}],
    ),
    ("propertyZip", 98101, [{"property_zip": "98101"}], [{"property_zip": "98102"}]),
    ("propertyZip", ["98101", "00501"], [{"property_zip": "98101"}, {"property_zip": "00501"}], [{}]),
    (
        "near",
        "47.6062,-122.3321,2",
        [
            {"latitude": Decimal("47.6062"), "longitude": Decimal("-122.3321")},
            {"latitude": 47.63, "longitude": -122.34},
        ],
        [
            {},
            {"latitude": 47.64, "longitude": -122.3321},
            {"latitude": 47.6062, "longitude": -122.38},
            {"latitude": 0, "longitude": 0},
        ],
    ),
    (
        "area",
        "47.0,-122.0 47.0,-121.0 48.0,-121.0",
        [{"latitude": Decimal("47.2"), "longitude": Decimal("-121.1")}],
        [{}, {"latitude": Decimal("47.8"), "longitude": Decimal("-121.9")}, {"latitude": 47.2, "longitude": None}],
    ),
    ("propertyType", ["SFR", "mfr"], [{"property_type": "SFR"}, {"property_type": "MFR"}], [{"property_type": "LAND"}]),
    ("propertyZip", "00501", [{"property_zip": "00501"}], [{}, {"property_zip": "501"}]),
    ("propertyType", "sfr", [{"property_type": "SFR"}], [{}, {"property_type": "MFR"}]),
    ("ownerType", "LLC", [{"owner_type": "llc"}], [{}, {"owner_type": "trust"}]),
    ("estimatedValueMin", 300000, [{"estimated_value": 300000}], [{}, {"estimated_value": 299999}]),
    (
        "estimatedValueMax",
        "300000",
        [{"estimated_value": 300000}, {"estimated_value": 0}],
        [{}, {"estimated_value": 300001}],
    ),
    ("estimatedEquityMin", -5, [{"estimated_equity": -5}], [{}, {"estimated_equity": -6}]),
    ("estimatedEquityMax", -0.5, [{"estimated_equity": -1}], [{"estimated_equity": 0}]),
    ("estimatedEquityMin", "-0.5", [{"estimated_equity": 0}], [{"estimated_equity": -1}]),
    ("estimatedEquityMax", 0, [{"estimated_equity": 0}, {"estimated_equity": -5}], [{}, {"estimated_equity": 1}]),
    ("equityPercentMin", 33.33, [{"equity_percent": Decimal("33.33")}], [{}, {"equity_percent": Decimal("33.32")}]),
    ("bedroomsMin", 3, [{"bedrooms": 3}, {"bedrooms": 9}], [{}, {"bedrooms": 2}]),
    ("yearBuiltMax", 1950, [{"year_built": 1950}], [{}, {"year_built": 1951}]),
    ("absenteeOwner", True, [{"absentee_owner": True}], [{}, {"absentee_owner": False}]),
    ("ownerOccupied", "true", [{"owner_occupied": True}], [{}, {"owner_occupied": False}]),
    ("preForeclosure", "True", [{"pre_foreclosure": True}], [{}, {"pre_foreclosure": False}]),
    ("foreclosure", False, [{"foreclosure": False}], [{}, {"foreclosure": True}]),
    ("taxLien", True, [{"tax_lien": True}], [{}, {"tax_lien": False}]),
    ("bankruptcy", True, [{"bankruptcy": True}], [{}, {"bankruptcy": False}]),
    ("vacant", "false", [{"vacant": False}], [{}, {"vacant": True}]),
    ("highEquity", True, [{"high_equity": True}], [{}, {"high_equity": False}]),
    ("freeClear", True, [{"free_clear": True}], [{}, {"free_clear": False}]),
    ("tag", "vacant", [{"tag": "Vacant"}], [{}, {"tag": "Vacant lot"}]),
    ("tag", ["hot", "OTHER"], [{"tag": "Hot"}, {"tag": "Vacant"}], [{}]),
    ("tagAll", ["hot", "other"], [{"tag": "Hot"}], [{}, {"tag": "Vacant"}]),
    ("tagNone", "hot", [{}, {"tag": "Vacant"}], [{"tag": "Hot"}]),
    ("tagNone", ["hot", "vacant"], [{}, {"tag": "Cold"}], [{"tag": "Hot"}, {"tag": "Vacant"}]),
    ("hasEmail", True, [{"email": "a@example.com"}], [{}, {"phone": PHONE}]),
    ("hasEmail", "no", [{}], [{"email": "a@example.com"}]),
    ("phoneType", "mobile", [{"phone_type": "mobile"}], [{}, {"phone_type": "landline"}]),
    ("phoneType", ["voip", "mobile"], [{"phone_type": "mobile"}, {"phone_type": "voip"}], [{}]),
    ("doNotCall", True, [{"phone": PHONE, "litigator": True}], [{"litigator": False}, {"phone_do_not_call": False}]),
    ("doNotCall", False, [{"phone_do_not_call": False}], [{"phone_do_not_call": False, "litigator": True}]),
    ("doNotCall", "unknown", [{"phone": PHONE, "litigator": False}], [{"phone": PHONE, "litigator": True}]),
    ("contactable", True, [CONTACTABLE | {"litigator": False}], [CONTACTABLE | {"litigator": True}]),
    ("litigator", True, [{"litigator": True}], [{}, {"litigator": False}]),
    ("litigator", False, [{}, {"litigator": False}], [{"litigator": True}]),
    ("doNotMail", True, [{"do_not_mail": True}], [{}, {"do_not_mail": False}]),
    ("doNotMail", False, [{}, {"do_not_mail": False}], [{"do_not_mail": True}]),
    ("neverContacted", True, [{}], [{"last_contact_at": NOON}, {"status": "contacted"}, {"status": "lost"}]),
    ("neverContacted", False, [{"last_contact_at": NOON}, {"status": "qualified"}], [{}]),
    ("lastContactAfter", "2026-11-24", [{"last_contact_at": NOON}], [{}, {"last_contact_at": LONG_AGO}]),
    ("lastContactAfter", "2026-11-25", [{"last_contact_at": FAR_AHEAD}], [{}, {"last_contact_at": NOON}]),
    ("lastContactBefore", "2026-11-25", [{"last_contact_at": NOON}], [{}, {"last_contact_at": FAR_AHEAD}]),
    ("lastContactBefore", "2026-11-24T12:00Z", [{"last_contact_at": LONG_AGO}], [{"last_contact_at": NOON}]),
    ("enrichedAfter", "36500d", [{"enriched_at": LONG_AGO}, {"enriched_at": FAR_AHEAD}], [{}]),
    ("enrichedBefore", "30D", [{"enriched_at": LONG_AGO}], [{}, {"enriched_at": FAR_AHEAD}]),
    ("propertyCounty", "king", [{"property_county": "King"}], [{}, {"property_county": "Kings"}]),
    ("equityPercentMax", 40, [{"equity_percent": Decimal("40")}], [{}, {"equity_percent": Decimal("40.01")}]),
    ("bedroomsMax", 3, [{"bedrooms": 3}, {"bedrooms": 0}], [{}, {"bedrooms": 4}]),
    ("bathroomsMin", 1.5, [{"bathrooms": Decimal("1.5")}], [{}, {"bathrooms": 1}]),
    ("bathroomsMax", "2", [{"bathrooms": 2}], [{}, {"bathrooms": Decimal("2.5")}]),
    ("sqftMin", 900, [{"sqft": 900}], [{}, {"sqft": 899}]),
    ("sqftMax", 900, [{"sqft": 900}], [{}, {"sqft": 901}]),
    ("yearBuiltMin", 1950, [{"year_built": 1950}], [{}, {"year_built": 1949}]),
    ("yearsOwnedMin", 10, [{"last_sale_date": years_ago(10)}], [{}, {"last_sale_date": years_ago(10, later=1)}]),
    ("yearsOwnedMin", "0", [{"last_sale_date": years_ago(0)}], [{}]),
    (
        "yearsOwnedMax",
        5,
        [{"last_sale_date": years_ago(6, later=1)}, {"last_sale_date": years_ago(0)}],
        [{}, {"last_sale_date": years_ago(6)}],
    ),
    ("callback", ["due", "today"], [{"callback_at": LONG_AGO}], [{}, {"callback_at": FAR_AHEAD}]),
    ("callback", "due", [{"callback_at": LONG_AGO}], [{}, {"callback_at": FAR_AHEAD}]),
    ("callback", "today", [{"callback_at": LONG_AGO}], [{}, {"callback_at": FAR_AHEAD}]),
    ("notTouchedDays", 30, [{}, {"last_activity_at": LONG_AGO}], [{"last_activity_at": FAR_AHEAD}]),
    ("updatedAfter", "2026-11-24", [{"updated_at": NOON}], [{"updated_at": LONG_AGO}]),
    ("updatedBefore", "2026-11-24", [{"updated_at": LONG_AGO}], [{"updated_at": NOON}]),
    ("createdAfter", "1d", [{}], []),
    ("createdAfter", "1900-01-01", [{}], []),
    ("createdBefore", "2900-01-01", [{}], []),
    (
        "ownerName",
        "smi JOSE",
        [{"owner_name": "José Ann Smith"}, {"first_name": "Jose", "last_name": "Smithers"}],
        [{}, {"owner_name": "Jo Smith"}, {"property_address": "1 Jose Smith St"}, {"owner_name": "Blacksmith Jose"}],
    ),
    ("ownerName", ["Doe", "Poe"], [{"owner_name": "Jo Doe"}, {"second_owner_name": "E A Poe"}], [{}]),
    ("ownerName", "206", [{"owner_name": "206 LLC"}], [{"owner_name": "Jo 206 555 0143"}]),  # not digit by digit
    ("callback", "any", [{"callback_at": LONG_AGO}, {"callback_at": FAR_AHEAD}], [{}]),
]


def make(columns: list[Columns], first: int) -> set[str]:
    owner = Lead.objects.first()
    _, leads = make_leads(len(columns), first=first, by=owner.owner if owner else None)
    for lead, values in zip(leads, columns, strict=True):
        rest = {name: value for name, value in values.items() if name != "tag"}
        Lead.objects.filter(pk=lead.pk).update(**rest) if rest else None
        if "tag" in values:
            set_tags(lead=lead, names=[values["tag"], "Other"])
    return {lead.property_id for lead in leads}


def passed(params: dict[str, Any]) -> list[str]:
    return sorted(matching(Lead.objects.all(), params).values_list("property_id", flat=True))


@pytest.mark.usefixtures("by_the_lead_alone")
@pytest.mark.parametrize(("name", "value", "passing", "others"), CASES)
def test_a_filter_passes_these_leads_and_no_others(
    name: str, value: Any, passing: list[Columns], others: list[Columns]
) -> None:
    wanted = make(passing, first=1)
    make(others, first=100)
    assert passed({name: value}) == sorted(wanted)


def test_a_lead_saved_today_was_not_saved_before_today_and_a_name_of_no_letter_is_nobodys() -> None:
    make([{"owner_name": "Jo"}], first=1)
    assert (
        passed({"createdBefore": "1d"}) == passed({"createdAfter": "2900-01-01"}) == passed({"ownerName": "--"}) == []
    )
    assert passed({"createdBefore": "36500d"}) == []  # UUIDs begin in 1970


def test_every_filter_there_is_has_a_case() -> None:
    assert {name for name, *_ in CASES} == {*FILTERS} - {
        "assignedTo",
        "statusLabel",
        "suppressed",
        "newReplies",
        "lastOutcome",
        "bucketsMin",
        "ownerBucketsMin",
    }  # tests/api/test_roles.py; campaigns/gate; test_presets.py; test_stacking.py


def test_no_filter_passes_everything_and_two_must_both_hold() -> None:
    make([{"property_state": "WA", "bedrooms": 3}, {"property_state": "WA"}, {"bedrooms": 3}], first=1)
    assert passed({}) == ["1", "2", "3"]
    assert passed({"propertyState": "WA", "bedroomsMin": 3}) == ["1"]


def test_a_filter_stays_within_the_leads_it_is_given() -> None:
    make([{"vacant": True}], first=1)
    assert not matching(Lead.objects.none(), {"vacant": True}).exists()


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"bucket": "x"}, ["bucket"]),
        ({"owner_id": 1, "phone": PHONE}, ["owner_id", "phone"]),
        ({"status__in": "new"}, ["status__in"]),
        ({"status": "hot"}, ["status"]),
        ({"status": ["new", "hot"]}, ["status"]),
        ({"enrichmentStatus": "done"}, ["enrichmentStatus"]),
        ({"propertyState": "Washington"}, ["propertyState"]),
        ({"propertyZip": "x" * 11}, ["propertyZip"]),
        ({"tag": "x" * 51}, ["tag"]),
        ({"bedroomsMin": "three"}, ["bedroomsMin"]),
        ({"bedroomsMin": "NaN"}, ["bedroomsMin"]),
        ({"estimatedValueMin": "Infinity", "yearBuiltMax": "old"}, ["estimatedValueMin", "yearBuiltMax"]),
        ({"propertyCity": "a\0b"}, ["propertyCity"]),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(params: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(BadFilter) as refused:
        matching(Lead.objects.all(), params)
    assert sorted(refused.value.errors) == names
    assert all(words and all(words) for words in refused.value.errors.values())
    assert all(name in str(refused.value) for name in names)


FLAGS = sorted(name for name, one in FILTERS.items() if isinstance(one, Flag))
BOUNDS = sorted(name for name, one in FILTERS.items() if isinstance(one, Bound))


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize(
    "value", ["maybe", 2, "2", -1, 1.0, 0.0, "1.0", "on", "t", "null", "None", [True], [], {}, "t\0"]
)
def test_a_flag_that_is_neither_true_nor_false_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadFilter) as refused:
        matching(Lead.objects.all(), {name: value})
    assert list(refused.value.errors) == [name]


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize(
    ("values", "meant"),
    [
        ([True, 1, "1", "true", "TRUE", " True ", "yes", "YES", "yes\n"], True),
        ([False, 0, "0", "false", "FALSE", " False ", "no", "No"], False),
    ],
)
def test_a_flag_is_read_in_every_spelling(name: str, values: list[Any], meant: bool) -> None:
    assert [understood({name: value})[name] for value in values] == [meant] * len(values)


@pytest.mark.usefixtures("by_the_lead_alone")
@pytest.mark.parametrize(
    "name", [name for name in FLAGS if name not in ("oneLeadPerOwner", "suppressed", "newReplies")]
)
def test_true_and_false_never_pass_the_same_lead_and_neither_passes_all(name: str) -> None:
    wide = {
        "phone": PHONE,
        "email": "a@example.com",
        "enrichment_status": "completed",
        "apollo_enriched_at": NOON,
        "last_contact_at": NOON,
        **dict.fromkeys(TRISTATE, True),
    }
    make([{}, wide, wide | dict.fromkeys(TRISTATE, False)], first=1)
    yes, no = set(passed({name: True})), set(passed({name: False}))
    assert yes and no and not yes & no


@pytest.mark.parametrize("value", [None, "", "  ", [], [""], [None]])
def test_a_filter_without_a_value_is_refused_not_taken_for_all(value: Any) -> None:
    for name in FILTERS:  # a test for each of a thousand pairs costs more than what it does
        with pytest.raises(BadFilter) as refused:
            matching(Lead.objects.all(), {name: value})
        assert "would let every lead through" in str(refused.value), name


@pytest.mark.parametrize(
    "value", [True, "٣", "1_000", "1,000", "3 000", "0x10", "--1", "", [3], [1, 2], {}, float("nan"), 10**60, "1" * 200]
)
def test_a_number_that_is_none_is_refused(value: Any) -> None:
    for name in BOUNDS:
        with pytest.raises(BadFilter) as refused:
            matching(Lead.objects.all(), {name: value})
        assert list(refused.value.errors) == [name]


@pytest.mark.parametrize("value", [True, 2.5, {}, [["98101"]], [True], "\ud800"])
def test_a_text_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(BadFilter):
        matching(Lead.objects.all(), {"propertyZip": value})


def test_what_was_understood_is_told_in_json() -> None:
    given = {"vacant": "YES", "estimatedValueMin": "3e5", "equityPercentMin": " 33.30 ", "status": ["new"], "tag": "x"}
    assert understood(given | {"doNotCall": "UNKNOWN", "propertyZip": [98101, "98101"]}) == {
        "vacant": True,
        "estimatedValueMin": 300000,
        "equityPercentMin": 33.3,
        "status": ["new"],
        "tag": "x",
        "doNotCall": "unknown",
        "propertyZip": ["98101"],
    }


@pytest.mark.parametrize("name", ["bedroomsMin", "yearBuiltMax", "estimatedValueMin", "equityPercentMin"])
@pytest.mark.parametrize("value", [10**30, -(10**30), "1e400", 2.5])
def test_a_number_no_column_can_hold_is_refused_or_answered_but_never_an_error(name: str, value: Any) -> None:
    make([{"bedrooms": 3, "year_built": 1950, "estimated_value": 1, "equity_percent": 1}], first=1)
    try:
        list(matching(Lead.objects.all(), {name: value}))
    except BadFilter as refused:
        assert list(refused.errors) == [name]


@pytest.mark.parametrize("name", sorted(name for name, one in FILTERS.items() if isinstance(one, Moment)))
@pytest.mark.parametrize(
    "value", ["yesterday", "2026-13-01", "30", 30, "-3d", "36501d", "99999999d", "0001-01-01", True, {}]
)
def test_a_day_that_is_none_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadFilter) as refused:
        matching(Lead.objects.all(), {name: value})
    assert list(refused.value.errors) == [name]


@pytest.mark.parametrize("name", sorted(name for name, one in FILTERS.items() if isinstance(one, Years)))
@pytest.mark.parametrize("value", [-1, 301, 2.5, "ten", True, [1]])
def test_years_that_are_none_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadFilter) as refused:
        matching(Lead.objects.all(), {name: value})
    assert list(refused.value.errors) == [name]


def test_a_day_begins_by_the_clock_of_the_person_who_asks() -> None:
    make([{"last_contact_at": datetime(2026, 11, 24, 3, tzinfo=UTC)}], first=1)
    asked = {"lastContactAfter": "2026-11-24"}

    assert matching(Lead.objects.all(), asked, time_zone="UTC").exists()
    assert not matching(Lead.objects.all(), asked, time_zone="America/Phoenix").exists()


def test_any_of_the_filters_is_enough_where_match_says_so() -> None:
    make([{"vacant": True, "tax_lien": True}, {"vacant": True}, {"tax_lien": True}, {"tag": "Hot"}, {}], first=1)
    asked = {"vacant": True, "taxLien": "yes"}

    assert passed(asked) == passed(asked | {"match": "all"}) == ["1"]
    assert passed(asked | {"match": "any"}) == ["1", "2", "3"]
    assert passed(asked | {"match": "any", "tag": "hot"}) == ["1", "2", "3", "4"]
    assert passed({"match": "any"}) == ["1", "2", "3", "4", "5"]
    assert understood(asked | {"match": "any"}) == {"vacant": True, "taxLien": True, "match": "any"}
    assert understood(asked | {"match": "all"}) == {"vacant": True, "taxLien": True}


@pytest.mark.parametrize("value", ["some", "", None, ["any", "all"], True])
def test_a_match_that_is_neither_all_nor_any_is_refused(value: Any) -> None:
    with pytest.raises(BadFilter) as refused:
        matching(Lead.objects.all(), {"match": value, "vacant": True})
    assert list(refused.value.errors) == ["match"]
