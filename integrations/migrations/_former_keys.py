"""The key "skip-trace-1" as it was made until key "skip-trace-2": frozen, so that what was bought under it is found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from integrations.vendors import normalise

_NAME_MAX = 60
_ADDRESS_MAX = 120
_COMPANY = re.compile(
    r"\b(LLC|L L C|LLP|LP|PLLC|INC|INCORPORATED|CORP|CORPORATION|CO|COMPANY|LTD|LIMITED|PARTNERSHIP|PARTNERS|HOLDINGS|"
    r"PROPERTIES|INVESTMENTS|ENTERPRISES|TRUST|TRUSTEE|TRUSTEES|ESTATE|BANK|ASSOCIATION|ASSN|HOA|CHURCH|CITY OF|"
    r"COUNTY OF|STATE OF|UNITED STATES|AUTHORITY|DISTRICT|FOUNDATION)\b"
)


def asked_by(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What a run asked with, from the facts of a bought detail: the arguments of `skip_trace_query`."""
    return {
        "first_name": detail.get("first_name"),
        "last_name": detail.get("last_name"),
        "owner_name": detail.get("owner_name"),
        "address": detail.get("property_address"),
        "city": detail.get("property_city"),
        "state": detail.get("property_state"),
        "zip": detail.get("property_zip"),
        "mail_address": detail.get("mailing_address"),
        "mail_city": detail.get("mailing_city"),
        "mail_state": detail.get("mailing_state"),
        "mail_zip": detail.get("mailing_zip"),
    }


def former_key(asked: Mapping[str, Any]) -> str | None:
    """The key of a question, or None where it could not be asked."""
    given, family = _names(asked["first_name"], asked["last_name"], asked["owner_name"])
    parts: dict[str, str | None] = {"first_name": given, "last_name": family}
    home = _place("", asked)
    post = _place("mail_", asked)
    if home["address"]:
        parts.update(home)
    if post["mail_address"]:
        parts.update(post)
    if not (home["address"] or post["mail_address"]):
        if not (given and family and home["city"] and home["state"] and home["zip"]):
            return None
        parts.update(home)
    params = {name: part for name, part in parts.items() if part}
    spelled = "\x1f".join(f"{name}={normalise.fold(part)}" for name, part in sorted(params.items()))
    return hashlib.sha256(f"skip-trace-1\x1f{spelled}".encode()).hexdigest()


def _names(first: object, last: object, owner: object) -> tuple[str | None, str | None]:
    given = normalise.text(first, limit=_NAME_MAX)
    family = normalise.text(last, limit=_NAME_MAX)
    if family and not given and _is_company(family):
        return None, None
    if not given and not family and not _is_company(owner):
        words = (normalise.text(owner) or "").split()
        if len(words) in (2, 3) and all(len(word) <= _NAME_MAX for word in words):
            return words[0], words[-1]
    return given, family


def _is_company(name: object) -> bool:
    return bool(_COMPANY.search(normalise.fold(name)))


def _place(prefix: str, asked: Mapping[str, Any]) -> dict[str, str | None]:
    town = normalise.text(asked[f"{prefix}city"], limit=_NAME_MAX)
    code = normalise.state(asked[f"{prefix}state"])
    street = normalise.text(asked[f"{prefix}address"], limit=_ADDRESS_MAX) if town and code else None
    return {
        f"{prefix}address": street,
        f"{prefix}city": town,
        f"{prefix}state": code,
        f"{prefix}zip": normalise.zip5(asked[f"{prefix}zip"]),
    }
