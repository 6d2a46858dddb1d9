"""RealEstateAPI's JSON of a property: the search row, the detail, and the detail of the 2026 pages.

Keys and types follow the vendor's samples, inconsistencies included: a row's ids are strings, a detail's a number;
money is a number here and a numeric string there; a row's `equity` is a bool, a detail's is null; facts nobody knows
are missing keys in a row (`yearBuilt`, `squareFeet`, ...) and null in a detail.
"""

from sandbox.facts import Facts, facts_of, unit
from sandbox.owners import MailAddress, Owner, owner_of
from sandbox.parcels import Parcel, plain_apn
from sandbox.search_fields import assessed
from sandbox.wire import Json

_USES = {  # landUse, propertyUse, propertyUseCode; the codes seen in samples, the others made up
    "SFR": ("Residential", "Single Family Residence", 385),
    "CONDO": ("Residential", "Condominium", 366),
    "MFR": ("Residential", "Multi-Family Dwellings", 378),
    "LAND": ("Vacant Land", "Vacant Land", 465),
    "MOBILE": ("Residential", "Mobile Home", 371),
    "OTHER": ("Other", "Other", 999),
}
_LENDERS = ("Cascade Example Bank", "First Sandbox Mortgage", "Harbor Example Lending", "Prairie Test Savings")


def label(street: str | None, city: str, state: str, code: str) -> str | None:
    """A formatted address as the vendor prints it ("..., Herndon, Va 20171"); null without a street."""
    return f"{street}, {city}, {state.title()} {code}" if street else None


def _row_address(street: str | None, city: str, county: str | None, state: str, code: str) -> Json:
    return {
        "address": label(street, city, state, code),
        "city": city,
        "county": county,
        "state": state,
        "street": street,
        "zip": code,
    }


def _row_mail(mail: MailAddress) -> Json:
    return _row_address(mail.street, mail.city, mail.county, mail.state, mail.zip)


def row(parcel: Parcel, *, obfuscate: bool = False) -> Json:
    """One element of PropertySearch's `data`; obfuscated without addresses and names."""
    facts = facts_of(parcel)
    owner = owner_of(parcel, facts)
    total, land = assessed(facts)
    land_use, use, use_code = _USES[parcel.property_type]
    result: Json = {
        "absenteeOwner": facts.absentee,
        "address": _row_address(parcel.street, parcel.city, parcel.county, parcel.state, parcel.zip),
        "adjustableRate": facts.adjustable_rate,
        "airConditioningAvailable": False,
        "assessedImprovementValue": total - land,
        "assessedLandValue": land,
        "assessedValue": total,
        "auction": facts.auction,
        "basement": False,
        "bathrooms": parcel.baths,
        "bedrooms": parcel.beds,
        "cashBuyer": facts.cash_buyer,
        "corporateOwned": facts.owner_kind == "Company",
        "death": facts.death,
        "distressed": facts.pre_foreclosure or facts.tax_lien,
        "documentType": "Grant Deed",
        "documentTypeCode": "DTGD",
        "equity": facts.equity_percent > 50,
        "equityPercent": facts.equity_percent,
        "estimatedEquity": facts.equity,
        "estimatedValue": facts.value,
        "floodZone": True,
        "floodZoneDescription": "AREA OF MINIMAL FLOOD HAZARD",
        "floodZoneType": "X",
        "foreclosure": facts.foreclosure,
        "forSale": facts.mls_active,
        "freeClear": facts.free_clear,
        "garage": False,
        "highEquity": facts.high_equity,
        "id": str(parcel.id),
        "inherited": facts.inherited,
        "inStateAbsenteeOwner": facts.in_state_absentee,
        "investorBuyer": facts.cash_buyer and facts.absentee,
        "landUse": land_use,
        "lastMortgage1Amount": None,
        "lastSaleAmount": str(parcel.price),
        "lastSaleDate": parcel.sale_date,
        "latitude": parcel.latitude,
        "listingAmount": None,
        "longitude": parcel.longitude,
        "lotSquareFeet": parcel.lot_sqft,
        "mailAddress": _row_mail(owner.mail),
        "medianIncome": str(median_income(parcel)),
        "MFH2to4": parcel.property_type == "MFR",
        "MFH5plus": False,
        "mlsActive": facts.mls_active,
        "mlsCancelled": False,
        "mlsFailed": False,
        "mlsHasPhotos": False,
        "mlsPending": False,
        "mlsSold": False,
        "negativeEquity": facts.equity < 0,
        "neighborhood": neighborhood(parcel),
        "openMortgageBalance": facts.balance,
        "outOfStateAbsenteeOwner": facts.out_of_state,
        "owner1FirstName": owner.first_name,
        "owner1LastName": owner.last_name,
        "ownerOccupied": not facts.absentee,
        "preForeclosure": facts.pre_foreclosure,
        "privateLender": facts.private_lender,
        "propertyId": str(parcel.id),
        "propertyType": parcel.property_type,
        "propertyUse": use,
        "propertyUseCode": use_code,
        "rentAmount": None,
        "reo": facts.reo,
        "squareFeet": parcel.sqft,
        "suggestedRent": str(rent(facts)),
        "unitsCount": 0,
        "vacant": facts.vacant,
        "yearBuilt": parcel.year_built,
        "yearsOwned": facts.years_owned,
    }
    if facts.balance:
        result["lenderName"] = lender(parcel)
    if owner.co_owner_first_name:
        result |= {"owner2FirstName": owner.co_owner_first_name, "owner2LastName": owner.last_name}
    for key in ("owner1FirstName", "bathrooms", "bedrooms", "lotSquareFeet", "squareFeet", "yearBuilt", "yearsOwned"):
        if result[key] is None:
            del result[key]
    if facts.properties_owned > 1:
        result |= portfolio(facts)
    if facts.mls_active:
        result |= {"mlsDaysOnMarket": 43, "mlsListingDate": "2025-12-03", "mlsListingPrice": facts.value}
        result |= {"mlsStatus": "Active", "mlsType": "ForSale"}
    if obfuscate:
        for key in ("address", "mailAddress", "owner1FirstName", "owner1LastName", "owner2FirstName", "owner2LastName"):
            result.pop(key, None)
    return result


