"""RealEstateAPI's PropertyDetail object, section by section as in the vendor's sample."""

from typing import Any

from sandbox import deeds
from sandbox.facts import Facts, facts_of
from sandbox.names import STREET_TYPES
from sandbox.owners import MailAddress, Owner, owner_of
from sandbox.parcels import Parcel
from sandbox.places import places
from sandbox.shapes import label, neighborhood, prior_names, unformatted, use_of
from sandbox.wire import Json

# County recorders' words, as the vendor's published bulk record has one of them.
_TYPE_WORDS = {
    "SFR": "SINGLE FAMILY RESIDENCE",
    "CONDO": "CONDOMINIUM",
    "MFR": "MULTI-FAMILY DWELLINGS (GENERIC, ANY COMBINATION)",
    "LAND": "RESIDENTIAL - VACANT LAND",
    "MOBILE": "MANUFACTURED, MODULAR, PRE-FABRICATED HOMES",
    "OTHER": "MISCELLANEOUS (GENERAL)",
}
_TYPES = {word.casefold() for word in (*STREET_TYPES, "Cir", "Blvd", "Trl", "Ter", "Pkwy", "Loop", "Ste", "Hwy")}


def detail(parcel: Parcel, *, prior_owner: bool = False) -> Json:
    """The `data` of PropertyDetail, an element of PropertyDetailBulk's."""
    facts = facts_of(parcel)
    owner = owner_of(parcel, facts)
    sale, mortgages = deeds.last_sale(parcel, facts, owner), deeds.mortgages(parcel, facts)
    result: Json = {
        **_root(parcel, facts),
        "auctionInfo": deeds.auction(parcel, facts) if facts.auction else {},
        "currentMortgages": [deeds.current(mortgage) for mortgage in mortgages],
        "demographics": deeds.demographics(parcel, facts),
        "foreclosureInfo": [deeds.foreclosure(parcel, facts)] if facts.pre_foreclosure else [],
        "lastSale": sale,
        "linkedProperties": deeds.linked(parcel, facts),
        "lotInfo": _lot(parcel),
        "mlsHistory": [],
        "mortgageHistory": mortgages,
        "neighborhood": neighborhood(parcel),
        "ownerInfo": _owner(facts, owner),
        "comps": [],
        "propertyInfo": _property(parcel, facts),
        "saleHistory": [deeds.history(sale)] if sale else [],
        "schools": [],
        "taxInfo": deeds.tax(parcel, facts),
    }
    if prior_owner:
        result["priorOwner"] = {"id": parcel.id, "ownerInfo": prior_names(parcel)}
    return result


def published(parcel: Parcel, *, prior_owner: bool = False) -> Json:
    """A detail as the vendor's published bulk record has it: the type in words and only under `propertyInfo`, equity
    in whole US dollars at the root and under `ownerInfo`."""
    record, facts = detail(parcel, prior_owner=prior_owner), facts_of(parcel)
    del record["propertyType"]
    record["equity"] = record["ownerInfo"]["equity"] = facts.equity
    record["propertyInfo"]["propertyType"] = _TYPE_WORDS[parcel.property_type]
    return record


