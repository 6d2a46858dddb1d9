"""RealEstateAPI's skip-trace bodies made contact facts: `persons` (v2), `output` (v1) or `data` (pages of 2026).

What a person looks like, earns or is married to is in them too and never leaves this file
(docs/vendors/realestateapi.md 1.8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.realestateapi.parse import street_line
from integrations.vendors.skip_trace import Phone, contact_facts, likeness, phone_of, reachable


@dataclass(frozen=True, slots=True)
class Trace:
    """What one skip trace brought. matched: the vendor counts (and bills) it as a match, whether usable or not."""

    facts: Mapping[str, Any]
    matched: bool
    refused: bool = False


def trace(body: Mapping[str, Any] | None, *, asked: Mapping[str, Any], owner: str = "") -> Trace:
    """The best person of one answer: the one of the asked name, else the first who can be reached. Never raises.

    asked, owner: the params of the question, and the county's line of the owner. body None: there was an answer, and
    nobody can read it.
    """
    if body is None:
        return Trace(facts={}, matched=False, refused=True)
    status = normalise.integer(body.get("statusCode"))
    if status is not None and status >= 400 and status != 404:
        return Trace(facts={}, matched=False, refused=True)
    if not is_readable(body):
        return Trace(facts={}, matched=True, refused=True)
    match = normalise.boolean(body.get("match"))
    found = [] if match is False or status == 404 or no_match(body) else _people(body)
    usable = [(person, facts) for person in found if reachable(facts := _facts(person, asked, owner))]
    if len(usable) > 1:
        usable.sort(key=lambda one: _rank(one[0], asked, owner))
    return Trace(facts=usable[0][1] if usable else {}, matched=bool(match) or bool(found))


def no_match(body: Mapping[str, Any]) -> bool:
    """Whether a 200 says in `data` that there is nothing (docs/vendors/realestateapi.md 1.1)."""
    data = normalise.mapping(body.get("data"))
    return bool(data.get("error") or data.get("errorMessage"))


def is_readable(body: Mapping[str, Any]) -> bool:
    """Whether what is there has one of the shapes a skip trace answers with."""
    shapes: dict[str, tuple[type, ...]] = {"persons": (list,), "output": (dict,), "data": (dict, list)}
    return not any(body.get(name) and not isinstance(body[name], shape) for name, shape in shapes.items())


def _people(body: Mapping[str, Any], depth: int = 2) -> list[Mapping[str, Any]]:
    """The person objects of a body, whichever generation; only those that carry a name, a phone or an e-mail."""
    if isinstance(body.get("persons"), list):
        candidates = body["persons"]
    elif normalise.mapping(body.get("output")):
        candidates = [normalise.mapping(body["output"]).get("identity")]
    else:
        data = body.get("data")
        inner = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else [data]
        nested = [normalise.mapping(item) for item in inner]
        if depth and any("persons" in item or "output" in item or "data" in item for item in nested):
            return [person for item in nested for person in _people(item, depth - 1)]
        candidates = inner
    people = [normalise.mapping(candidate) for candidate in candidates]
    return [person for person in people if any(person.get(name) for name in ("phones", "emails", "lastName", "names"))]


def _facts(person: Mapping[str, Any], asked: Mapping[str, Any], owner: str) -> dict[str, Any]:
    first, last = _name(person)
    return contact_facts(
        first_name=first,
        last_name=last,
        asked=asked,
        owner=owner,
        phones=[_phone(phone) for phone in normalise.sequence(person.get("phones"))],
        emails=[normalise.mapping(entry).get("email", entry) for entry in normalise.sequence(person.get("emails"))],
        address=_address(normalise.mapping(person.get("address"))),
    )


def _rank(person: Mapping[str, Any], asked: Mapping[str, Any], owner: str) -> int:
    first, last = _name(person)
    return likeness(first, last, asked=asked, owner=owner)


def _name(person: Mapping[str, Any]) -> tuple[object, object]:
    names = [normalise.mapping(name) for name in normalise.sequence(person.get("names"))]
    name = person if person.get("firstName") or person.get("lastName") else (names or [{}])[0]
    return name.get("firstName"), name.get("lastName")


def _phone(entry: object) -> Phone | None:
    listed = entry if isinstance(entry, dict) else {"phone": entry}
    flags = [normalise.boolean(listed.get(name)) for name in ("phoneFtcDnc", "doNotCall", "dnc")]
    return phone_of(
        listed.get("phone") or listed.get("phoneDisplay"),
        type=listed.get("phoneType") or listed.get("type"),
        do_not_call=True if True in flags else False if False in flags else None,
        last_seen=listed.get("phoneLastSeen") or listed.get("lastSeen"),
        connected=listed.get("isConnected"),
    )


def _address(address: Mapping[str, Any]) -> dict[str, Any]:
    parts = ("house", "preDir", "street", "strType", "postDir", "aptType", "aptNbr")
    spelled = " ".join(part for name in parts if (part := normalise.text(address.get(name))))
    return {
        "address": address.get("streetAddress") or street_line(address) if not address.get("strType") else spelled,
        "city": address.get("city"),
        "state": address.get("state"),
        "zip": address.get("zip"),
    }
