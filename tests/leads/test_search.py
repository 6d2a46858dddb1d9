"""What a person types finds the lead it means: the best match first, and contacts only for who may see them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from accounts.access import own_access
from accounts.models import User
from leads.models import Lead
from leads.selection import ranking
from leads.selection.ranking import count_found, in_places, ranked
from leads.selection.search import sought
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db

MEADOW = {
    "apn": "123-45-678A",
    "owner_name": "José O’Neil",
    "first_name": "José",
    "last_name": "O’Neil",
    "property_address": "108 Meadow Pl",
    "property_city": "Phoenix",
    "property_state": "AZ",
    "property_zip": "85004",
    "phone": "+16025550142",
    "secondary_phone": "+14805559876",
    "email": "jose.oneil@example.com",
    "other_facts": {"phone": [{"value": "+15205557766", "source": "trace"}], "email": [{"value": "jo@old.example"}]},
}
OTHER = {
    "apn": "999-99-999",
    "owner_name": "Ann Lee",
    "last_name": "Lee",
    "property_address": "9 Elm St",
    "property_city": "Tucson",
    "property_zip": "85701",
    "phone": "+17735550000",
    "email": "ann@lee.example",
}


def make(*facts: dict[str, Any], by: User | None = None, first: int = 11) -> User:
    """A bucket with these leads, the property ids `first`, `first` + 1, …; the last is the newest."""
    _, leads = make_leads(len(facts), by=by, first=first)
    for lead, columns in zip(leads, facts, strict=True):
        Lead.objects.filter(pk=lead.pk).update(**columns)
    return leads[0].owner


def places(*arguments: Any, **options: Any) -> list[ranking.Place]:
    """As `ranked`: a search that finds few, and the same one taken for one that finds many."""
    told = ranked(*arguments, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_few", lambda *_: None)
        assert ranked(*arguments, **options) == told
    return told


def found(user: User, text: str, *, contacts: bool = True, limit: int = 50) -> list[str]:
    """The property ids of what is found, in its order."""
    mine = Lead.objects.seen_by(own_access(user))
    search = sought(text, by=own_access(user), contacts=contacts)
    rows = in_places(mine, places(mine, search, of=mine, limit=limit))
    ids = [lead.property_id for lead in rows]
    assert sorted(ids) == sorted(mine.filter(search.matches).values_list("property_id", flat=True)[:limit])
    assert count_found(mine, search, most=1000) == mine.filter(search.matches).count()
    return ids


@pytest.mark.parametrize(
    "text",
    [
        "123-45-678A", "12345678a", "123 45 678A", "123.45.678a", "123-45-6", "12345",  # APN
        "O'Neil", "O’Neil", "oneil", "ONEIL", "O`Neil", "o neil", "onei", "José", "jose", "JOSE ONEIL", "oneil jose",
        "108 Meadow Pl", "108 meadow place", "Meadow", "meadow pl", "108 mead", "Meadow Place",
        "108 Meadow Pl, Phoenix", "  108   Meadow  Pl,Phoenix AZ ", "108 Meadow Pl, Phoenix, AZ 85004", "meadow oneil",
        "Phoenix", "phoen", "85004", "oneil 85004", "11",
    ],
)  # fmt: skip
def test_a_lead_is_found_by_whoever_looks(text: str) -> None:
    ann = make(MEADOW, OTHER)
    bob = make(MEADOW, by=User.objects.create_user("bob"), first=21)

    assert found(ann, text, contacts=False) == found(ann, text) == ["11"]
    assert found(bob, text) == ([] if text == "11" else ["21"])


@pytest.mark.parametrize(
    "text",
    [
        "0142", "5550142", "555-0142", "6025550142", "(602) 555-0142", "+1 602 555 0142", "602.555.0142",
        "1-602-555-0142", "+1602", "9876", "480-555-9876", "7766", "520 555 7766", "oneil 0142", "phoenix 555-0142",
        "jose.oneil@example.com", "JOSE.ONEIL@EXAMPLE.COM", "jose.oneil@", "jose.oneil@ex", "@example.com",
        "example.com", "jose.on", "jo@old.example", "old.example", "jose @example.com",
    ],
)  # fmt: skip
def test_by_phone_and_e_mail_a_lead_is_found_by_who_may_see_them_only(text: str) -> None:
    ann = make(MEADOW, OTHER)

    assert found(ann, text) == ["11"]
    assert found(ann, text, contacts=False) == []


def test_a_contact_changes_no_order_and_no_count_for_who_may_not_see_it() -> None:
    street = {"property_address": "0142 Main St"}
    ann = make(street | {"phone": "+16025550142"}, street, {"phone": "+16025550142"})

    assert found(ann, "0142", contacts=False) == ["12", "11"]
    assert found(ann, "0142") == ["13", "12", "11"]
    assert count_found(Lead.objects.all(), sought("0142", by=own_access(ann), contacts=False), most=1000) == 2


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "%", "_", "\\", "'", "''", "!", "&", "|", ":*", "a:*", "<->", "(", ")", "@", "+", "-", "…", "\0\0",
     "' OR 1=1 --", "smith' | 'x", "p:16025550142", "r:2410555206", "e:jose", "oneil & tucson", "oneil tucson",
     "Meadow Elm", "0 8 Meadow", "ü" * 500, "x " * 300, "😀"],
)  # fmt: skip
def test_what_means_nothing_finds_nothing_and_breaks_nothing(text: str) -> None:
    ann = make(MEADOW, OTHER)

    assert found(ann, text, contacts=False) == []


def test_the_best_match_comes_first_and_among_equals_the_newest() -> None:
    ann = make(
        {"owner_name": "Mary Smith", "last_name": "Smith"},  # begins with it, 11
        {"property_address": "4 Smith St"},  # a word, 12
        {"owner_name": "Smithson"},  # an unfinished word, 13
        {"apn": "SMITH"},  # equal, 14
        {"owner_name": "Mary Smith", "last_name": "Smith"},  # 15
        {"property_city": "Smith"},  # 16
    )

    assert found(ann, "smith") == ["14", "15", "11", "16", "12", "13"]


@pytest.mark.long
def test_a_search_goes_on_where_a_page_ended_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.selection.ranking.RECENT", 3)
    surname, word = {"last_name": "Smith"}, {"property_city": "Smith"}
    ann = make(*[surname, word, surname, {}, word, {"apn": "SMITH"}, surname, word, {"property_city": "Smithton"}] * 3)
    mine, search = Lead.objects.seen_by(own_access(ann)), sought("smith", by=own_access(ann), contacts=False)
    whole = places(mine, search, of=mine, limit=100)

    assert len(whole) == len(set(whole)) == 24
    for size in (1, 4, 7):
        seen: list[Any] = []
        while rest := places(mine, search, of=mine, limit=size, at=seen[-1] if seen else None):
            seen += rest
        assert seen == whole
        for number in (5, 12, 23):
            before = places(mine, search, of=mine, limit=size, at=whole[number], back=True)
            assert before == whole[max(0, number - size) : number][::-1]


def test_more_than_are_read_whole_come_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make(*[{"last_name": "Smith"}, {"property_city": "Smith"}] * 3)
    few = found(ann, "smith")

    monkeypatch.setattr(ranking, "FEW", 5)

    assert found(ann, "smith") == few == ["15", "13", "11", "16", "14", "12"]


def test_a_search_stays_within_the_filters() -> None:
    ann = make({"last_name": "Smith", "status": "lost"}, {"last_name": "Smith"})
    mine = Lead.objects.seen_by(own_access(ann))

    lost = places(mine.filter(status="lost"), sought("smith", by=own_access(ann), contacts=False), of=mine, limit=5)

    assert [lead.property_id for lead in in_places(mine, lost)] == ["11"]


def test_a_lead_that_is_an_id_is_in_no_words_and_costs_none() -> None:
    make({}, MEADOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT property_id FROM leads_lead WHERE search IS NULL")
        assert cursor.fetchall() == [("11",)]


def test_what_is_found_follows_every_change_of_the_lead() -> None:
    ann = make(MEADOW)
    Lead.objects.update(property_city="Mesa", phone="+12065550100", other_facts=None)

    assert found(ann, "phoenix") == found(ann, "0142") == found(ann, "7766") == []
    assert found(ann, "mesa") == found(ann, "0100") == ["11"]


def test_a_lead_is_found_by_its_own_id_where_its_bucket_may_be_seen() -> None:
    ann = make(MEADOW)
    lead = Lead.objects.get()
    bob = User.objects.create_user("bob")

    assert found(ann, str(lead.pk)) == ["11"]
    assert found(bob, str(lead.pk)) == found(bob, "11") == []


@pytest.mark.parametrize(
    "text",
    [
        "602-555-0142 x12", "602-555-0142 ext. 12", "6025550142x12", "tel:+16025550142", "001 602 555 0142",
        "602 555 0142 (cell)", "Phone: 602-555-0142", "6025550142.0", "(602)555-0142 ext 12", "602\u2011555\u20110142",
        "+1 (602) 555-0142", "602/555-0142", "cell 480-555-9876 or 602 555 0142",
    ],
)  # fmt: skip
def test_any_usual_spelling_of_a_phone_finds_it_also_one_with_an_extension(text: str) -> None:
    ann = make(MEADOW | {"fact_sources": {"phone": {"source": "file", "extension": "12"}}}, OTHER)

    assert found(ann, text) == ["11"]
    assert found(ann, text, contacts=False) == []


def test_a_phone_beside_other_words_finds_only_what_has_both() -> None:
    ann = make(MEADOW, OTHER)

    assert found(ann, "oneil 602-555-0142") == ["11"]
    assert found(ann, "tucson 602-555-0142") == []


@pytest.mark.parametrize(
    ("facts", "texts"),
    [
        (
            {"property_city": "Phoenix", "property_state": "AZ", "property_zip": "85001"}
            | {"property_county": "Maricopa"},
            ["Phoenix, Arizona", "Maricopa County", "maricopa county, arizona", "85001-2222", "Phoenix AZ 85001-2222"],
        ),
        ({"property_state": "NC", "property_county": "Wake County"}, ["Wake County, North Carolina", "north carolina"]),
        ({"apn": "0012-003-04"}, ["APN 0012-003-04", "APN: 0012-003-04", "apn 001200304", "Parcel no. 0012-003-04"]),
        (
            {"property_address": "12 Main St Apt 4"},
            ["12 Main St Unit 4", "12 Main St #4", "12 main street # 4", "12 Main St, Apartment 4", "12 Main St Ste 4"],
        ),
        ({"property_address": "12 Main St #4"}, ["12 Main St Apt 4", "12 Main St Unit 4", "12 Main St"]),
        ({"property_city": "Coeur d'Alene"}, ["Coeur d Alene", "coeur dalene", "Coeur d’Alene", "coeur d'al"]),
        ({"property_city": "Coeur D Alene"}, ["Coeur d'Alene", "coeur d alene"]),
        ({"property_address": "9 5th Ave"}, ["9 Fifth Avenue", "fifth ave", "9 5th Ave"]),
        ({"property_address": "9 Fifth Boulevard"}, ["9 5th Blvd", "5th boulevard", "9 5th blv"]),
        ({"owner_name": "John Roe Jr"}, ["John Roe Junior", "roe jr"]),
        ({"owner_name": "John Roe Junior"}, ["Roe, John Jr."]),
        ({"property_city": "東京都"}, ["東", "東京", "東京都"]),
        ({"property_address": "1 Mount Hope Cres"}, ["1 mt hope crescent", "mnt hope"]),
    ],
)  # fmt: skip
def test_other_spellings_of_a_place_a_street_a_unit_or_a_name_find_it(facts: dict[str, Any], texts: list[str]) -> None:
    ann = make(facts, OTHER | {"property_state": "OR"})

    assert {text: found(ann, text, contacts=False) for text in texts} == {text: ["11"] for text in texts}


def test_whole_words_come_before_words_that_go_on() -> None:
    ann = make({"property_address": "108 Meadow Pl"}, {"property_address": "108 Meadowlark Pl"})

    assert found(ann, "108 meadow") == ["11", "12"]


def test_a_property_id_with_zeros_before_it_is_the_same_id() -> None:
    ann = make(MEADOW, OTHER, first=123)

    assert found(ann, "0123") == found(ann, "123") == ["123"]


def test_a_word_that_postgres_knows_nothing_of_is_not_taken_for_a_frequent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a big enough table it expects more of any word than EXPECTED."""
    user = make(*({"last_name": "Smith", "owner_name": f"Jo{n} Smith"} for n in range(200)))
    mine = Lead.objects.seen_by(own_access(user))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
    monkeypatch.setattr(ranking, "EXPECTED", 0)
    many = {
        text: ranking._is_many(mine, sought(text, by=own_access(user), contacts=True))
        for text in ("smith", "zzzzz", "it's\\", "602-555-0199", "a@b.example")
    }
    assert many == dict.fromkeys(many, False) | {"smith": True}
