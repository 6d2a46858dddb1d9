"""Questions to Apollo, normalised: equal questions have equal keys. Contract: docs/vendors/apollo.md 3.4 and 3.6."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.apollo.parse import domain as compared_domain
from integrations.vendors.contract import Query

PEOPLE_KEY_VERSION = "apollo-people-1"
ORGANIZATION_KEY_VERSION = "apollo-organizations-1"
# "1 credit for demographics or email, plus 8 credits if a mobile phone is returned" (docs/vendors/apollo.md 3.4)
CREDITS_WITH_PHONE = 9
CREDITS_WITHOUT_PHONE = 1


def people_query(
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    name: str | None = None,
    email: str | None = None,
    organization_name: str | None = None,
    domain: str | None = None,
    linkedin_url: str | None = None,
    reveal_emails: bool = True,
    reveal_phones: bool = True,
) -> Query:
    """Who somebody is at work.

    It needs an e-mail, a LinkedIn address, or a name (whole, or first and last) with a company or domain: by name alone
    Apollo finds a namesake. Raises ValueError naming what is missing.
    """
    parts = {
        "first_name": normalise.text(first_name, limit=100),
        "last_name": normalise.text(last_name, limit=100),
        "name": normalise.text(name),
        "email": normalise.email(email),
        "organization_name": normalise.text(organization_name),
        "domain": compared_domain(domain) or None,
        "linkedin_url": normalise.text(linkedin_url),
    }
    named = parts["name"] or (parts["first_name"] and parts["last_name"])
    placed = parts["organization_name"] or parts["domain"]
    if not (parts["email"] or parts["linkedin_url"] or (named and placed)):
        lacking = " with ".join(
            words for words, there in (("a whole name", named), ("a company or domain", placed)) if not there
        )
        raise ValueError(f"An Apollo people match needs an e-mail, a LinkedIn address, or {lacking}.")
    details = {label: part for label, part in parts.items() if part}
    flags = {"reveal_personal_emails": bool(reveal_emails), "reveal_phone_number": bool(reveal_phones)}
    key = _key(PEOPLE_KEY_VERSION, {**details, **{flag: str(on) for flag, on in flags.items()}})
    weight = CREDITS_WITH_PHONE if reveal_phones else CREDITS_WITHOUT_PHONE
    return Query(key=key, params={"details": details, **flags}, weight=weight)


def organization_query(*, domain: str | None = None, name: str | None = None) -> Query:
    """What a company is, by its domain or else its name. Raises ValueError where there is neither."""
    host = compared_domain(domain)
    title = normalise.text(name)
    if not host and not title:
        raise ValueError("An Apollo organization needs a domain or a name.")
    details = {"domain": host} if host else {"name": title}
    return Query(key=_key(ORGANIZATION_KEY_VERSION, details), params={"details": details})


def _key(version: str, parts: Mapping[str, Any]) -> str:
    spelled = "\x1f".join(f"{label}={_spelled(label, part)}" for label, part in sorted(parts.items()))
    return hashlib.sha256(f"{version}\x1f{spelled}".encode()).hexdigest()


def _spelled(label: str, part: object) -> str:
    """Addresses differ by their punctuation, names do not."""
    if label == "linkedin_url":
        return str(part).lower().split("://")[-1].removeprefix("www.").rstrip("/")
    return str(part) if label in ("email", "domain") else normalise.fold(part)
