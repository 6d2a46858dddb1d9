"""RealEstateAPI's paid operations, a Door each. Contract: contracts.md 1.2, 1.3, 1.4, 1.8 and 1.9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations import normalise, statuses
from integrations.account import Account, check_batch
from integrations.contract import Answer, Query, Reply
from integrations.errors import Category, Rejected
from integrations.http import HttpResponse
from integrations.realestateapi import parse, persons
from integrations.realestateapi.client import TITLE, ask
from integrations.realestateapi.queries import PAGE_MAX

# 1,000 ids (contracts.md 1.4), 100 traces (1.9)
DETAIL_BATCH = 1000
TRACE_BATCH = 100
# The brief sends {"phones": true}, which would hide owners who have only an e-mail. With "or" a person with either is a
# match, and one with neither is none and is not billed: matches are what this vendor charges.
MATCH_REQUIREMENTS: Mapping[str, Any] = {"phones": True, "emails": True, "operator": "or"}
# `credits` is optional and unexplained; more than this a record is a mistake, and the records are counted instead.
_CREDITS_PER_RECORD_MAX = 10


@dataclass(frozen=True, slots=True)
class PropertyDetail:
    """Facts of properties by id, and of one by its address or APN; that answer brings the id, in its facts too.

    Units: `credits`, else the records found; unknown ids are not charged.
    """

    account: Account
    vendor = "realestateapi"
    operation = "property_detail"
    largest_batch = DETAIL_BATCH
    idempotent = False

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        check_batch(self, queries)
        if "id" not in queries[0].params:
            return self._by_name(queries[0])
        numbers = list(dict.fromkeys(str(query.params["id"]) for query in queries))
        if len(numbers) == 1:
            envelope, response = ask(self.account, "/v2/PropertyDetail", {"id": numbers[0]})
            answers = {numbers[0]: _single_detail(envelope, numbers[0], response)}
        else:
            body = {"ids": [int(number) for number in numbers]}
            envelope, response = ask(self.account, "/v2/PropertyDetailBulk", body, batch=True)
            answers = _bulk_details(envelope, numbers, response)
        found = sum(answer.found for answer in answers.values())
        said = normalise.units((envelope or {}).get("credits"), most=_CREDITS_PER_RECORD_MAX * len(numbers))
        return Reply(
            answers={query.key: answers[str(query.params["id"])] for query in queries},
            units=Decimal(found) if said is None else said,
            status=response.status,
        )

    def _by_name(self, query: Query) -> Reply:
        envelope, response = ask(self.account, "/v2/PropertyDetail", query.params)
        answer = _single_detail(envelope, None, response)
        said = normalise.units((envelope or {}).get("credits"), most=_CREDITS_PER_RECORD_MAX)
        units = Decimal(answer.found) if said is None else said
        return Reply(answers={query.key: answer}, units=units, status=response.status)


def _single_detail(envelope: Mapping[str, Any] | None, number: str | None, response: HttpResponse) -> Answer:
    if envelope is None:
        return Answer(category=Category.NOT_FOUND)
    if "data" not in envelope:
        raise statuses.unreadable(response, vendor=TITLE, charged=True, why="has no data")
    data = envelope["data"]
    record = data[0] if isinstance(data, list) and len(data) == 1 else data
    if not record and not isinstance(record, bool | int):
        return Answer(category=Category.NOT_FOUND)
    identity = parse.record_id(record) if isinstance(record, dict) else None
    if not isinstance(record, dict) or (number is not None and identity not in (number, None)):
        return Answer(category=Category.INVALID_DATA)
    if number is None and identity is not None:
        return Answer(facts={**parse.detail(record), "property_id": identity}, also=identity)
    return Answer(facts=parse.detail(record))


def _bulk_details(
    envelope: Mapping[str, Any] | None, numbers: Sequence[str], response: HttpResponse
) -> dict[str, Answer]:
    """Records come in any order and unknown ids not at all, so only the id links them (contracts.md 1.4)."""
    records = [] if envelope is None else envelope.get("data")
    if not isinstance(records, list) and records:
        raise statuses.unreadable(response, vendor=TITLE, charged=True, why="has no list of records")
    if envelope is not None and "data" not in envelope:
        raise statuses.unreadable(response, vendor=TITLE, charged=True, why="has no data")
    known: dict[str, Answer] = {}
    strange = False
    for record in records or []:
        identity = parse.record_id(record) if isinstance(record, dict) else None
        if identity is None:
            strange = strange or record is not None
        else:
            known.setdefault(identity, Answer(facts=parse.detail(record)))
    # With an unreadable record in the answer, an id without one may be that record: it is not known to be unknown.
    missing = Answer(category=Category.INVALID_DATA if strange else Category.NOT_FOUND)
    return {number: known.get(number, missing) for number in numbers}


@dataclass(frozen=True, slots=True)
class SkipTrace:
    """Phones and e-mails of owners. Units: the vendor's matches."""

    account: Account
    vendor = "realestateapi"
    operation = "skip_trace"
    largest_batch = TRACE_BATCH
    idempotent = False

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        check_batch(self, queries)
        if len(queries) == 1:
            body = {**queries[0].params, "match_requirements": MATCH_REQUIREMENTS}
            envelope, response = ask(self.account, "/v2/SkipTrace", body, personal=True)
            if envelope is not None and not persons.is_trace(envelope):
                raise _unlinkable(response, "has no person in it")
            bodies: list[Mapping[str, Any]] = [envelope or {}]
        else:
            # The key we send is the position: Query.key identifies a person and is nobody's business.
            skips = [
                {**query.params, "key": str(index), "match_requirements": MATCH_REQUIREMENTS}
                for index, query in enumerate(queries)
            ]
            envelope, response = ask(
                self.account, "/v2/SkipTraceBatchAwait", {"skips": skips}, batch=True, personal=True
            )
            bodies = _linked(envelope, len(queries), response)
        traces = [persons.trace(body, asked=query.params) for query, body in zip(queries, bodies, strict=True)]
        return Reply(
            answers={query.key: _traced(trace) for query, trace in zip(queries, traces, strict=True)},
            units=Decimal(sum(trace.matched for trace in traces)),
            status=response.status,
        )


