"""Apollo's made-up people and companies, and the JSON they are told in."""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.contacts import Phone
from sandbox.facts import pick, unit
from sandbox.filters import words
from sandbox.names import FIRST_NAMES, LAST_NAMES
from sandbox.parcels import roll
from sandbox.places import STATES, area_codes_of, residential
from sandbox.wire import Json

IDENTITY = (
    "first_name",
    "last_name",
    "name",
    "email",
    "hashed_email",
    "organization_name",
    "domain",
    "id",
    "linkedin_url",
)
_TITLES = ("Owner", "Managing Member", "Principal", "Director of Operations", "Project Manager")
_INDUSTRIES = ("real estate", "construction", "information technology & services", "retail")
_LEGAL_FORM = re.compile(r"[\s,]+(l\.?l\.?c\.?|l\.?l\.?p\.?|inc\.?|corp\.?|co\.?|ltd\.?|l\.?p\.?)$", re.IGNORECASE)
_NO_ORGANIZATION_FACTS = ("blog_url", "angellist_url", "phone", "publicly_traded_symbol", "publicly_traded_exchange")


@dataclass(frozen=True, slots=True)
class Match:
    """A person found; `mobile` is known to Apollo but only ever told by webhook."""

    key: str
    payload: Json
    email: str | None
    personal_email: str | None
    mobile: Phone | None


def hex_id(dice: bytes) -> str:
    """24 hexadecimal digits, as Apollo's ids."""
    return dice[:12].hex()


def key_of(detail: Json) -> str:
    """What identifies a person asked for; empty where nothing does."""
    return "|".join(f"{name}={words(str(detail[name]))}" for name in IDENTITY if detail.get(name))


def find_person(detail: Json, seed: int) -> Match | None:
    """The person of one detail, or none: an e-mail or a company makes a match likely, a bare name does not."""
    key = key_of(detail)
    strong = any(detail.get(name) for name in ("email", "hashed_email", "id", "linkedin_url"))
    placed = detail.get("domain") or detail.get("organization_name")
    named = detail.get("name") or (detail.get("first_name") and detail.get("last_name"))
    odds = 0.85 if strong or (named and placed) else 0.4 if named else 0.0
    dice = roll(seed, f"apollo|{key}")
    if unit(dice, 0) >= odds:
        return None
    first, last = _name(detail, dice)
    slug = re.sub(r"[^a-z.]", "", f"{first}.{last}".casefold())
    email = str(detail["email"]) if detail.get("email") else f"{slug}@example.com" if unit(dice, 1) < 0.85 else None
    home = residential()[int(unit(dice, 2) * len(residential()))]
    number = f"{pick(area_codes_of(home.state), dice, 3)}55501{int(unit(dice, 4) * 100):02d}"
    mobile = Phone(number, "mobile", dnc=False) if unit(dice, 5) < 0.6 else None
    domain = str(detail.get("domain") or f"{slug.rpartition('.')[2] or 'company'}.example.com")
    company = organization(domain, seed, str(detail.get("organization_name") or ""))
    title = pick(_TITLES, dice, 6)
    person: Json = {
        "id": str(detail.get("id") or hex_id(dice)),
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "linkedin_url": f"http://www.linkedin.com/in/example-{hex_id(dice)[:8]}",
        "title": title,
        "email_status": "verified" if email else None,
        "photo_url": None,
        "twitter_url": None,
        "github_url": None,
        "facebook_url": None,
        "extrapolated_email_confidence": None,
        "headline": f"{title} at {company['name']}",
        "email": email,
        "organization_id": company["id"],
        "employment_history": [_employment(dice, company, title)],
        "state": STATES[home.state][1],
        "city": home.city,
        "country": "United States",
        "organization": company,
        "is_likely_to_engage": unit(dice, 7) < 0.5,
        "departments": ["c_suite"],
        "subdepartments": ["executive"],
        "seniority": "owner",
        "functions": ["entrepreneurship"],
        "show_intent": False,
        "revealed_for_current_team": True,
    }
    personal = f"{slug}{int(unit(dice, 8) * 90 + 10)}@example.com" if unit(dice, 9) < 0.6 else None
    return Match(key, person, email, personal, mobile)


def _name(detail: Json, dice: bytes) -> tuple[str, str]:
    whole = str(detail.get("name") or "").split()
    first = str(detail.get("first_name") or (whole[0] if whole else pick(FIRST_NAMES, dice, 10)))
    last = str(detail.get("last_name") or (whole[-1] if len(whole) > 1 else pick(LAST_NAMES, dice, 11)))
    return first.title(), last.title()


def _employment(dice: bytes, company: Json, title: str) -> Json:
    nothing = ("created_at", "degree", "description", "emails", "end_date", "grade_level", "kind", "major")
    job = hex_id(dice[12:])
    return {
        "_id": job,
        **dict.fromkeys((*nothing, "raw_address", "updated_at")),
        "current": True,
        "organization_id": company["id"],
        "organization_name": company["name"],
        "start_date": "2016-01-01",
        "title": title,
        "id": job,
        "key": job,
    }


def find_organization(domain: str, seed: int, name: str = "") -> Json | None:
    """The company of a domain, for four of five domains."""
    known = unit(roll(seed, f"company|{domain.casefold()}"), 31) < 0.8
    return organization(domain, seed, name) if known else None


