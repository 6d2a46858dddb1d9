"""PropertySearch's filters by kind: which the sandbox's data answers, and how.

Names are from the vendor's request field list (POST /v2/PropertySearch) and its filter-to-field map. An unknown name is
refused (the vendor's behaviour is not documented; Joi, which it uses, refuses unknown keys).
"""

from collections.abc import Callable
from typing import Any

from sandbox.facts import Facts, facts_of
from sandbox.parcels import Group, Parcel
from sandbox.places import STATES, county_id


class View:
    """A parcel on its way through the filters; its facts are computed when the first filter asks."""

    __slots__ = ("_facts", "parcel")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """The made-up facts of the parcel."""
        if self._facts is None:
            self._facts = facts_of(self.parcel)
        return self._facts


def _names(text: str) -> set[str]:
    return set(text.split())


CONTROL = {"count", "ids_only", "obfuscate", "sort", "summary", "resultIndex", "size"}
COMPOUND = {"and", "or", "exclude", "exists"}
PLACE = {"state", "county", "city", "zip", "fips", "stateId", "countyId"}
EXACT = {"id", "ids", "apn", "address", "house", "street", "property_type"}
UPDATED = {"last_update_date_min", "last_update_date_max"}
GEO = {"latitude", "longitude", "radius", "polygon", "multi_polygon"}

# Accepted without effect: refinements of other filters and AutoComplete's own words.
IGNORED = {"search_range", "notice_type", "searchType", "title"}

FLAGS: dict[str, Callable[[View], bool]] = {
    "absentee_owner": lambda v: v.facts.absentee,
    "out_of_state_owner": lambda v: v.facts.out_of_state,
    "in_state_owner": lambda v: v.facts.in_state_absentee,  # the vendor's field map; its prose would include residents
    "corporate_owned": lambda v: v.facts.owner_kind == "Company",
    "individual_owned": lambda v: v.facts.owner_kind == "Individual",
    "trust_owned": lambda v: v.facts.owner_kind == "Trust",
    "vacant": lambda v: v.facts.vacant,
    "pre_foreclosure": lambda v: v.facts.pre_foreclosure,
    "foreclosure": lambda v: v.facts.foreclosure,
    "auction": lambda v: v.facts.auction,
    "reo": lambda v: v.facts.reo,
    "tax_lien": lambda v: v.facts.tax_lien,
    "judgment": lambda v: v.facts.judgment,
    "death": lambda v: v.facts.death,
    "inherited": lambda v: v.facts.inherited,
    "high_equity": lambda v: v.facts.high_equity,
    "negative_equity": lambda v: v.facts.equity < 0,
    "free_clear": lambda v: v.facts.free_clear,
    "cash_buyer": lambda v: v.facts.cash_buyer,
    "investor_buyer": lambda v: v.facts.cash_buyer and v.facts.absentee,
    "private_lender": lambda v: v.facts.private_lender,
    "adjustable_rate": lambda v: v.facts.adjustable_rate,
    "mls_active": lambda v: v.facts.mls_active,
    "mfh_2to4": lambda v: v.parcel.property_type == "MFR",
    "mfh_5plus": lambda _: False,
    "last_sale_arms_length": lambda v: v.parcel.price > 0,
}

# Filters with _min and _max; null in the data never matches.
RANGES: dict[str, Callable[[View], Any]] = {
    "beds": lambda v: v.parcel.beds,
    "baths": lambda v: v.parcel.baths,
    "building_size": lambda v: v.parcel.sqft,
    "lot_size": lambda v: v.parcel.lot_sqft,
    "year_built": lambda v: v.parcel.year_built,
    "year": lambda v: v.parcel.year_built,
    "stories": lambda v: v.parcel.stories,
    "value": lambda v: v.facts.value,
    "estimated_equity": lambda v: v.facts.equity,
    "mortgage": lambda v: v.facts.balance,
    "ltv": lambda v: 100 - v.facts.equity_percent,
    "last_sale_price": lambda v: v.parcel.price,
    "years_owned": lambda v: v.facts.years_owned,
    "properties_owned": lambda v: v.facts.properties_owned,
    "assessed_value": lambda v: assessed(v.facts)[0],
    "assessed_land_value": lambda v: assessed(v.facts)[1],
    "assessed_improvement_value": lambda v: assessed(v.facts)[0] - assessed(v.facts)[1],
    "last_sale_date": lambda v: v.parcel.sale_date,
}
DATE_RANGES = {"last_sale_date"}

