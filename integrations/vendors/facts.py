"""The allow-list: which facts of an answer are kept, by the lead's column names. What is not named here is dropped.

Skip traces also bring ethnicity, marital status, gender, age and occupation: they must not be kept.
"""

from __future__ import annotations

DETAIL_KEYS = (
    "apn", "fips",
    "property_address", "property_city", "property_state", "property_zip", "property_county", "property_type",
    "bedrooms", "bathrooms", "sqft", "year_built",
    "estimated_value", "estimated_equity", "equity_percent", "last_sale_date", "last_sale_price",
    "latitude", "longitude",
    "first_name", "last_name", "owner_name", "owner_type", "owner_occupied", "absentee_owner",
    "pre_foreclosure", "foreclosure", "tax_lien", "bankruptcy", "vacant", "high_equity", "free_clear",
    "mailing_address", "mailing_city", "mailing_state", "mailing_zip",
)  # fmt: skip
ROW_KEYS = ("property_id", *DETAIL_KEYS)
CONTACT_KEYS = (
    "first_name", "last_name",
    "phone", "phone_type", "phone_do_not_call",
    "secondary_phone", "secondary_phone_type", "secondary_phone_do_not_call",
    "email",
    "mailing_address", "mailing_city", "mailing_state", "mailing_zip",
    "contact_name", "contact_is_other",
)  # fmt: skip
PEOPLE_KEYS = (
    "apollo_person_id", "apollo_org_id", "apollo_title", "apollo_company", "apollo_industry", "apollo_linkedin_url",
    "apollo_employee_count",
    "email", "phone", "phone_type", "phone_do_not_call",
    "apollo_data",
)  # fmt: skip
ORGANIZATION_KEYS = (
    "apollo_org_id", "apollo_company", "apollo_industry", "apollo_linkedin_url", "apollo_employee_count", "apollo_data",
)  # fmt: skip
