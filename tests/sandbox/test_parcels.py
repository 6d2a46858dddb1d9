"""Where the sandbox's parcels come from: county files and the generator."""

import csv
import math
import random
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, SandboxConfig
from sandbox.facts import facts_of
from sandbox.generator import DEFAULT_PARCELS, GeneratedParcels
from sandbox.owners import owner_of
from sandbox.parcels import CsvParcels, Parcel, ParcelFileError, ParcelSource
from sandbox.places import places
from tests.sandbox.helpers import KING, PARCELS, SACRAMENTO, Client, running


def all_of(source: ParcelSource) -> list[Parcel]:
    return [source.parcel(index) for index in range(len(source))]


def rows_of(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        pytest.skip(f"the public parcels are not here (../shared/data/{file.name})")
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.long
def test_king_county_is_found_whole_and_exactly_as_in_the_file() -> None:
    rows = rows_of(KING)
    with running(parcels=(KING,)) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)

        def find(**body: Any) -> Any:
            return client.post("/v2/PropertySearch", {"county": "King", "state": "WA", **body}).json()

        assert find(count=True)["resultCount"] == 21_420
        ids = find(ids_only=True)
        assert (len(ids["data"]), ids["resultCount"]) == (10_000, 21_420)
        by_zip = [find(ids_only=True, zip=code)["data"] for code in sorted({row["zipcode"] for row in rows})]
        assert len({one for found in by_zip for one in found}) == 21_420
        details = client.post("/v2/PropertyDetailBulk", {"ids": ids["data"][:250]}).json()["data"]
    assert len(details) == 250
    last = {row["id"]: row for row in rows}
    for detail in details:
        row, facts = last[detail["lotInfo"]["apn"]], detail["propertyInfo"]
        assert (facts["bedrooms"], facts["bathrooms"]) == (int(row["bedrooms"]), float(row["bathrooms"]))
        assert (facts["livingSquareFeet"], facts["lotSquareFeet"]) == (int(row["sqft_living"]), int(row["sqft_lot"]))
        assert facts["yearBuilt"] == int(row["yr_built"])
        assert (facts["address"]["fips"], facts["address"]["county"], facts["address"]["zip"]) == (
            "53033",
            "King",
            row["zipcode"],
        )
        assert facts["address"]["address"] is None


@pytest.mark.long
def test_of_a_parcel_sold_twice_the_last_sale_counts() -> None:
    rows_of(KING)
    source = CsvParcels([KING])
    prices = {parcel.apn: (parcel.price, parcel.sale_date) for parcel in all_of(source)}
    assert prices["6021501535"] == (700_000, "2014-12-23")
    assert prices["7520000520"] == (240_500, "2015-03-11")
    assert len(prices) == len(source) == 21_420
    assert source.unreadable == 0


def test_sacramento_has_981_addresses_in_four_counties() -> None:
    rows = rows_of(SACRAMENTO)
    source = CsvParcels([SACRAMENTO])
    parcels = all_of(source)
    assert len(parcels) == 981
    counts = {county: sum(parcel.county == county for parcel in parcels) for county in {p.county for p in parcels}}
    assert counts == {"Sacramento": 777, "Placer": 149, "El Dorado": 52, "Yolo": 3}
    assert {(p.county, p.fips) for p in parcels} == {
        ("Sacramento", "06067"),
        ("Placer", "06061"),
        ("El Dorado", "06017"),
        ("Yolo", "06113"),
    }
    by_street = {parcel.street: parcel for parcel in parcels}
    for row in rows:
        parcel = by_street[row["street"]]
        assert (parcel.beds, parcel.baths, parcel.sqft) == (int(row["beds"]), int(row["baths"]), int(row["sq__ft"]))
        assert (parcel.city, parcel.zip, parcel.apn) == (row["city"], row["zip"], None)
    assert sum(parcel.sqft == 0 for parcel in parcels) == 170  # of 171 rows, one sold twice
    kinds = {kind: sum(parcel.property_type == kind for parcel in parcels) for kind in ("SFR", "CONDO", "MFR", "OTHER")}
    assert sum(kinds.values()) == 981
    assert kinds["OTHER"] == 1


def test_ids_do_not_depend_on_the_order_of_the_rows_and_are_unique(tmp_path: Path) -> None:
    head, *rows = PARCELS.splitlines()
    for name, order in (("a.csv", rows), ("b.csv", rows[::-1])):
        (tmp_path / name).write_text("\n".join([head, *order]))
    one, other = (all_of(CsvParcels([tmp_path / name])) for name in ("a.csv", "b.csv"))
    assert one == other
    assert len({parcel.id for parcel in one}) == 8
    assert all(100_000_000 <= parcel.id < 2**31 for parcel in one)