def portfolio(facts: Facts) -> Json:
    """The owner's other holdings, of the same value each; numeric strings."""
    count = facts.properties_owned
    return {
        "totalPortfolioEquity": str(facts.equity * count),
        "totalPortfolioMortgageBalance": str(facts.balance * count),
        "totalPortfolioValue": str(facts.value * count),
        "totalPropertiesOwned": str(count),
    }


def neighborhood(parcel: Parcel) -> Json:
    """The ZIP as a neighborhood; the centre is WKT."""
    center = f"POINT({parcel.longitude} {parcel.latitude})"
    return {"id": parcel.zip, "name": parcel.city, "type": "subdivision", "center": center}


def median_income(parcel: Parcel) -> int:
    """A made-up median income of the area, US dollars a year."""
    return 40_000 + int(parcel.zip[:3]) * 71 % 90_000


def rent(facts: Facts) -> int:
    """A made-up monthly rent, US dollars: 0.5 % of the value."""
    return facts.value // 2000 * 10


def lender(parcel: Parcel) -> str:
    """A lender that does not exist."""
    return _LENDERS[int(unit(parcel.dice, 13) * len(_LENDERS))]


def detail_2026(parcel: Parcel, *, prior_owner: bool = False) -> Json:
    """A detail as the 2026 pages print it, abridged as they are, with the flags and values both generations have."""
    facts = facts_of(parcel)
    owner = owner_of(parcel, facts)
    address = _row_address(parcel.street, parcel.city, parcel.county, parcel.state, parcel.zip)
    result: Json = {
        "id": parcel.id,
        "apn": parcel.apn,
        "fips": parcel.fips,
        "address": {**address, "address": parcel.street},
        "propertyInfo": {
            "bedrooms": parcel.beds,
            "bathrooms": parcel.baths,
            "squareFeet": parcel.sqft,
            "yearBuilt": parcel.year_built,
            "lotSquareFeet": parcel.lot_sqft,
        },
        "ownerInfo": {
            **_names(owner),
            "absenteeOwner": facts.absentee,
            "ownerOccupied": not facts.absentee,
            "mailAddress": _row_mail(owner.mail),
        },
        "estimatedValue": facts.value,
        "estimatedEquity": facts.equity,
        "equityPercent": facts.equity_percent,
        "openMortgageBalance": facts.balance,
        "lastSaleDate": parcel.sale_date,
        "lastSalePrice": str(parcel.price),
        "propertyType": parcel.property_type,
        "vacant": facts.vacant,
        "preForeclosure": facts.pre_foreclosure,
        "taxLien": facts.tax_lien,
    }
    if prior_owner:
        result["priorOwner"] = {"id": parcel.id, "ownerInfo": prior_names(parcel)}
    return result


def _names(owner: Owner) -> Json:
    names = {"owner1LastName": owner.last_name}
    return {"owner1FirstName": owner.first_name, **names} if owner.first_name else names


def prior_names(parcel: Parcel) -> Json:
    """Who a made-up earlier owner was."""
    earlier = owner_of(parcel._replace(dice=parcel.dice[::-1]), facts_of(parcel))
    return _names(earlier)


def use_of(parcel: Parcel) -> tuple[str, str, int]:
    """landUse, propertyUse and propertyUseCode of the parcel's type."""
    return _USES[parcel.property_type]


def unformatted(parcel: Parcel) -> str | None:
    """The APN without punctuation, or null."""
    return plain_apn(parcel.apn) if parcel.apn else None
