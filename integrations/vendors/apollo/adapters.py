"""Apollo's paid operations, an Adapter each (docs/vendors/apollo.md 3.4 and 3.6). A batch of 10 is one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from integrations.vendors import normalise, statuses
from integrations.vendors.apollo import companies, parse, webhook
from integrations.vendors.apollo.client import TITLE, ask
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.credentials import Account, check_batch
from integrations.vendors.errors import Category

# "cannot enrich more than 10 in a single request" (docs/vendors/apollo.md 3.3)
BATCH = 10
REQUEST_ID_MAX = 64


@dataclass(frozen=True, slots=True)
class PeopleMatch:
    """People by name, e-mail or LinkedIn address. Units: 1 a person with data, 8 more with a mobile that was asked for.

    A revealed phone is not in the answer: it comes minutes later, to APOLLO_WEBHOOK_URL where that is set and under the
    Reply's request_id (`client.reveal`) in any case, and costs 8 credits more then.
    """

    account: Account
    vendor = "apollo"
    operation = "apollo_people"
    largest_batch = BATCH

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
        if "matches" not in envelope:
            raise statuses.no_answer(response, vendor=TITLE, paid=True, why="has no matches")
        matches = envelope["matches"]
        if not isinstance(matches, list) or len(matches) != len(queries):
            # Matches are positional; with one missing nobody can say whose is whose.
            why, units = "has not one match for each person", Decimal(len(queries))  # 1 each: no mobile has come
            raise statuses.unusable(response, vendor=TITLE, why=why, units=units)
        answers = {query.key: _person(match) for query, match in zip(queries, matches, strict=True)}
        mobiles = [key for key, answer in answers.items() if revealing and parse.is_mobile(answer.facts)]
        awaited = sum(answer.category != Category.NOT_FOUND for answer in answers.values()) - len(mobiles)
        return Reply(
            answers=answers,
            units=sum(map(_is_charged, matches), Decimal(0)) + parse.CREDITS_OF_A_PHONE * len(mobiles),
            claimed=normalise.units(envelope.get("credits_consumed")),
            status=response.status,
            request_id=_request_id(envelope.get("request_id")),
            later=parse.CREDITS_OF_A_PHONE * awaited if revealing and awaited else None,
            # The others' whole records stand in it, of which no more than their facts is kept.
            evidence=statuses.of_the_unusable(
                response, answers.values(), why="has a match that is no person", personal=True
            ),
        )


def _is_charged(match: object) -> bool:
    """What cannot be read may have been charged: it is."""
    return parse.has_data(match) if isinstance(match, dict) else match is not None


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
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if len(text) <= REQUEST_ID_MAX else ""  # a part of it would be another's


@dataclass(frozen=True, slots=True)
class OrganizationEnrich:
    """Companies by domain, or by name. Units: 1 a company found."""

    account: Account
    vendor = "apollo"
    operation = "apollo_organizations"
    largest_batch = BATCH

    def call(self, queries: Sequence[Query], **_: str) -> Reply:
        check_batch(self, queries)
        details = [dict(query.params["details"]) for query in queries]
        body: dict[str, Any] | None = {"details": details}
        params: dict[str, Any] = {}
        if all("domain" in detail for detail in details):
            # The older form, which every key knows; `details` is needed for names only.
            body, params = None, {"domains[]": [detail["domain"] for detail in details]}
        envelope, response = ask(self.account, "POST", "/organizations/bulk_enrich", body=body, params=params)
        if "organizations" not in envelope:
            raise statuses.no_answer(response, vendor=TITLE, paid=True, why="has no organizations")
        listed = envelope["organizations"]
        if listed and not isinstance(listed, list):
            units = Decimal(len(queries))
            raise statuses.unusable(response, vendor=TITLE, why="has no list of companies", units=units)
        found = companies.linked(listed or [], details)
        answers = {query.key: answer for query, answer in zip(queries, found, strict=True)}
        return Reply(
            answers=answers,
            units=Decimal(min(companies.count(listed or []), len(queries))),
            claimed=normalise.units(envelope.get("credits_consumed")),
            status=response.status,
            evidence=statuses.of_the_unusable(response, found, why="has a company that answers no question"),
        )
