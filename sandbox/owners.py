"""Made-up owners: who owns a parcel and where their mail goes. Nobody here exists."""

from dataclasses import dataclass

from sandbox.facts import Facts, pick, unit
from sandbox.names import COMPANY_KINDS, COMPANY_WORDS, FIRST_NAMES, LAST_NAMES, STREET_NAMES, STREET_TYPES
from sandbox.parcels import Parcel
from sandbox.places import Place, county_fips, places, residential, residential_of


@dataclass(slots=True)
class MailAddress:
    """Where the owner's mail goes."""

    street: str
    city: str
    state: str
    zip: str
    county: str | None
    fips: str | None


@dataclass(slots=True)
class Owner:
    """An owner. A person has a first name; a trust or a company has its whole name as the last name."""

    kind: str
    first_name: str | None
    last_name: str
    full_name: str
    co_owner_first_name: str | None
    mail: MailAddress


def street_of(dice: bytes, at: int) -> str:
    """A made-up house number and street from five draws at position `at`."""
    house = 100 + int(unit(dice, at) * 9800)
    return f"{house} {pick(STREET_NAMES, dice, at + 1)} {pick(STREET_TYPES, dice, at + 2)}"


def owner_of(parcel: Parcel, facts: Facts) -> Owner:
    """The owner of a parcel, the same for ever for one seed."""
    dice = parcel.dice
    first, last = pick(FIRST_NAMES, dice, 20), pick(LAST_NAMES, dice, 21)
    mail = _mail(parcel, facts)
    if facts.owner_kind == "Company":
        name = f"{pick(COMPANY_WORDS, dice, 22)} {last} {pick(COMPANY_KINDS, dice, 23)}"
        return Owner("Company", None, name, name, None, mail)
    if facts.owner_kind == "Trust":
        name = f"{last} Family Trust"
        return Owner("Trust", None, name, name, None, mail)
    spouse = pick(FIRST_NAMES, dice, 24) if unit(dice, 25) < 0.4 else None
    return Owner("Individual", first, last, f"{first} {last}", None if spouse == first else spouse, mail)


def _mail(parcel: Parcel, facts: Facts) -> MailAddress:
    """A resident owner's mail comes to the parcel; where the source has no street, to a made-up one in its ZIP."""
    dice = parcel.dice
    if not facts.absentee:
        street = parcel.street or street_of(dice, 26)
        return MailAddress(street, parcel.city, parcel.state, parcel.zip, parcel.county, parcel.fips)
    place = _elsewhere(parcel, facts)
    return MailAddress(
        street_of(dice, 26), place.city, place.state, place.zip, place.county, county_fips(place.state, place.county)
    )


def _elsewhere(parcel: Parcel, facts: Facts) -> Place:
    """A residential ZIP other than the parcel's: in another state or in the same one, as its facts say."""
    choices = residential() if facts.out_of_state else residential_of(parcel.state)
    if not choices:
        return places()[parcel.zip]
    start = int(unit(parcel.dice, 29) * len(choices))
    for step in range(len(choices)):
        place = choices[(start + step) % len(choices)]
        if (place.state != parcel.state) if facts.out_of_state else (place.zip != parcel.zip):
            return place
    return choices[start]
