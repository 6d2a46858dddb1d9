"""Every filter passes the leads it names and no others, and says so when it cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import BooleanField

from common.filters import Bound, Flag
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
    ("callback", ["due", "today"], [{"callback_at": LONG_AGO}], [{}, {"callback_at": FAR_AHEAD}]),
    ("callback", "due", [{"callback_at": LONG_AGO}], [{}, {"callback_at": FAR_AHEAD}]),
    ("callback", "today", [{"callback_at": LONG_AGO}], [{}, {"callback_at": FAR_AHEAD}]),
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


@pytest.mark.parametrize(("name", "value", "passing", "others"), CASES)
def test_a_filter_passes_these_leads_and_no_others(
    name: str, value: Any, passing: list[Columns], others: list[Columns]
) -> None:
    wanted = make(passing, first=1)
    make(others, first=100)
    assert passed({name: value}) == sorted(wanted)


def test_every_filter_there_is_has_a_case() -> None:
    assert {name for name, *_ in CASES} == set(FILTERS)


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


@pytest.mark.parametrize("name", FLAGS)
def test_true_and_false_never_pass_the_same_lead_and_neither_passes_all(name: str) -> None:
    wide = {
        "phone": PHONE,
        "enrichment_status": "completed",
        "apollo_enriched_at": NOON,
        **dict.fromkeys(TRISTATE, True),
    }
    make([{}, wide, wide | dict.fromkeys(TRISTATE, False)], first=1)
    yes, no = set(passed({name: True})), set(passed({name: False}))
    assert yes and no and not yes & no


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize("value", [None, "", "  ", [], [""], [None]])
def test_a_filter_without_a_value_is_refused_not_taken_for_all(name: str, value: Any) -> None:
    with pytest.raises(BadFilter, match="would let every lead through"):
        matching(Lead.objects.all(), {name: value})


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(
    "value", [True, "٣", "1_000", "1,000", "3 000", "0x10", "--1", "", [3], [1, 2], {}, float("nan"), 10**60, "1" * 200]
)
def test_a_number_that_is_none_is_refused(name: str, value: Any) -> None:
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
