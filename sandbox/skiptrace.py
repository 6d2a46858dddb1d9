"""RealEstateAPI's skip-trace endpoints: SkipTrace v2 (alias PeopleSearch) and SkipTraceBatchAwait.

The v2 shape of Await has no capture; in "capture" mode an item carries the persons of SkipTrace v2, in "2026" the
phones, emails and names of the vendor's page. Persons carry what must never be kept (ethnicity, marital status, gender,
age, occupation), as the vendor's do. The demographic filters are checked and otherwise ignored.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sandbox.contacts import Person, find, query_of
from sandbox.envelope import Envelope, read
from sandbox.facts import pick, unit
from sandbox.filters import words
from sandbox.names import FIRST_NAMES
from sandbox.parcels import roll
from sandbox.realestateapi import PREFIX
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

MAX_SKIPS = 100
MAX_BATCH_BYTES = 256 * 1024
_PLACES = ("address", "mail_address", "city", "mail_city", "zip", "mail_zip", "email", "phone")
_DEMOGRAPHICS = {"age", "age_range_min", "age_range_max", "gender", "ethnicity_code", "marital_status_code"} | {
    "occupation_code"
}
_KNOWN = {"key", "first_name", "middle_name", "last_name", "unit", "mail_unit", "state", "mail_state"} | {
    "match_requirements",
    *_PLACES,
    *_DEMOGRAPHICS,
}
_PHONE_TYPES = {"mobile": "W", "landline": "L", "voip": "V"}
_MARITAL = (("M", "Married"), ("S", "Single"))
_JOBS = (("32", "Management"), ("2", "Sales"), ("23", "Skilled Trade"))
_ETHNICITY = (("K", "Western European"), ("B", "African American"), ("A", "Asian"), ("H", "Hispanic"))


class SkipTrace:
    """The skip-trace half of the vendor."""

    def __init__(self, envelope: Envelope, seed: int = 1) -> None:
        self._envelope, self._seed = envelope, seed

    def endpoints(self) -> list[Endpoint]:
        """The endpoints of this module."""
        return [
            Endpoint("POST", f"{PREFIX}/v2/SkipTrace", "skip_trace", self.one, scope="SkipTrace"),
            Endpoint("POST", f"{PREFIX}/v2/PeopleSearch", "skip_trace", self.one, scope="SkipTrace"),
            Endpoint(
                "POST",
                f"{PREFIX}/v2/SkipTraceBatchAwait",
                "skip_trace",
                self.batch,
                scope="SkipTraceBatchAwait",
                batch=True,
            ),
        ]

    def one(self, request: Request) -> Answer:
        """One person; billed when there is a match."""
        body = read(request)
        check(body)
        persons = self._persons(body)
        payload: Json = {
            "requestId": str(UUID(bytes=roll(self._seed, f"request|{sorted(body.items())}")[:16])),
            "requestDate": "2026-01-15T12:00:00.000Z",
            "input": body,
            "persons": persons,
        }
        if not persons:
            payload["responseMessage"] = "No phones found for provided person."
        good = bool(persons)
        payload |= {
            "statusCode": 200 if good else 404,
            "statusMessage": "Success" if good else "Not Found",
            "match": good,
            "resultCount": len(persons),
            "resultIndex": len(persons),
            "live": True,
            "requestExecutionTimeMS": 245,
        }
        return Answer(200 if good else 404, payload, charges=_charges(body, persons), items="persons")

    def batch(self, request: Request) -> Answer:
        """1 to 100 people at once, answered in the order asked; each match is billed."""
        if len(request.body) > MAX_BATCH_BYTES:
            raise Refusal(400, "Payload content length greater than maximum allowed: 262144")
        body = read(request)
        skips = body.get("skips")
        if not isinstance(skips, list):
            raise Refusal(400, '"skips" is required' if skips is None else '"skips" must be an array', ["skips"])
        if not 1 <= len(skips) <= MAX_SKIPS:
            bound = "at least 1 items" if not skips else f"less than or equal to {MAX_SKIPS} items"
            raise Refusal(400, f'"skips" must contain {bound}', ["skips"])
        for position, skip in enumerate(skips):
            check(skip, f"skips[{position}]")
        data, charges = [], []
        for position, skip in enumerate(skips):
            persons = self._persons(skip)
            charges += _charges(skip, persons, position)
            data.append(_item_2026(skip, persons) if self._envelope.modern else _item(skip, persons))
        payload = self._envelope.good(body, data)
        payload.pop("input", None)  # each item echoes its own
        return Answer(200, payload, charges=charges)

    def _persons(self, body: Json) -> list[Json]:
        query = query_of(body)
        person = find(query, self._seed)
        if person is None or not _enough(person, body.get("match_requirements") or {}):
            return []
        persons = [_person(person, person.first_name)]
        if unit(person.dice, 22) < 0.08:  # a household of two; the one asked for comes first
            persons.append(_person(person, pick(FIRST_NAMES, person.dice, 23), second=True))
        return persons


def _enough(person: Person, wanted: Json) -> bool:
    """`match_requirements`: phones, emails (and social, which nobody here has), joined by `operator`."""
    has = {"phones": bool(person.phones), "emails": bool(person.emails), "social": False}
    tests = [has[name] for name in has if wanted.get(name)]
    return not tests or (any(tests) if str(wanted.get("operator", "and")).lower() == "or" else all(tests))


def _charges(body: Json, persons: list[Json], item: int | None = None) -> list[Charge]:
    """One match, by the words asked with: the same question asked again is bought twice."""
    return [Charge(input_of(body), item=item)] if persons else []


def input_of(body: Mapping[str, Any]) -> str:
    """What the ledger calls this question."""
    asked = (name for name in sorted(body) if name not in ("key", "match_requirements"))
    return "|".join(f"{name}={words(str(body[name]))}" for name in asked)


def _person(person: Person, first_name: str, *, second: bool = False) -> Json:
    dice = person.dice
    marital, job, ethnicity = pair(_MARITAL, dice, 16), pair(_JOBS, dice, 17), pair(_ETHNICITY, dice, 18)
    phones = person.phones[-1:] if second else person.phones
    return {
        "personId": f"PID{int.from_bytes(dice[:4], 'big') + second}",
        "firstName": first_name,
        "lastName": person.last_name,
        "middleName": None,
        "fullName": f"{first_name} {person.last_name}",
        "age": 25 + int(unit(dice, 19) * 60),
        "gender": "F" if unit(dice, 20) < 0.5 else "M",
        "address": {
            "address": f"{person.street}, {person.city}, {person.state} {person.zip}",
            "streetAddress": person.street,
            "city": person.city,
            "state": person.state,
            "zip": person.zip,
        },
        "previousAddress": None,
        "emails": [] if second else list(person.emails),
        "phones": [
            {
                "phone": phone.number,
                "phoneLastSeen": f"2025-{11 - position:02d}-01",
                "phoneUsage12Month": str(12 - position),
                "phoneType": _PHONE_TYPES[phone.kind],
                "phoneFtcDnc": "Y" if phone.dnc else "N",
            }
            for position, phone in enumerate(phones)
        ],
        "maritalStatusCode": marital[0],
        "maritalStatusDescription": marital[1],
        "occupationCode": job[0],
        "occupationDescription": job[1],
        "ethnicityCode": ethnicity[0],
        "ethnicityDescription": ethnicity[1],
        "lastUpdateDate": "2025-11-01",
    }


def pair(choices: tuple[tuple[str, str], ...], dice: bytes, at: int) -> tuple[str, str]:
    """One of the code-and-description pairs."""
    return choices[int(unit(dice, at) * len(choices))]


def _item(skip: Json, persons: list[Json]) -> Json:
    status = 200 if persons else 404
    return {"input": skip, "persons": persons, "match": bool(persons), "statusCode": status}


def _item_2026(skip: Json, persons: list[Json]) -> Json:
    kinds = {code: kind for kind, code in _PHONE_TYPES.items()}
    phones = [
        {"phone": phone["phone"], "type": kinds[phone["phoneType"]], "dnc": phone["phoneFtcDnc"] == "Y"}
        for person in persons
        for phone in person["phones"]
    ]
    emails = [{"email": email, "type": "personal"} for person in persons for email in person["emails"]]
    names = [
        {"firstName": person["firstName"], "middleName": "M", "lastName": person["lastName"]} for person in persons
    ]
    return {"input": skip, "data": {"phones": phones, "emails": emails, "names": names}}


def check(body: object, where: str = "") -> None:
    """SkipTrace v2's rules. Raises Refusal 400; `where` names the item of a batch."""
    prefix = f"{where}." if where else ""

    def fail(message: str, *keys: str) -> Refusal:
        return Refusal(400, message, [prefix + key for key in keys] or [where])

    if not isinstance(body, dict):
        raise fail(f'"{where or "value"}" must be of type object')
    for key, value in body.items():
        if key not in _KNOWN:
            raise fail(f'"{prefix}{key}" is not allowed', key)
        if key not in _DEMOGRAPHICS | {"key", "match_requirements"} and not isinstance(value, str):
            raise fail(f'"{prefix}{key}" must be a string', key)
    given = {key for key, value in body.items() if value not in ("", None)}
    if not given & set(_PLACES):
        raise fail(f'"{where or "SkipTraceRequest"}" must contain at least one of [{", ".join(_PLACES)}]')
    for side in ("", "mail_"):
        for peer in ("city", "state"):
            if f"{side}address" in given and f"{side}{peer}" not in given:
                raise fail(f'"{prefix}{side}address" missing required peer "{side}{peer}"')
        if f"{side}unit" in given and f"{side}address" not in given:
            raise fail(f'"{prefix}{side}unit" missing required peer "{side}address"')
    placed = any({f"{side}zip"} <= given or {f"{side}city", f"{side}state"} <= given for side in ("", "mail_"))
    if given & {"first_name", "last_name"} and not placed and not given & {"phone", "email"}:
        raise fail(f'"{prefix}last_name" missing required peers [city, state, zip]')
    if given & _DEMOGRAPHICS and not placed:
        raise fail("demographic filters require zip or city and state")
    if "age" in given and given & {"age_range_min", "age_range_max"}:
        raise fail(
            "age is mutually exclusive with age_range_min and age_range_max. Use either exact age or an age range, "
            "not both."
        )
    if "phone" in given and not re.fullmatch(r"\d{10}", body["phone"]):
        raise fail(f'"{prefix}phone" length must be 10 digits', "phone")
    for key in ("zip", "mail_zip"):
        if key in given and len(body[key]) != 5:
            raise fail(f'"{prefix}{key}" length must be 5 characters long', key)
    _check_requirements(body.get("match_requirements"), prefix)


def _check_requirements(wanted: object, prefix: str) -> None:
    if wanted is None:
        return
    name = f"{prefix}match_requirements"
    if not isinstance(wanted, dict):
        raise Refusal(400, f'"{name}" must be of type object', [name])
    for key in wanted:
        if key not in ("phones", "emails", "social", "operator"):
            raise Refusal(400, f'"{name}.{key}" is not allowed', [f"{name}.{key}"])
    many = sum(bool(wanted.get(key)) for key in ("phones", "emails", "social")) > 1
    if many and "operator" not in wanted:
        raise Refusal(400, f'"{name}.operator" is required', [f"{name}.operator"])
    if str(wanted.get("operator", "or")).lower() not in ("and", "or"):
        raise Refusal(400, f'"{name}.operator" must be one of [and, AND, or, OR]', [f"{name}.operator"])
