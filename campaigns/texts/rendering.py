"""Writing a message: the one way by which the dry run and the sending do it, so that both give the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from accounts.models import User
from campaigns.models import Step, Variant
from campaigns.rules.templates import Company, Missing, Person, Template, parse, render, values_of
from campaigns.rules.variants import draw
from campaigns.texts.mail import UNSUBSCRIBE
from leads.facts.sources import name_of
from leads.models import Seller

# The columns of a lead that a text may name.
PERSON_COLUMNS = (
    "first_name", "last_name", "owner_name", "owner_type", "property_address", "property_city", "property_state",
    "property_zip", "property_county", "property_type",
)  # fmt: skip


def person_of(lead: Mapping[str, Any]) -> Person:
    """Of a lead's columns (`vars(lead)`, or a row of PERSON_COLUMNS)."""
    return Person(
        first_name=lead["first_name"] or "",
        last_name=lead["last_name"] or "",
        full_name=name_of(lead),
        owner_type=lead["owner_type"] or "",
        address=lead["property_address"] or "",
        city=lead["property_city"] or "",
        state=lead["property_state"] or "",
        zip=lead["property_zip"] or "",
        county=lead["property_county"] or "",
        property_type=lead["property_type"] or "",
    )


def company_of(seller: Seller | None, agent: User | None) -> Company:
    """In whose name. agent: who drafted the campaign, or writes."""
    return Company(
        name=seller.company if seller else "",
        address=seller.postal_address if seller else "",
        agent_name=agent.get_full_name() if agent else "",
        agent_phone=seller.callback_phone if seller else "",
    )


@dataclass(frozen=True, slots=True)
class Written:
    """An e-mail to one person, before links, pixel and unsubscribe are made the delivery's own."""

    subject: str
    text: str
    html: str


class Writer:
    """Writes a campaign's messages: reads its steps' texts once."""

    def __init__(self, steps: Sequence[Step], company: Company) -> None:
        """steps: with their variants and these with their versions."""
        self.company = company
        self.variants = {step.position: {one.name: one for one in step.variants.all()} for step in steps}
        self._templates: dict[str, Template] = {}

    def variant(self, step: int, key_digest: bytes) -> Variant:
        """The text that this person gets. key_digest: of her owner key, else of her number's key."""
        variants = self.variants[step]
        if len(variants) == 1:
            return next(iter(variants.values()))
        weights = {name: one.weight for name, one in variants.items()}
        seed = variants[min(variants)].seed
        return variants[draw(seed, key_digest.hex(), weights)]

    def write(self, variant: Variant, lead: Mapping[str, Any]) -> str | Missing:
        """The message to this lead (PERSON_COLUMNS)."""
        return render(self._template(variant.version.text), values_of(person_of(lead), self.company))

    def write_mail(self, variant: Variant, lead: Mapping[str, Any]) -> Written | Missing:
        """The e-mail to this lead (PERSON_COLUMNS)."""
        values = values_of(person_of(lead), self.company, unsubscribe_url=UNSUBSCRIBE)
        version = variant.version
        parts = [
            render(self._template(part), values, html=is_html) if part else ""
            for part, is_html in ((version.subject, False), (version.text, False), (version.html, True))
        ]
        missing = {name for part in parts if isinstance(part, Missing) for name in part.names}
        if missing:
            return Missing(tuple(sorted(missing)))
        subject, text, html = (part for part in parts if isinstance(part, str))
        return Written(subject, text, html)

    def _template(self, text: str) -> Template:
        template = self._templates.get(text)
        if template is None:
            template = self._templates[text] = parse(text)
        return template


def digest_of(text: str) -> str:
    """SHA-256 of a message, as deliveries and dry runs keep it."""
    return sha256(text.encode()).hexdigest()


def digest_of_mail(written: Written) -> str:
    """SHA-256 of an e-mail's three parts, as deliveries and dry runs keep it."""
    return sha256("\0".join((written.subject, written.text, written.html)).encode()).hexdigest()