def _root(parcel: Parcel, facts: Facts) -> Json:
    return {
        "absenteeOwner": facts.absentee,
        "auction": facts.auction,
        "cashBuyer": facts.cash_buyer,
        "cashSale": facts.cash_buyer,
        "corporateOwned": facts.owner_kind == "Company",
        "death": facts.death,
        "deathTransfer": False,
        "deedInLieu": False,
        "equity": None,
        "equityPercent": facts.equity_percent,
        "estimatedEquity": facts.equity,
        "estimatedMortgageBalance": str(facts.balance),
        "estimatedMortgagePayment": str(facts.balance // 180),
        "estimatedValue": facts.value,
        "floodZone": True,
        "floodZoneDescription": "AREA OF MINIMAL FLOOD HAZARD",
        "floodZoneType": "X",
        "freeClear": facts.free_clear,
        "highEquity": facts.high_equity,
        "id": parcel.id,
        "inherited": facts.inherited,
        "inStateAbsenteeOwner": facts.in_state_absentee,
        "investorBuyer": facts.cash_buyer and facts.absentee,
        "judgment": facts.judgment,
        "lastSaleDate": parcel.sale_date,
        "lastSalePrice": str(parcel.price),
        "lastUpdateDate": "2026-01-10 00:00:00 UTC",
        "lien": facts.tax_lien or facts.judgment,
        "MFH2to4": parcel.property_type == "MFR",
        "MFH5plus": False,
        "mlsActive": facts.mls_active,
        "mlsCancelled": False,
        "mlsFailed": False,
        "mlsHasPhotos": False,
        "mlsPending": False,
        "mlsSold": False,
        "mobileHome": parcel.property_type == "MOBILE",
        "openMortgageBalance": facts.balance,
        "outOfStateAbsenteeOwner": facts.out_of_state,
        "ownerOccupied": not facts.absentee,
        "preForeclosure": facts.pre_foreclosure,
        "priorId": None,
        "privateLender": facts.private_lender,
        "propertyType": parcel.property_type,
        "quitClaim": False,
        "sheriffsDeed": False,
        "spousalDeath": False,
        "taxLien": facts.tax_lien,
        "trusteeSale": False,
        "vacant": facts.vacant,
        "warrantyDeed": False,
    }


def _lot(parcel: Parcel) -> Json:
    land_use, use, _ = use_of(parcel)
    return {
        "apn": parcel.apn,
        "apnUnformatted": unformatted(parcel),
        "censusBlock": None,
        "censusBlockGroup": None,
        "censusTract": None,
        "landUse": land_use,
        "legalDescription": None,
        "legalSection": None,
        "lotAcres": round((parcel.lot_sqft or 0) / 43560, 2),
        "lotNumber": None,
        "lotSquareFeet": parcel.lot_sqft,
        "lotDepthFeet": None,
        "lotWidthFeet": None,
        "propertyClass": f"The general use for the property is {land_use.lower()}",
        "propertyUse": use,
        "subdivision": None,
        "zoning": None,
    }


def _owner(facts: Facts, owner: Owner) -> Json:
    result: Json = {
        "absenteeOwner": facts.absentee,
        "corporateOwned": facts.owner_kind == "Company",
        "equity": None,
        "mailAddress": _mail(owner.mail),
        "owner1FullName": owner.full_name,
        "owner1LastName": owner.last_name,
        "owner1Type": owner.kind,
        "ownerOccupied": not facts.absentee,
        "ownershipLength": None if facts.years_owned is None else facts.years_owned * 12,
    }
    if owner.first_name:
        result["owner1FirstName"] = owner.first_name
    if owner.co_owner_first_name:
        result |= {
            "owner2FirstName": owner.co_owner_first_name,
            "owner2FullName": f"{owner.co_owner_first_name} {owner.last_name}",
            "owner2LastName": owner.last_name,
        }
    return result


def _address(street: str | None, city: str, county: str | None, state: str, code: str, fips: str | None) -> Json:
    house, _, rest = (street or "").partition(" ")
    name, _, last = rest.rpartition(" ")
    typed = last.casefold() in _TYPES
    return {
        "address": street,
        "carrierRoute": None,
        "city": city,
        "county": county,
        "fips": fips,
        "house": house or None,
        "label": label(street, city, state, code),
        "state": state,
        "street": (name if typed else rest) or None,
        "streetType": last if typed else None,
        "zip": code,
        "zip4": None,
    }


def _mail(mail: MailAddress) -> Json:
    return {
        **_address(mail.street, mail.city, mail.county, mail.state, mail.zip, mail.fips),
        "addressFormat": "S",
    }


def _property(parcel: Parcel, facts: Facts) -> Json:
    _, use, use_code = use_of(parcel)
    place = places().get(parcel.zip)
    address = _address(parcel.street, parcel.city, parcel.county, parcel.state, parcel.zip, parcel.fips)
    areas = ("deckArea", "patioArea", "plumbingFixturesCount", "poolArea", "porchArea")
    zeros: dict[str, Any] = dict.fromkeys(areas, "0")
    unknown: dict[str, Any] = dict.fromkeys(
        (
            "basementFinishedPercent",
            "basementSquareFeetFinished",
            "basementSquareFeetUnFinished",
            "garageSquareFeetFinished",
            "garageSquareFeetUnfinished",
            "utilitiesSewageUsage",
            "utilitiesWaterSource",
        )
    )
    return {
        **zeros,
        **unknown,
        "address": {**address, "congressionalDistrict": None, "jurisdiction": place.city if place else None},
        "airConditioningType": "NONE",
        "basementSquareFeet": 0,
        "basementType": "NO BASEMENT",
        "bathrooms": parcel.baths,
        "bedrooms": parcel.beds,
        "buildingSquareFeet": parcel.sqft,
        "carport": False,
        "construction": "Frame",
        "deck": False,
        "fireplace": False,
        "fireplaces": 0,
        "garageSquareFeet": 0,
        "garageType": "None",
        "heatingType": "FORCED AIR",
        "latitude": parcel.latitude,
        "livingSquareFeet": parcel.sqft,
        "longitude": parcel.longitude,
        "lotSquareFeet": parcel.lot_sqft,
        "parkingSpaces": 0,
        "partialBathrooms": 0,
        "patio": False,
        "pool": False,
        "porchType": "None",
        "pricePerSquareFoot": round(facts.value / parcel.sqft) if parcel.sqft else 0,
        "propertyUse": use,
        "propertyUseCode": use_code,
        "roofConstruction": "197",
        "roofMaterial": "180",
        "roomsCount": 0,
        "rvParking": False,
        "safetyFireSprinklers": False,
        "stories": parcel.stories,
        "unitsCount": "0",
        "yearBuilt": parcel.year_built,
    }
