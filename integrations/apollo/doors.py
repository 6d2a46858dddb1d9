"""Apollo's paid operations, a Door each. Contract: contracts.md 3.4 and 3.6. A batch of 10 counts as one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from integrations import normalise, statuses
from integrations.account import Account, check_batch
from integrations.apollo import parse, webhook
from integrations.apollo.client import TITLE, ask
from integrations.contract import Answer, Query, Reply
from integrations.errors import Category

# "cannot enrich more than 10 in a single request" (contracts.md 3.3)
BATCH = 10


@dataclass(frozen=True, slots=True)
class PeopleMatch:
    """People by name, e-mail or LinkedIn address. Units: `credits_consumed`.

    A revealed phone is not in the answer: it comes minutes later, to APOLLO_WEBHOOK_URL where that is set and under the
    Reply's request_id (`client.reveal`) in any case, and costs 8 credits more then.
    """

    account: Account
    vendor = "apollo"
    operation = "apollo_people"
    largest_batch = BATCH
    idempotent = False

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        check_batch(self, queries)
        params = _flags(queries)
        revealing = params["reveal_phone_number"] == "true"
        if revealing:
            # With a webhook the result can be asked for as well, so a lost push loses nothing; `poll_only` is newer
            # than Apollo's OpenAPI of August 2026 and taken only where there is no address of ours.
            if settings.APOLLO_WEBHOOK_URL:
                params["webhook_url"] = webhook.address(settings.APOLLO_WEBHOOK_URL, call_id)
            else:
                params["poll_only"] = "true"
        body = {"details": [query.params["details"] for query in queries]}
        envelope, response = ask(self.account, "POST", "/people/bulk_match", body=body, params=params)
        matches = envelope.get("matches")
        if not isinstance(matches, list) or len(matches) != len(queries):
            # Matches are positional; with one missing nobody can say whose is whose.
            raise statuses.unreadable(response, vendor=TITLE, charged=True, why="has not one match for each person")
        answers = {query.key: _person(match) for query, match in zip(queries, matches, strict=True)}
        known = [query for query in queries if answers[query.key].category != Category.NOT_FOUND]
        most = sum(query.weight for query in known)
        units = _units(envelope, otherwise=len(known))
        return Reply(
            answers=answers,
            units=units,
            status=response.status,
            request_id=_request_id(envelope.get("request_id")),
            # "1-9 credits per person": what the answer has not charged of that may come with the phones
            later=max(most - units, Decimal(0)) if revealing and most else None,
        )


def _flags(queries: Sequence[Query]) -> dict[str, str]:
    """The reveal flags, which stand in the query string and so are the same for everybody in a request."""
    names = ("reveal_personal_emails", "reveal_phone_number")
    flags = {tuple(bool(query.params[name]) for name in names) for query in queries}
    if len(flags) != 1:
        raise ValueError("All people of one Apollo request must have the same reveal flags.")
    return {name: "true" if on else "false" for name, on in zip(names, flags.pop(), strict=True)}


def _person(match: object) -> Answer:
    if match is None or match == {}:
        return Answer(category=Category.NOT_FOUND)
    if not isinstance(match, dict):
        return Answer(category=Category.INVALID_DATA)
    return Answer(facts=parse.person(match))


def _request_id(value: object) -> str:
    """A signed 64-bit number, often negative, as text: no float holds it."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def _units(envelope: Mapping[str, Any], *, otherwise: int) -> Decimal:
    said = normalise.units(envelope.get("credits_consumed"), most=10_000)
    return Decimal(otherwise) if said is None else said


@dataclass(frozen=True, slots=True)
class OrganizationEnrich:
    """Companies by domain, or by name. Units: `credits_consumed`, else the companies found (1 credit each)."""

    account: Account
    vendor = "apollo"
    operation = "apollo_organizations"
    largest_batch = BATCH
    idempotent = False

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        check_batch(self, queries)
        details = [dict(query.params["details"]) for query in queries]
        body: dict[str, Any] | None = {"details": details}
        params: dict[str, Any] = {}
        if all("domain" in detail for detail in details):
            # The older form, which every key knows; `details` is needed for names only.
            body, params = None, {"domains[]": [detail["domain"] for detail in details]}
        envelope, response = ask(self.account, "POST", "/organizations/bulk_enrich", body=body, params=params)
        listed = envelope.get("organizations")
        if not isinstance(listed, list):
            raise statuses.unreadable(response, vendor=TITLE, charged=True, why="has no list of companies")
        found = _linked([normalise.mapping(record) for record in listed], details)
        answers = {query.key: answer for query, answer in zip(queries, found, strict=True)}
        return Reply(
            answers=answers,
            units=_units(envelope, otherwise=sum(bool(record) for record in listed)),
            status=response.status,
        )


def _linked(records: Sequence[Mapping[str, Any]], details: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """An answer per question, linked by domain or name: that the list is positional is nowhere said.

    One question with one company in answer needs no link: Apollo knows a company under its main domain only.
    """
    known: dict[str, Mapping[str, Any]] = {}
    for record in filter(None, records):
        for host in (parse.domain(record.get("primary_domain")), parse.domain(record.get("website_url"))):
            known.setdefault(f"domain={host}", record)
        known.setdefault(f"name={normalise.fold(record.get('name'))}", record)
    only = next(filter(None, records), None) if len(details) == 1 else None
    answers = []
    for detail in details:
        mark = f"domain={detail['domain']}" if "domain" in detail else f"name={normalise.fold(detail['name'])}"
        company = known.get(mark) or only
        answers.append(Answer(facts=parse.organization(company)) if company else Answer(category=Category.NOT_FOUND))
    return answers