def test_ids_stay_when_the_seed_changes_but_owners_do_not(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(PARCELS)
    one, other = (all_of(CsvParcels([file], seed)) for seed in (1, 2))
    assert [parcel.id for parcel in one] == [parcel.id for parcel in other]
    names = [[owner_of(parcel, facts_of(parcel)).full_name for parcel in parcels] for parcels in (one, other)]
    assert names[0] != names[1]


def test_rows_that_cannot_be_read_are_skipped_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    lines = ["id,zip,price,date", "1,98103,5,10/13/2014", "2,abc,5,", "3,98103,much,", "4,98103,5,yesterday", "5", ""]
    lines += ["6,98103,5,31/31/2014", "7,98103,,", ",98103,5,", '8,"98103']
    file.write_text("\n".join(lines), encoding="utf-8")
    source = CsvParcels([file])
    assert {parcel.apn for parcel in all_of(source)} == {"1", "7"}
    assert source.unreadable == 7


def test_other_column_names_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    head = "\ufeffParcel Number,Property_Address,ZIP Code,Bedrooms,Bathrooms,Sqft,Year Built,Sale Price\n"
    file.write_text(f'{head}12-3,"1 A St",98103-1234,3,1.5,"1,200",1950,"$250,000"\n', encoding="utf-8")
    parcel = CsvParcels([file]).parcel(0)
    assert (parcel.apn, parcel.street, parcel.zip, parcel.city) == ("12-3", "1 A St", "98103", "Seattle")
    assert (parcel.beds, parcel.baths, parcel.sqft, parcel.year_built, parcel.price) == (3, 1.5, 1200, 1950, 250_000)


def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("colour,size\nred,5\n")
    with pytest.raises(ParcelFileError, match=r"a\.csv: no column for the ZIP"):
        CsvParcels([file])
    with pytest.raises(ParcelFileError, match=r"b\.csv"):
        CsvParcels([tmp_path / "b.csv"])


def test_a_generated_million_is_there_without_being_stored() -> None:
    source = GeneratedParcels()
    assert len(source) == DEFAULT_PARCELS == 1_000_000
    assert sum(len(group.indices) for group in source.groups) == 1_000_000
    for index in random.Random(1).sample(range(1_000_000), 300):
        parcel = source.parcel(index)
        assert source.index_of(parcel.id) == index
        assert source.by_apn(parcel.apn or "") == [index]
        assert 100_000_000 <= parcel.id < 2**31
        assert places()[parcel.zip].state == parcel.state
        assert (
            math.dist(
                (parcel.latitude, parcel.longitude), (places()[parcel.zip].latitude, places()[parcel.zip].longitude)
            )
            < 0.05
        )


def test_a_generated_search_reads_only_the_parcels_of_its_places() -> None:
    class Counting(GeneratedParcels):
        read = 0

        def parcel(self, index: int) -> Parcel:
            self.read += 1
            return super().parcel(index)

    from sandbox.search import Search

    source = Counting()
    search = Search(source)
    assert len(search.find({"state": "CA"})) > 40_000
    assert source.read == 0
    here = len(search.find({"county": "King", "state": "WA"}))
    search.find({"county": "King", "state": "WA", "vacant": True})
    assert source.read == here < 5_000
    search.find({"county": "King", "state": "WA", "vacant": True})
    assert source.read == here  # the same search again, for its next page, reads nothing


def test_unknown_ids_and_apns_are_in_no_source() -> None:
    source = GeneratedParcels(1000)
    assert [source.index_of(one) for one in (0, 5, 99_999_999, 2**31, -1)] == [None] * 5
    assert [source.by_apn(one) for one in ("", "abc", "12")] == [[], [], []]


def test_two_sandboxes_with_one_seed_answer_alike_and_with_another_do_not() -> None:
    def answers(seed: int) -> list[Any]:
        with running(generate=2000, seed=seed) as (sandbox, session):
            client = Client(sandbox, "realestateapi", session)
            rows = client.post("/v2/PropertySearch", {"state": "CA", "size": 20}).json()
            ids = [row["id"] for row in rows["data"]]
            skips = [{"first_name": f"A{n}", "last_name": "Stone", "zip": "98103"} for n in range(30)]
            return [
                rows,
                client.post("/v2/PropertyDetailBulk", {"ids": ids}).json(),
                client.post("/v2/SkipTraceBatchAwait", {"skips": skips}).json(),
                client.post("/v2/SkipTrace", skips[0]).json(),
            ]

    assert answers(1) == answers(1) != answers(2)


def test_owners_live_where_their_facts_say() -> None:
    source = GeneratedParcels(3000)
    for parcel in all_of(source):
        facts = facts_of(parcel)
        mail = owner_of(parcel, facts).mail
        if not facts.absentee:
            assert (mail.street, mail.zip) == (parcel.street, parcel.zip)
        elif facts.out_of_state:
            assert mail.state != parcel.state
        else:
            assert (mail.state, mail.zip == parcel.zip) == (parcel.state, False)


def test_money_adds_up_for_every_parcel() -> None:
    for parcel in all_of(GeneratedParcels(2000)):
        facts = facts_of(parcel)
        assert facts.value - facts.balance == facts.equity
        assert facts.free_clear is (facts.balance == 0)
        assert facts.high_equity is (facts.equity_percent > 39)


def test_an_empty_configuration_is_a_million_parcels_and_no_limits() -> None:
    sandbox = Sandbox(SandboxConfig())
    assert len(sandbox.source) == 1_000_000
    with pytest.raises(RuntimeError, match="not been started"):
        _ = sandbox.port
