"""RealEstateAPI's paid operations, an Adapter each: docs/vendors/realestateapi.md 1.2, 1.3, 1.4, 1.8 and 1.9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.vendors import normalise, statuses
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.credentials import Account, check_batch
from integrations.vendors.errors import Category, Rejected
from integrations.vendors.realestateapi import parse, persons
from integrations.vendors.realestateapi.client import TITLE, Told, ask, is_envelope

# 1,000 ids (docs/vendors/realestateapi.md 1.4), 100 traces (1.9)
DETAIL_BATCH = 1000
TRACE_BATCH = 100
# Not {"phones": true} (docs/requirements.md 5), which would hide owners who have only an e-mail. With "or" a
# person with either is a match, and one with neither is none and is not billed: this vendor charges matches.
MATCH_REQUIREMENTS: Mapping[str, Any] = {"phones": True, "emails": True, "operator": "or"}


@dataclass(frozen=True, slots=True)
class PropertyDetail:
    """Facts of properties by id, and of one by its address or APN; that answer brings the id, in its facts too.

    Units: 1 a record found; unknown ids are not charged.
    """

    account: Account
    vendor = "realestateapi"
    operation = "property_detail"
    largest_batch = DETAIL_BATCH

    def call(self, queries: Sequence[Query], **_: str) -> Reply:
        check_batch(self, queries)
        miss = _nothing(queries, Answer(category=Category.NOT_FOUND))
        numbers = [str(query.params["id"]) for query in queries if "id" in query.params]
        unique = list(dict.fromkeys(numbers))
        if len(unique) > 1:
            body = {"ids": [int(number) for number in unique]}
            told = ask(self.account, "/v2/PropertyDetailBulk", body, miss=miss, batch=True)
            known, strange = _bulk_details(told, unique)
            why = f"has {strange} records without an id"
            # With an unreadable record in the answer, an id without one may be that record: it is not known to be none.
            missing = Answer(category=Category.INVALID_DATA if strange else Category.NOT_FOUND)
            answers = {query.key: known.get(str(query.params["id"]), missing) for query in queries}
            found = min(len(known) + strange, len(unique))
        else:
            number = unique[0] if unique else None
            told = ask(self.account, "/v2/PropertyDetail", {"id": number} if number else queries[0].params, miss=miss)
            answer = _single_detail(told, number)
            answers = {query.key: answer for query in queries}
            found, why = int(answer.found), ""
        return Reply(
            answers=answers,
            units=Decimal(found),
            claimed=told.claimed,
            status=told.response.status,
            evidence=statuses.of_the_unusable(told.response, answers.values(), why=why),
        )


def _nothing(queries: Sequence[Query], answer: Answer) -> Reply:
    """What it means where the vendor knows none of them."""
    return Reply(answers={query.key: answer for query in queries}, units=Decimal(0), status=404)


def _single_detail(told: Told, number: str | None) -> Answer:
    if told.envelope is None:
        return Answer(category=Category.NOT_FOUND)
    data = _data(told)
    record = data[0] if isinstance(data, list) and len(data) == 1 else data
    if not record and not isinstance(record, bool | int):
        return Answer(category=Category.NOT_FOUND)
    if not isinstance(record, dict):
        raise statuses.unusable(told.response, vendor=TITLE, why="has no record of a property")
    identity = parse.record_id(record)
    if number is not None and identity not in (number, None):
        raise statuses.unusable(told.response, vendor=TITLE, why="is about another property")
    if number is None and identity is not None:
        return Answer(facts={**parse.detail(record), "property_id": identity}, also=identity)
    return Answer(facts=parse.detail(record))


def _data(told: Told) -> Any:
    """`data` of an envelope. Raises InDoubt where it has none: then the object is anybody's."""
    assert told.envelope is not None
    if "data" not in told.envelope:
        raise statuses.no_answer(told.response, vendor=TITLE, paid=True, why="has no data")
    return told.envelope["data"]


def _bulk_details(told: Told, numbers: Sequence[str]) -> tuple[dict[str, Answer], int]:
    """What is known by id, and how many records nobody can read.

    Records come in any order and unknown ids not at all, so only the id links them (docs/vendors/realestateapi.md 1.4).
    One that nobody asked for is left out; Rejected where there are no others.
    """
    records = _data(told) if told.envelope is not None else None
    if records and not isinstance(records, list):
        raise statuses.unusable(told.response, vendor=TITLE, why="has no list of records")
    known: dict[str, Answer] = {}
    asked, strange, others = set(numbers), 0, set()
    for record in records or []:
        identity = parse.record_id(record) if isinstance(record, dict) else None
        if identity is None:
            strange += record is not None
        elif identity in asked:
            known.setdefault(identity, Answer(facts=parse.detail(record)))
        else:
            others.add(identity)
    if others and not known:
        units = Decimal(min(len(others) + strange, len(asked)))
        raise statuses.unusable(told.response, vendor=TITLE, why="is about other properties", units=units)
    return known, strange