def _traced(trace: persons.Trace) -> Answer:
    if trace.refused:
        return Answer(category=Category.INVALID_DATA)
    return Answer(facts=trace.facts) if trace.facts else Answer(category=Category.SKIP_TRACE_EMPTY)


def _linked(envelope: Mapping[str, Any] | None, asked: int, response: HttpResponse) -> list[Mapping[str, Any]]:
    """The body for each position. By the echoed key; by position only where no key came back and none is missing."""
    items = [] if envelope is None else envelope.get("data")
    if not isinstance(items, list):
        raise _unlinkable(response, "has no list of traces")
    bodies = [normalise.mapping(item) for item in items]
    keys = [normalise.text(normalise.mapping(body.get("input")).get("key", body.get("key"))) for body in bodies]
    if not any(keys):
        if len(bodies) not in (0, asked):
            raise _unlinkable(response, "does not say which trace is whose")
        return bodies or [{}] * asked
    by_key: dict[str, Mapping[str, Any]] = {}
    for key, body in zip(keys, bodies, strict=True):
        if key is not None:
            by_key.setdefault(key, body)
    return [by_key.get(str(index), {}) for index in range(asked)]


def _unlinkable(response: HttpResponse, why: str) -> Rejected:
    return statuses.unreadable(response, vendor=TITLE, charged=True, why=why, personal=True)


@dataclass(frozen=True, slots=True)
class PropertySearchPage:
    """One page of full rows. Units: the rows. An empty page is an answer."""

    account: Account
    vendor = "realestateapi"
    operation = "property_search"
    largest_batch = 1
    idempotent = False

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        check_batch(self, queries)
        params = queries[0].params
        body = {**params["criteria"], "size": params["size"], "resultIndex": params["result_index"]}
        envelope, response = ask(self.account, "/v2/PropertySearch", body)
        if envelope is not None and not isinstance(envelope.get("data"), list):
            raise statuses.unreadable(response, vendor=TITLE, charged=True, why="has no list of properties")
        records = normalise.sequence((envelope or {}).get("data"))
        counted = normalise.integer((envelope or {}).get("recordCount"), most=PAGE_MAX)
        # The captures' recordCount of 50 stands beside one printed row: more rows than came cannot have been sent.
        returned = len(records) if counted is None or counted > len(records) else counted
        total = normalise.integer((envelope or {}).get("resultCount"))
        after = params["result_index"] + returned  # the vendor's own recipe (contracts.md 1.2)
        rows = [row for record in records if (row := parse.row(normalise.mapping(record))) is not None]
        facts = {
            "rows": rows,
            "total": after if total is None else total,
            "next_index": after if returned and total is not None and after < total else None,
        }
        return Reply(answers={queries[0].key: Answer(facts=facts)}, units=Decimal(returned), status=response.status)
