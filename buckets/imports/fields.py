"""What a column of a file may hold: the fields, as the API, the page and the command name them."""

from __future__ import annotations

NUMBERS = ("phone", "secondaryPhone", "phone3", "phone4", "phone5")
EMAILS = ("email", "email2", "email3")
# field: the lead's column it fills; None: part of another field, or what a lead has no column of its own for
FIELDS: dict[str, str | None] = {
    "propertyId": None,
    "apn": "apn",
    "fips": "fips",
    "county": "property_county",
    # a street line, or the parts that make one; all of it may stand in `address`
    "address": "property_address",
    "address2": None,
    "house": None,
    "houseSuffix": None,
    "preDirection": None,
    "streetName": None,
    "streetSuffix": None,
    "postDirection": None,
    "unit": None,
    "city": "property_city",
    "state": "property_state",
    "zip": "property_zip",
    "cityStateZip": None,
    "ownerName": "owner_name",
    "firstName": "first_name",
    "lastName": "last_name",
    "secondOwnerName": "second_owner_name",
    "secondFirstName": None,
    "secondLastName": None,
    "mailingAddress": "mailing_address",
    "mailingAddress2": None,
    "mailingHouse": None,
    "mailingPreDirection": None,
    "mailingStreetName": None,
    "mailingStreetSuffix": None,
    "mailingPostDirection": None,
    "mailingUnit": None,
    "mailingCity": "mailing_city",
    "mailingState": "mailing_state",
    "mailingZip": "mailing_zip",
    "mailingCityStateZip": None,
    "phone": "phone",
    "phoneType": "phone_type",
    "phoneDoNotCall": "phone_do_not_call",
    "secondaryPhone": "secondary_phone",
    "secondaryPhoneType": "secondary_phone_type",
    "secondaryPhoneDoNotCall": "secondary_phone_do_not_call",
    "doNotCall": None,
    "otherDoNotCall": None,
    "callable": None,  # the opposite: "no" forbids the call
    "callStatus": None,  # words of which those that forbid the call are read
    **{f"{number}Status": None for number in NUMBERS},
    "litigator": "litigator",
    "doNotMail": "do_not_mail",
    "email": "email",
    "email2": None,
    "email3": None,
    "phoneOtherDoNotCall": "phone_other_mark",
    "secondaryPhoneOtherDoNotCall": "secondary_phone_other_mark",
    # what shows on no place of its own: kept among the lead's other values
    **{f"phone{n}{of}": f"phone_{n}{part}" for n in (3, 4, 5) for of, part in (
        ("", ""), ("Type", "_type"), ("DoNotCall", "_do_not_call"), ("OtherDoNotCall", "_other_mark"),
        ("Extension", "_extension"))},
    "phoneExtension": "phone_extension",
    "secondaryPhoneExtension": "secondary_phone_extension",
    "estimatedValue": "estimated_value",
    "estimatedEquity": "estimated_equity",
    "equityPercent": "equity_percent",
    "lastSaleDate": "last_sale_date",
    "lastSalePrice": "last_sale_price",
    "propertyType": "property_type",
    "bedrooms": "bedrooms",
    "bathrooms": "bathrooms",
    "sqft": "sqft",
    "yearBuilt": "year_built",
    "ownerOccupied": "owner_occupied",
    "absenteeOwner": "absentee_owner",
    "vacant": "vacant",
    "latitude": "latitude",
    "longitude": "longitude",
    "tags": None,
    "lists": None,
    "status": None,
    "statusLabel": None,  # the team's own word under the status
    "notes": None,
    # of our own export: whose the contacts are, and who sold them when
    "phoneSource": None,
    "secondaryPhoneSource": None,
    **{f"phone{n}Source": None for n in (3, 4, 5)},
    "emailSource": None,
    "email2Source": None,
    "email3Source": None,
    "ownerSource": None,
    "mailingSource": None,
    "contactName": "contact_name",
    "contactIsOther": "contact_is_other",
    "enrichedAt": None,
    "skipTracedAt": None,
    "apolloEnrichedAt": None,
}  # fmt: skip
NAMING = ("propertyId", "apn", "address", "streetName")  # one of these names a property
OTHER_MARKS = tuple(f"{number}OtherDoNotCall" for number in NUMBERS)
MARKS = (*(f"{number}DoNotCall" for number in NUMBERS), *OTHER_MARKS, "doNotCall", "otherDoNotCall", "litigator")
# The parts of a street line, in the order they are written; the same of the owner's mailing address.
STREET = ("house", "houseSuffix", "preDirection", "address", "streetName", "streetSuffix", "postDirection", "unit",
          "address2")  # fmt: skip
PLACE = ("city", "state", "zip", "cityStateZip")


def mailing(field: str) -> str:
    """The field of the owner's mailing address that is called so of the property's."""
    return f"mailing{field[:1].upper()}{field[1:]}"
