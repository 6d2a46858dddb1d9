"""Which columns of a lead hold facts, by who brings them: a vendor, a person's file, a person's word.

What is not named here is not stored, whatever an answer or a file holds. Types are the model's. Where else a new column
has its place, tests/leads/test_columns.py says.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.db import connection
from django.db.models import CharField

from integrations.vendors.facts import CONTACT_KEYS, DETAIL_KEYS, PEOPLE_KEYS
from leads.facts.sources import MAILING, NAMES, PHONES
from leads.models import Lead

CONTACTS = (*PHONES, "email")
PARTS_OF_NAME = NAMES[1:]
# Bought: of a property, and of a person or company by Apollo. Names, contacts and addresses are weighed by themselves.
PROPERTY = tuple(name for name in DETAIL_KEYS if name not in (*PARTS_OF_NAME, *MAILING))
APOLLO = tuple(name for name in PEOPLE_KEYS if name not in CONTACTS)
# Whose phones and e-mail a skip trace brought.
PERSON = tuple(name for name in CONTACT_KEYS if name not in (*CONTACTS, *PARTS_OF_NAME, *MAILING))
# A person's own file: what names the property, its people, and what the file knows of the house. Of the last a purchase
# replaces what a file said, which stays among the lead's other values.
_OF_HOUSE = (
    "property_type", "bedrooms", "bathrooms", "sqft", "year_built", "estimated_value", "estimated_equity",
    "equity_percent", "last_sale_date", "last_sale_price", "latitude", "longitude", "owner_occupied", "absentee_owner",
    "vacant",
)  # fmt: skip
_OF_OWNER = ("second_owner_name", "litigator", "do_not_mail")
FILE_FACTS = (*_OF_HOUSE, *_OF_OWNER)
OF_FILE = (
    "apn", "fips", "property_address", "property_city", "property_state", "property_zip", "property_county",
    *NAMES, *MAILING, *CONTACTS, *PERSON, *FILE_FACTS,
)  # fmt: skip
# A person's own word; of the property only this.
HOUSE = ("bedrooms", "bathrooms", "sqft", "year_built", "estimated_value", "owner_occupied", "vacant")
TYPED = (*CONTACTS, *NAMES, *MAILING, *HOUSE)
# What may make an owner sell, in the order and the words that are shown.
SIGNALS = {
    "pre_foreclosure": "Pre-foreclosure",
    "foreclosure": "Foreclosure",
    "tax_lien": "Tax lien",
    "bankruptcy": "Bankruptcy",
    "vacant": "Vacant",
    "absentee_owner": "Absentee owner",
    "high_equity": "High equity",
    "free_clear": "Free and clear",
}


def with_types(columns: Iterable[str]) -> dict[str, str]:
    """SQL's type of each, with a number's digits, so that a rounded value is no news the second time."""
    return {name: _type(name) for name in columns}


@cache
def _type(name: str) -> str:
    """Asked for each lead that is written; Django works it out anew each time, which was a fifth of a run's work."""
    field = Lead._meta.get_field(name)
    return "text" if isinstance(field, CharField) else str(field.db_type(connection))
