"""Which lead of a bucket a row is, by what both are called."""

from __future__ import annotations

from integrations.lookups.identity import Name
from leads.facts.matching import Known, Register

APN = Name("apn:53033:12-3", "apn:53033:123")
OTHER_APN = Name("apn:53033:1-23", "apn:53033:123")
BARE = Name("apn:53033:=123", "apn:53033:123", bare=True)
OAK = Name("address:12 OAK ST@98101", "address:12 OAK@98101")
OAK_4 = Name("address:12 OAK ST #4@98101", "address:12 OAK@98101")


def known(number: int, *names: Name, apn: str | None = None, street: str | None = None, id: str = "") -> Known:
    return Known(f"{number:032x}", id or (names[0].text if names else ""), apn, street)


def register(*leads: tuple[Known, list[Name]]) -> Register:
    found = Register()
    for lead, names in leads:
        found.add(lead, [(name.exact, name.possible, name.bare) for name in names])
    return found


def found(leads: Register, *names: Name, id: str = "", **facts: str) -> int | None:
    said = {"apn": facts.get("apn"), "property_address": facts.get("street")}
    lead = leads.find(id or names[0].text, names, said)
    return int(lead.lead_id, 16) if lead else None


def test_an_equal_name_is_the_same_property_and_a_possible_one_is_not() -> None:
    leads = register((known(1, APN, OAK, apn="12-3"), [APN, OAK]))
    assert [found(leads, APN), found(leads, OAK), found(leads, OAK_4)] == [1, 1, None]


def test_an_apn_at_another_house_or_unit_is_another_property() -> None:
    leads = register((known(1, APN, apn="12-3", street="12 Oak St Apt 4"), [APN]))
    assert found(leads, APN, street="14 Oak St") is None
    assert found(leads, APN, street="12 Oak Street #5") is None
    assert found(leads, APN, street="12 Oak Street Unit 4") == 1
    assert found(leads, APN, street="12 Oak Street") == 1


def test_an_address_with_another_apn_is_another_property() -> None:
    leads = register((known(1, OAK, apn="12-3", street="12 Oak St"), [APN, OAK]))
    assert found(leads, OAK, apn="1-23", street="12 Oak St") is None
    assert found(leads, OAK, apn="123", street="12 Oak St") == 1
    assert found(leads, OAK, street="12 Oak St") == 1


def test_two_ids_of_the_vendor_s_are_never_one_property_though_they_share_an_address() -> None:
    leads = register((known(1, id="11", street="12 Oak St"), [OAK]))
    assert found(leads, OAK, id="12", street="12 Oak St") is None
    assert found(leads, OAK, street="12 Oak St") == 1


def test_an_apn_without_separators_is_the_one_lead_with_its_digits_either_way() -> None:
    leads = register((known(1, APN, apn="12-3"), [APN]))
    assert (found(leads, BARE, apn="123"), found(leads, OTHER_APN, apn="1-23")) == (1, None)
    assert found(register((known(2, BARE, apn="123"), [BARE])), APN, apn="12-3") == 2
    assert leads.unsure == 0


def test_an_apn_without_separators_is_none_of_two_and_counted() -> None:
    leads = register((known(1, APN, apn="12-3"), [APN]), (known(2, OTHER_APN, apn="1-23"), [OTHER_APN]))
    assert (found(leads, BARE, apn="123"), leads.unsure) == (None, 1)
    one = register((known(1, APN, apn="12-3"), [APN]))
    one.parcels = {BARE.possible: {OTHER_APN.exact}}  # of a bought property
    assert (found(one, BARE, apn="123"), one.unsure) == (None, 1)


def test_a_name_that_two_bought_properties_claim_counts_only_where_a_row_has_no_other() -> None:
    leads = register((known(1, OAK, street="12 Oak St"), [OAK]))
    leads.claimed = {OAK.exact}
    assert found(leads, OAK, street="12 Oak St") == 1
    assert found(leads, APN, OAK, apn="12-3", street="12 Oak St") is None
