"""The company in whose name a team contacts owners: its profile, what is missing of it, and who attested it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import record
from accounts.models import User
from common.db.clock import database_now
from integrations.vendors import normalise
from leads.locks import lock_seller
from leads.models import Seller

NEEDED = ("legal_name", "postal_address", "callback_phone", "policy_text")  # before anybody is contacted
FIELDS = (
    "legal_name", "trade_name", "postal_address", "callback_phone", "reply_email", "from_domain", "dkim_selector",
    "san", "policy_text",
)  # fmt: skip
ACKNOWLEDGED_FOR = timedelta(days=365)
# What she signs. It is no registry access and no safe harbour, and says so.
ACKNOWLEDGEMENT = (
    "The do-not-call flag of our skip trace counts as a check of a number for 31 days from its purchase. We know that "
    "it is no access to a do-not-call registry and no safe harbour."
)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_SAN = re.compile(r"[A-Za-z0-9-]{3,40}")


class BadSeller(ValueError):
    """A field of the profile cannot be so. fields: what is wrong, by field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = dict(fields)


def active_seller(team_id: int | None) -> Seller | None:
    """The team's company; None where nobody has begun its profile."""
    return Seller.objects.filter(team=team_id, replaced_at__isnull=True).first()


def missing_of(seller: Seller | None) -> tuple[str, ...]:
    """The fields that must be filled in before anybody is contacted; `attested_at` where nobody has said it is true."""
    if seller is None:
        return (*NEEDED, "attested_at")
    empty = tuple(name for name in NEEDED if not getattr(seller, name))
    return (*empty, "attested_at") if seller.attested_at is None else empty


def flag_counts(seller: Seller | None, at: datetime) -> bool:
    """Whether the skip trace's do-not-call flag counts as a check: a manager signed it in the last 12 months."""
    signed = seller.flag_acknowledged_at if seller else None
    return signed is not None and signed <= at < signed + ACKNOWLEDGED_FOR


def save_seller(
    *, team_id: int, by: User, values: Mapping[str, Any], attest: bool = False, acknowledge_flag: bool | None = None
) -> Seller:
    """Changes the profile; another legal name is another company, a new row. Raises BadSeller.

    A name that differs by case, signs and spaces alone is the same company. The name of one that the team had before
    brings that one back, with its consents and checks: a slip is not for ever.

    attest: she says that it is true; a change without it takes that back. acknowledge_flag: she signs, or takes back,
    that the skip trace's do-not-call flag counts as a check for 31 days.
    """
    said = _checked(values)
    with transaction.atomic():
        seller, now = lock_seller(team_id), database_now()
        changed = [name for name, value in said.items() if getattr(seller, name) != value]
        if "legal_name" in changed and seller.legal_name:
            if not said["legal_name"]:
                raise BadSeller({"legal_name": "A company has a legal name."})
            if _plain(said["legal_name"]) != _plain(seller.legal_name):
                seller = _another(seller, said["legal_name"], now)
        for name in changed:
            setattr(seller, name, said[name])
        if changed:
            seller.attested_at = seller.attested_by_id = None
        if {"from_domain", "dkim_selector"} & set(changed):
            seller.dkim_checked_at = None
        if attest:
            _attest(seller, by, now)
        if acknowledge_flag is not None:
            seller.flag_acknowledged_at = now if acknowledge_flag else None
            seller.flag_acknowledged_by_id = by.pk if acknowledge_flag else None
        seller.save()
        after = {"fields": changed, "attested": attest}
        if acknowledge_flag is not None:
            after["flag_acknowledged"] = acknowledge_flag
        if changed or attest or acknowledge_flag is not None:
            record("seller.changed", by=by, team_id=team_id, about=seller, after=after)
    return seller


def _another(seller: Seller, legal_name: str, now: datetime) -> Seller:
    """The team's company of this name, known or new, with the profile of the one whose place it takes."""
    Seller.objects.filter(pk=seller.pk).update(replaced_at=now)
    profile = {name: getattr(seller, name) for name in FIELDS}
    before = Seller.objects.filter(team=seller.team_id, replaced_at__isnull=False).exclude(pk=seller.pk)
    for known in before.order_by("-replaced_at"):
        if _plain(known.legal_name) == _plain(legal_name):
            known.replaced_at = None
            for name, value in profile.items():
                setattr(known, name, value)
            return known
    return Seller(team_id=seller.team_id, **profile)


def _plain(name: str) -> str:
    """What two spellings of a company's name share: ACME HOMES, L.L.C. is Acme Homes LLC."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in folded if character.isalnum())


def _attest(seller: Seller, by: User, now: datetime) -> None:
    empty = {name: "Fill this in before you attest." for name in NEEDED if not getattr(seller, name)}
    if empty:
        raise BadSeller(empty)
    seller.attested_at, seller.attested_by_id = now, by.pk


def _checked(values: Mapping[str, Any]) -> dict[str, str]:
    """The values as they are kept. Raises BadSeller with every field that is wrong."""
    said: dict[str, str] = {}
    wrong = {name: "There is no such field." for name in values if name not in FIELDS}
    for name in FIELDS:
        if name not in values:
            continue
        text = str(values[name] or "").strip()
        try:
            said[name] = _one(name, text) if text else ""
            field: Any = Seller._meta.get_field(name)  # Django's own name
            field.run_validators(said[name])
        except (ValueError, ValidationError) as error:
            wrong[name] = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    if wrong:
        raise BadSeller(wrong)
    return said


def _one(name: str, text: str) -> str:
    if name == "policy_text":
        return text.replace("\0", "")
    if name == "callback_phone":
        number = normalise.phone(text)
        if number is None or not number.startswith("+1"):
            raise ValueError("Give a phone of the United States, with its area code.")
        return number
    text = normalise.text(text, limit=1000) or ""
    if name == "reply_email":
        address = normalise.email(text)
        if address is None:
            raise ValueError("Give an e-mail address.")
        return address
    if name == "from_domain":
        text = text.lower()
        if not _DOMAIN.fullmatch(text):
            raise ValueError("Give a domain, such as example.com.")
    if name == "dkim_selector" and not _SELECTOR.fullmatch(text):
        raise ValueError("Give the selector alone: letters, digits, dots and hyphens.")
    if name == "san" and not _SAN.fullmatch(text):
        raise ValueError("Give the subscription account number alone: letters, digits and hyphens.")
    return text