# One value with an operator field beside it: filter -> (operator field, the value compared).
COMPARED: dict[str, tuple[str, Callable[[View], Any]]] = {
    "equity_percent": ("equity_percent_operator", lambda v: v.facts.equity_percent),
    "estimated_equity": ("equity_operator", lambda v: v.facts.equity),
    "years_owned": ("years_owned_operator", lambda v: v.facts.years_owned),
    "last_sale_date": ("last_sale_date_operator", lambda v: v.parcel.sale_date),
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
}

# `exists`: a made-up owner always has a whole mailing address; the rest is what the source knows.
EXISTS: dict[str, Callable[[View], bool]] = {
    **{f"mail_{part}": lambda _: True for part in ("address", "house", "street", "city", "state", "zip")},
    **{part: lambda v: v.parcel.street is not None for part in ("address", "house", "street")},
    "apn": lambda v: v.parcel.apn is not None,
    "fips": lambda v: v.parcel.fips is not None,
    "county": lambda v: v.parcel.county is not None,
}

SORTS: dict[str, Callable[[View], Any]] = {
    "years_owned": RANGES["years_owned"],
    "equity_percent": COMPARED["equity_percent"][1],
    "year_built": RANGES["year_built"],
    "building_size": RANGES["building_size"],
    "lot_size": RANGES["lot_size"],
    "assessed_value": RANGES["assessed_value"],
    "assessed_land_value": RANGES["assessed_land_value"],
    "last_sale_date": RANGES["last_sale_date"],
    "estimated_equity": RANGES["estimated_equity"],
    "estimated_value": RANGES["value"],
}

# Known filters the data cannot answer: accepted, and match nothing (false: match everything).
UNANSWERED_FLAGS = _names(
    "mls_pending mls_cancelled mls_sold assumable attic basement breezeway carport deck feature_balcony "
    "fire_sprinklers flood_zone garage hoa patio pool prior_owner_individual quit_claim rv_parking"
)
UNANSWERED = _names(
    "neighborhood_id neighborhood_name property_use_code mls_days_on_market_min mls_days_on_market_max "
    "mls_listing_price mls_listing_price_operator mls_listing_price_min mls_listing_price_max usps_mail_state "
    "census_block census_block_group census_tract construction document_type_code flood_zone_type "
    "loan_type_code_first loan_type_code_second loan_type_code_third parcel_account_number roof_construction_code "
    "roof_material_code sewage water_source median_income median_income_operator median_income_min median_income_max "
    "auction_date_min auction_date_max deck_area_min deck_area_max foreclosure_date_min foreclosure_date_max "
    "rooms_min rooms_max pool_area_min pool_area_max portfolio_equity_min portfolio_equity_max "
    "portfolio_mortgage_balance_min portfolio_mortgage_balance_max portfolio_purchased_last12_min "
    "portfolio_purchased_last12_max portfolio_purchased_last6_min portfolio_purchased_last6_max portfolio_value_min "
    "portfolio_value_max pre_foreclosure_date_min pre_foreclosure_date_max prior_owner_months_owned_min "
    "prior_owner_months_owned_max tax_delinquent_year_min tax_delinquent_year_max units_min units_max"
)
PROPERTY_TYPES = ("SFR", "MFR", "LAND", "CONDO", "MOBILE", "OTHER")
KNOWN = (
    CONTROL
    | COMPOUND
    | PLACE
    | EXACT
    | UPDATED
    | GEO
    | IGNORED
    | set(FLAGS)
    | {f"{name}_{end}" for name in RANGES for end in ("min", "max")}
    | set(COMPARED)
    | {operator for operator, _ in COMPARED.values()}
    | UNANSWERED_FLAGS
    | UNANSWERED
)


def assessed(facts: Facts) -> tuple[int, int]:
    """Made-up assessed value and its land part, US dollars: 80 % of the value, a third of it land."""
    total = facts.value * 4 // 5
    return total, total // 3


def state_id(state: str) -> str | None:
    """The state's FIPS number, as AutoComplete's `stateId`."""
    return STATES[state][0] if state in STATES else None


def place_value(name: str, place: Parcel | Group) -> str | None:
    """The text a place filter compares, of a parcel or a group."""
    if name == "stateId":
        return state_id(place.state)
    if name == "countyId":
        return county_id(place.state, place.county)
    value: str | None = getattr(place, name)
    return value
