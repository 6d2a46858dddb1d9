"""Writing a message: the one way by which the dry run and the sending do it, so that both give the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

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


SUBJECT_MOST = 400  # characters of a written subject, as a message's row keeps it


@dataclass(frozen=True, slots=True)
class Written:
    """An e-mail as its row keeps it: subject on one line, text part, HTML part; links not yet made its own."""

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
        self._mails: dict[UUID, tuple[Template, Template, Template]] = {}

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
        text = variant.version.text
        template = self._templates.get(text)
        if template is None:
            template = self._templates[text] = parse(text)
        return render(template, values_of(person_of(lead), self.company))

    def write_mail(self, variant: Variant, lead: Mapping[str, Any]) -> Written | Missing:
        """The e-mail to this lead (PERSON_COLUMNS): values as they are in subject and text, escaped in the HTML."""
        version = variant.version
        parts = self._mails.get(version.pk)
        if parts is None:
            parts = parse(version.subject), parse(version.text), parse(version.html, html=True)
            self._mails[version.pk] = parts
        values = values_of(person_of(lead), self.company, unsubscribe_url=UNSUBSCRIBE)
        subject, text = render(parts[0], values), render(parts[1], values)
        html = render(parts[2], values, html=True)
        if isinstance(subject, Missing) or isinstance(text, Missing) or isinstance(html, Missing):
            names = {name for part in (subject, text, html) if isinstance(part, Missing) for name in part.names}
            return Missing(tuple(sorted(names)))
        return Written(" ".join(subject.split())[:SUBJECT_MOST].strip(), text, html)


def digest_of(text: str) -> str:
    """SHA-256 of a text message, as deliveries and dry runs keep it."""
    return sha256(text.encode()).hexdigest()


def digest_of_mail(written: Written) -> str:
    """The same of an e-mail: of its subject and both parts."""
    return sha256(f"{written.subject}\0{written.text}\0{written.html}".encode()).hexdigest()