def known_name(asked: str) -> str:
    """A company as Apollo calls it: by its brand, without the legal form it is registered with."""
    return re.sub(r"[\s,.]+$", "", _LEGAL_FORM.sub("", asked.strip())).title()


def organization(domain: str, seed: int, name: str = "") -> Json:
    """A made-up company at a domain."""
    dice = roll(seed, f"company|{domain.casefold()}")
    industry = pick(_INDUSTRIES, dice, 0)
    home = residential()[int(unit(dice, 1) * len(residential()))]
    employees = 1 + int(unit(dice, 2) ** 3 * 2000)
    return {
        "id": hex_id(dice),
        "name": name or domain.partition(".")[0].title(),
        "website_url": f"http://www.{domain}",
        "linkedin_url": f"http://www.linkedin.com/company/example-{hex_id(dice)[:8]}",
        "twitter_url": None,
        "facebook_url": None,
        **dict.fromkeys(_NO_ORGANIZATION_FACTS),
        "primary_phone": {},
        "languages": [],
        "alexa_ranking": None,
        "linkedin_uid": str(int.from_bytes(dice[:3], "big")),
        "founded_year": 1950 + int(unit(dice, 3) * 70),
        "logo_url": None,
        "crunchbase_url": None,
        "primary_domain": domain,
        "industry": industry,
        "keywords": [],
        "estimated_num_employees": employees,
        "industries": [industry],
        "secondary_industries": [],
        "snippets_loaded": True,
        "industry_tag_id": hex_id(dice[20:]),
        "industry_tag_hash": {industry: hex_id(dice[20:])},
        "retail_location_count": 0,
        "raw_address": f"{home.city}, {STATES[home.state][1]} {home.zip}, US",
        "street_address": None,
        "city": home.city,
        "state": STATES[home.state][1],
        "postal_code": home.zip,
        "country": "United States",
        "annual_revenue": employees * 150_000,
        "annual_revenue_printed": f"{employees * 150 // 1000}M",
    }


def phone_push(matches: list[Match], credits: int) -> Json:
    """The body of a phone webhook. It names no request: only Apollo's person ids."""
    return {
        "status": "success",
        "total_requested_enrichments": len(matches),
        "unique_enriched_records": sum(match.mobile is not None for match in matches),
        "missing_records": sum(match.mobile is None for match in matches),
        "credits_consumed": credits,
        "people": [
            {
                "id": match.payload["id"],
                "status": "success" if match.mobile else "not_found",
                "phone_numbers": [_pushed_phone(match.mobile)] if match.mobile else [],
            }
            for match in matches
        ],
    }


def waterfall_push(matches: list[Match], credits: int, request_id: str, fields: list[str]) -> Json:
    """The body of a waterfall webhook, which does carry its request."""
    emails = sum(match.email is not None for match in matches)
    mobiles = sum(match.mobile is not None for match in matches)
    return {
        "status": "success",
        "total_requested_enrichments": len(matches),
        "target_fields": fields,
        "records_enriched": len(matches),
        "email_records_enriched": emails,
        "mobile_records_enriched": mobiles,
        "enrichment_not_found": 0,
        "email_records_not_found": len(matches) - emails,
        "mobile_records_not_found": len(matches) - mobiles,
        "credits_consumed": credits,
        "request_id": request_id,
        "request_initiated": "2026-01-15T12:00:00Z",
        "request_completed": "2026-01-15T12:05:00Z",
        "people": [_waterfall_person(match) for match in matches],
    }


def _waterfall_person(match: Match) -> Json:
    vendor: dict[str, Any] = {"id": "example_finder-1", "name": "Example", "status": "UNVERIFIED"} | {
        "usedForVerification": False,
        "statusCode": None,
        "statusMessage": None,
        "authMechanism": "native",
    }
    emails = [match.email] if match.email else []
    numbers = [match.mobile.number] if match.mobile else []
    return {
        "id": match.payload["id"],
        "waterfall": {
            "emails": [{"vendors": [{**vendor, "emails": emails}]}],
            "phone_numbers": [{"vendors": [{**vendor, "phone_numbers": numbers}]}],
        },
        "phone_numbers": [_pushed_phone(match.mobile)] if match.mobile else [],
        "emails": [{"email": email, "position": 0, "email_status_cd": "Verified"} for email in emails],
    }


def answered_phone(phone: Phone) -> Json:
    """A phone as the synchronous answer names its fields."""
    return {name.removesuffix("_cd"): value for name, value in _pushed_phone(phone).items()}


def _pushed_phone(phone: Phone) -> Json:
    """A phone as webhooks name its fields, which is not how the synchronous answer would."""
    number, key = phone.number, hex_id(roll(0, phone.number))
    return {
        "_id": key,
        "confidence_cd": "high",
        "created_at": None,
        "direct_dial_source_cd": "contact_trusted",
        "dnc_other_info": {"country": "United States"},
        "dnc_status_cd": "not_found",
        "dnc_status_updated_at": "2025-08-15T20:57:53.108+00:00",
        "position": 0,
        "raw_number": f"+1 {number[:3]}-{number[3:6]}-{number[6:]}",
        "sanitized_number": f"+1{number}",
        "status_cd": "valid_number",
        "type_cd": "mobile",
        "updated_at": None,
        "id": key,
        "key": key,
    }
