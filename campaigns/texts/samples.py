"""What a text looks like: with sample values, or those of a lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import User
from campaigns.rules.segments import MOST, WARN, segments, to_gsm
from campaigns.rules.templates import VARIABLES, Company, Missing, Person, Template, render, values_of
from campaigns.texts.rendering import company_of, person_of
from integrations.ledger import catalogue
from leads.models import Lead, Seller

_PERSON = Person(
    first_name="Maria",
    last_name="Alvarez",
    full_name="Maria Alvarez",
    owner_type="individual",
    address="12 Oak St",
    city="Columbus",
    state="OH",
    zip="43215",
    county="Franklin",
    property_type="SFR",
)
_COMPANY = Company(
    name="Acme Homes",
    address="1 Main St, Columbus, OH 43215",
    agent_name="Jane Agent",
    agent_phone="+16145550100",
)
SAMPLE_VALUES: Mapping[str, str] = {
    **dict.fromkeys(VARIABLES, "sample"),
    **values_of(_PERSON, _COMPANY, unsubscribe_url="https://example.com/u/sample"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """text: '' where values are missing. segments: 0 then. encoding: gsm or ucs2. gsm: the template's text with the
    characters that GSM has, '' where it is so already. warnings: in words. Of an e-mail also its subject, its HTML and
    how many bytes that has; it has no segments.
    """

    text: str
    variables: Sequence[str]
    missing: Sequence[str]
    segments: int
    encoding: str
    gsm: str
    warnings: Sequence[str]
    subject: str = ""
    html: str = ""
    bytes: int = 0


def values_for(lead: Lead | None, seller: Seller | None, agent: User | None = None) -> Mapping[str, str]:
    """A lead's values; lead None: sample values, but for the company's own."""
    company = company_of(seller, agent)
    if lead is not None:
        return values_of(person_of(vars(lead)), company, unsubscribe_url=SAMPLE_VALUES["unsubscribeUrl"])
    own = values_of(_PERSON, company, unsubscribe_url=SAMPLE_VALUES["unsubscribeUrl"])
    return {**SAMPLE_VALUES, **{name: value for name, value in own.items() if value}}


def show(template: Template, *, lead: Lead | None, seller: Seller | None, agent: User | None = None) -> Shown:
    """The text with a lead's values; lead None: with sample values, but for the company's own."""
    values = values_for(lead, seller, agent)
    if lead is not None:  # a text message has no way out by a link
        values = {**values, "unsubscribeUrl": ""}
    text = render(template, values)
    gsm = to_gsm(template.text)
    gsm = gsm if gsm != template.text else ""
    if isinstance(text, Missing):
        return Shown("", template.variables, text.names, 0, segments(template.text).encoding, gsm, ())
    counted = segments(text)
    return Shown(text, template.variables, (), counted.count, counted.encoding, gsm, tuple(_warnings(text, gsm)))


def price_of(shown: Shown) -> Decimal:
    """What one such message costs, US dollars."""
    return shown.segments * Decimal(catalogue.operation("sms").setting("price"))


def _warnings(text: str, gsm: str) -> Sequence[str]:
    counted, said = segments(text), []
    if counted.count > MOST:
        said.append(f"{counted.count} segments: nobody gets more than {MOST}. Shorten it.")
    elif counted.count > WARN:
        said.append(f"{counted.count} segments: each is paid for.")
    if counted.encoding == "ucs2":
        hint = " Quotes, dashes and dots can be replaced." if gsm and segments(gsm).encoding == "gsm" else ""
        said.append(f"A character in it halves what fits into a segment.{hint}")
    return said
