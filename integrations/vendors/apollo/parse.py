"""Apollo's people and organizations made facts. No photo, no employment history, no personal extras."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.skip_trace import Phone, best_first, phone_of

DATA_KEYS = ("headline", "seniority", "departments", "city", "state", "country", "email_status", "organization")
DATA_ORGANIZATION_KEYS = (
    "name",
    "website_url",
    "primary_domain",
    "industry",
    "estimated_num_employees",
    "founded_year",
    "linkedin_url",
)
# "plus 8 credits if a mobile phone is returned" (docs/vendors/apollo.md 3.4)
CREDITS_OF_A_PHONE = Decimal(8)
_DEMOGRAPHICS = (
    "title",
    "headline",
    "seniority",
    "departments",
    "functions",
    "employment_history",
    "organization",
    "city",
    "state",
    "country",
    "phone_numbers",
)
_WINDOWS = {"minute": "minute", "hour": "hourly", "day": "24-hour"}


@dataclass(frozen=True, slots=True)
class Window:
    """One rate window; None where Apollo sends an empty header, which means that there is no limit."""

    limit: int | None
    used: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Reveal:
    """What became of the phones of one match. phones: Apollo person id to the facts phone, phone_type and do-not-call.

    claimed: the credits Apollo says it took for them, None where it does not. retry_after: seconds until it makes sense
    to ask again.
    """

    ready: bool
    phones: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    claimed: Decimal | None = None
    retry_after: int | None = None


def rate(headers: Mapping[str, str]) -> dict[str, Window]:
    """The rate windows in the headers of an answer (docs/vendors/apollo.md 3.2); only those that are named at all."""
    found = {}
    for window, name in _WINDOWS.items():
        names = (f"x-rate-limit-{name}", f"x-{name}-usage", f"x-{name}-requests-left")
        if any(header in headers for header in names):
            found[window] = Window(*(normalise.integer(headers.get(header)) for header in names))
    return found


def person(record: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one matched person, every key of PEOPLE_KEYS. Never raises."""
    company = normalise.mapping(record.get("organization"))
    own = organization(company)
    emails = [record.get("email"), *normalise.sequence(record.get("personal_emails"))]
    return {
        "apollo_person_id": normalise.text(record.get("id"), limit=64),
        "apollo_org_id": normalise.text(record.get("organization_id"), limit=64) or own["apollo_org_id"],
        "apollo_title": normalise.text(record.get("title")),
        "apollo_company": own["apollo_company"],
        "apollo_industry": own["apollo_industry"],
        "apollo_linkedin_url": _url(record.get("linkedin_url")),
        "apollo_employee_count": own["apollo_employee_count"],
        "email": next((found for found in map(normalise.email, emails) if found), None),
        **phone_facts(record),
        "apollo_data": {
            "headline": normalise.text(record.get("headline")),
            "seniority": normalise.text(record.get("seniority"), limit=50),
            "departments": _words(record.get("departments")),
            "city": normalise.text(record.get("city"), limit=100),
            "state": normalise.text(record.get("state"), limit=100),
            "country": normalise.text(record.get("country"), limit=100),
            "email_status": normalise.text(record.get("email_status"), limit=50),
            "organization": _organization_data(company),
        },
    }


def has_data(record: Mapping[str, Any]) -> bool:
    """Whether a match is charged at all: it brings an e-mail or something about the person, not just who was asked for.

    "1 credit for demographics or email; no credit-consuming data: 0 credits" (docs/vendors/apollo.md 3.4)
    """
    emails = [record.get("email"), *normalise.sequence(record.get("personal_emails"))]
    return any(map(normalise.email, emails)) or any(record.get(name) for name in _DEMOGRAPHICS)


def is_mobile(facts: Mapping[str, Any]) -> bool:
    """Whether these phone facts are of a phone that is charged as one: any that Apollo does not call a landline."""
    return bool(facts.get("phone")) and facts.get("phone_type") not in ("landline", "voip")


def phone_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The best phone of `phone_numbers`. The callback spells the fields `type_cd`, the answer itself `type`."""
    phones = best_first(_phone(normalise.mapping(entry)) for entry in normalise.sequence(record.get("phone_numbers")))
    best = phones[0] if phones else None
    return {
        "phone": best.number if best else None,
        "phone_type": best.type if best else None,
        "phone_do_not_call": best.do_not_call if best else None,
    }


def organization(record: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one company, every key of ORGANIZATION_KEYS. Never raises."""
    return {
        "apollo_org_id": normalise.text(record.get("id"), limit=64),
        "apollo_company": normalise.text(record.get("name")),
        "apollo_industry": normalise.text(record.get("industry")),
        "apollo_linkedin_url": _url(record.get("linkedin_url")),
        "apollo_employee_count": normalise.integer(record.get("estimated_num_employees")),
        "apollo_data": {"organization": _organization_data(record)},
    }


def reveal(body: Mapping[str, Any]) -> Reveal:
    """The callback's body, pushed or fetched; fetched, it stands under `webhook_result`.

    Not ready where it has no list of people: what closes a purchase must be an answer.
    """
    pushed = normalise.mapping(body.get("webhook_result")) or body
    if not isinstance(pushed.get("people"), list):
        return Reveal(ready=False)
    people = [normalise.mapping(entry) for entry in normalise.sequence(pushed.get("people"))]
    phones = {}
    for entry in people:
        identity = normalise.text(entry.get("id"), limit=64)
        if identity:
            phones[identity] = phone_facts(entry)
    return Reveal(ready=True, phones=phones, claimed=normalise.units(pushed.get("credits_consumed")))


def domain(value: object) -> str:
    """A domain as it is compared: "http://www.Apollo.io/x" is "apollo.io"; "" where it is none."""
    host = (normalise.text(value) or "").lower()
    host = re.sub(r"^[a-z]+://", "", host).split("/")[0].split("?")[0].removeprefix("www.").rstrip(".")
    return host if re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", host) else ""


def _organization_data(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": normalise.text(record.get("name")),
        "website_url": _url(record.get("website_url")),
        "primary_domain": domain(record.get("primary_domain")) or None,
        "industry": normalise.text(record.get("industry")),
        "estimated_num_employees": normalise.integer(record.get("estimated_num_employees")),
        "founded_year": normalise.integer(record.get("founded_year"), least=1000, most=2100),
        "linkedin_url": _url(record.get("linkedin_url")),
    }


def _phone(entry: Mapping[str, Any]) -> Phone | None:
    # dnc_status is "not_found" where the number is on no list; what else Apollo may say there is not documented.
    listed = normalise.text(entry.get("dnc_status") or entry.get("dnc_status_cd"))
    return phone_of(
        entry.get("sanitized_number") or entry.get("raw_number"),
        type=entry.get("type") or entry.get("type_cd"),
        do_not_call=None if listed is None else listed != "not_found",
        last_seen=None,
        connected=None,
    )


def _url(value: object) -> str | None:
    """A web address: it becomes a link in our pages, so nothing but http and https passes."""
    url = normalise.text(value, limit=300)
    return url if url and re.match(r"https?://[^\s\"'<>]+$", url) else None


def _words(value: object) -> list[str]:
    return [word for item in normalise.sequence(value)[:20] if (word := normalise.text(item, limit=50))]