@dataclass(frozen=True, slots=True)
class SkipTrace:
    """Phones and e-mails of owners. Units: 1 a match. No byte of an answer that cannot be used is kept."""

    account: Account
    vendor = "realestateapi"
    operation = "skip_trace"
    largest_batch = TRACE_BATCH

    def call(self, queries: Sequence[Query], **_: str) -> Reply:
        check_batch(self, queries)
        miss = _nothing(queries, Answer(category=Category.SKIP_TRACE_EMPTY))
        asked = [{**query.params, "match_requirements": MATCH_REQUIREMENTS} for query in queries]
        bodies: list[Mapping[str, Any] | None]
        if len(queries) == 1:
            told = ask(self.account, "/v2/SkipTrace", asked[0], miss=miss, personal=True)
            bodies, strange = [_single_trace(told)], 0
        else:
            # The key we send is the position: Query.key identifies a person and is nobody's business.
            skips = {"skips": [{**body, "key": str(index)} for index, body in enumerate(asked)]}
            told = ask(self.account, "/v2/SkipTraceBatchAwait", skips, miss=miss, batch=True, personal=True)
            bodies, strange = _linked(told, len(queries))
        pairs = zip(queries, bodies, strict=True)
        traces = [persons.trace(body, asked=query.params, owner=query.owner) for query, body in pairs]
        matches = min(sum(trace.matched for trace in traces) + strange, len(queries))
        answers = {query.key: _traced(trace) for query, trace in zip(queries, traces, strict=True)}
        why = f"has {sum(trace.refused for trace in traces)} of {len(queries)} traces that cannot be used"
        return Reply(
            answers=answers,
            units=Decimal(matches),
            claimed=told.claimed,
            status=told.response.status,
            evidence=statuses.of_the_unusable(told.response, answers.values(), why=why, personal=True),
        )


def _traced(trace: persons.Trace) -> Answer:
    if trace.refused:
        return Answer(category=Category.INVALID_DATA)
    return Answer(facts=trace.facts) if trace.facts else Answer(category=Category.SKIP_TRACE_EMPTY)


def _single_trace(told: Told) -> Mapping[str, Any]:
    if told.envelope is None:
        return {}
    if not is_envelope(told.envelope):
        why = "has no person in it"
        raise statuses.no_answer(told.response, vendor=TITLE, paid=True, why=why, personal=True)
    if not persons.is_readable(told.envelope):
        raise _unusable_trace(told, "has no list of persons")
    return told.envelope


def _linked(told: Told, asked: int) -> tuple[list[Mapping[str, Any] | None], int]:
    """The body for each position, and how many items nobody can read. None: one of those may be this one's.

    By the echoed key; by position only where no key came back and none is missing.
    """
    if told.envelope is not None and "data" not in told.envelope:
        raise statuses.no_answer(told.response, vendor=TITLE, paid=True, why="has no data", personal=True)
    items = [] if told.envelope is None else told.envelope["data"] or []
    if not isinstance(items, list):
        raise _unusable_trace(told, "has no list of traces")
    strange = sum(item is not None and not isinstance(item, dict) for item in items)
    bodies = [normalise.mapping(item) for item in items]
    keys = [normalise.text(normalise.mapping(body.get("input")).get("key", body.get("key"))) for body in bodies]
    if not any(keys) and not strange:
        if len(bodies) not in (0, asked):
            raise _unusable_trace(told, "does not say which trace is whose")
        return [*bodies] or [{}] * asked, 0
    by_key: dict[str, Mapping[str, Any]] = {}
    for key, body in zip(keys, bodies, strict=True):
        if key is not None:
            by_key.setdefault(key, body)
    return [by_key.get(str(index), None if strange else {}) for index in range(asked)], strange


def _unusable_trace(told: Told, why: str) -> Rejected:
    return statuses.unusable(told.response, vendor=TITLE, why=why, personal=True)


@dataclass(frozen=True, slots=True)
class PropertySearchPage:
    """One page of full rows. Units: 1 a row. An empty page is an answer."""

    account: Account
    vendor = "realestateapi"
    operation = "property_search"
    largest_batch = 1

    def call(self, queries: Sequence[Query], **_: str) -> Reply:
        check_batch(self, queries)
        (query,) = queries
        start = query.params["result_index"]
        body = {**query.params["criteria"], "size": query.params["size"], "resultIndex": start}
        nothing = Answer(facts={"rows": [], "total": start, "next_index": None})
        told = ask(self.account, "/v2/PropertySearch", body, miss=_nothing(queries, nothing))
        records = [] if told.envelope is None else _data(told)
        if not isinstance(records, list):
            raise statuses.unusable(told.response, vendor=TITLE, why="has no list of properties")
        total = normalise.integer((told.envelope or {}).get("resultCount"))
        # The vendor's own recipe (docs/vendors/realestateapi.md 1.2), but by the rows that came:
        # a recordCount may be of another page.
        after = start + len(records)
        rows = [row for record in records if (row := parse.row(normalise.mapping(record))) is not None]
        facts = {
            "rows": rows,
            "total": after if total is None else total,
            "next_index": after if records and total is not None and after < total else None,
        }
        return Reply(
            answers={query.key: Answer(facts=facts)},
            units=Decimal(sum(record is not None for record in records)),
            claimed=told.claimed,
            status=told.response.status,
        )
