"""Apollo: people and organization enrichment, phones by a later webhook. Nothing here honours an idempotency key."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from sandbox.apollo_people import (
    IDENTITY,
    Match,
    answered_phone,
    find_organization,
    find_person,
    key_of,
    known_name,
    phone_push,
    waterfall_push,
)
from sandbox.apollo_wire import pace_headers, push, refuse, usage
from sandbox.billing import Ledger
from sandbox.faults import Fault, FaultBox
from sandbox.filters import words
from sandbox.parcels import roll
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request

PREFIX = "/apollo/api/v1"
MOST = 10  # people or domains in one request
PHONE_CREDITS = Decimal(8)  # "plus 8 credits if a mobile phone is returned"
_PHONE = "phone|"  # before a person's key: what the ledger calls a mobile
RESULT_KEPT_S = 30 * 86_400.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}  # nowhere else is a webhook ever pushed
_WEBHOOK_NEEDED = "Please add a valid 'webhook_url' parameter when using 'reveal_phone_number' or a waterfall"
_FLAGS = ("reveal_personal_emails", "reveal_phone_number", "run_waterfall_email", "run_waterfall_phone", "poll_only")


@dataclass(slots=True)
class _Result:
    """What `webhook_result` tells of a request; `body` is null while it is pending."""

    kind: str
    body: Json | None = None
    ready_at: float = 0.0
    webhook_status: str = "success"


class Apollo:
    """The vendor; remembers the webhooks it owes."""

    def __init__(
        self, key: str, ledger: Ledger, box: FaultBox, stop: Event, *, seed: int = 1, delay_s: float = 2.0
    ) -> None:
        self._key, self._ledger, self._box, self._stop = key, ledger, box, stop
        self._seed, self._delay_s, self._lock = seed, delay_s, Lock()
        self._results: dict[str, _Result] = {}
        self._requests = 0

    def endpoints(self) -> list[Endpoint]:
        """The endpoints."""
        return [
            Endpoint("POST", f"{PREFIX}/people/bulk_match", "apollo_people", self.bulk_match, batch=True),
            Endpoint("POST", f"{PREFIX}/people/match", "apollo_people", self.match),
            Endpoint(
                "POST", f"{PREFIX}/organizations/bulk_enrich", "apollo_organizations", self.organizations, batch=True
            ),
            Endpoint("GET", f"{PREFIX}/auth/health", "probe", lambda _: Answer(200, {"is_logged_in": True})),
            Endpoint("GET", f"{PREFIX}/webhook_result/", "probe", self.webhook_result),
            Endpoint("POST", f"{PREFIX}/usage_stats/credit_usage_stats", "usage", self.usage),
        ]

    def authorise(self, request: Request, endpoint: Endpoint) -> None:
        """The configured key, a master key; with "-test" behind it one without any enrichment or usage scope."""
        key = request.headers.get("x-api-key", "")
        if key not in (self._key, f"{self._key}-test"):
            raise Refusal(401)
        if key != self._key and endpoint.operation != "probe":
            raise Refusal(403)

    def refuse(self, refusal: Refusal, endpoint: Endpoint | None) -> Answer:
        """The refusal in the shape this endpoint and status have."""
        return refuse(refusal, f"api/v1{endpoint.path.removeprefix(PREFIX)}" if endpoint else "api/v1")

    def pace_headers(self, limit: int | None, used: int, wait_s: float | None) -> dict[str, str]:
        """The rate limit headers."""
        return pace_headers(limit, used, wait_s)

    def bulk_match(self, request: Request) -> Answer:
        """1 to 10 people; `matches` stands in the order of `details`, null where nobody was found."""
        body = _read(request)
        details = body.get("details")
        if not isinstance(details, list) or not details:
            raise Refusal(400, "invalid request, missing details", code="INVALID_REQUEST")
        if len(details) > MOST:
            raise Refusal(400, "cannot enrich more than 10 in a single request", code="RECORD_LIMIT_EXCEEDED")
        if not all(isinstance(detail, dict) for detail in details):
            raise Refusal(422, "no implicit conversion of String into Hash", code="UNKNOWN_ERROR")
        flags = _flags(request, body)
        found, payload, charges = self._enrich(request, body, details, flags)
        payload = {
            "status": "success",
            "error_code": None,
            "error_message": None,
            "total_requested_enrichments": len(details),
            "unique_enriched_records": len({charge.input.removeprefix(_PHONE) for charge in charges}),
            "missing_records": found.count(None),
            "credits_consumed": int(sum(charge.units for charge in charges)),
            "matches": [self._shown(match, flags) for match in found],
            **payload,
        }
        if "waterfall" in payload:
            for name in ("unique_enriched_records", "missing_records", "credits_consumed"):
                del payload[name]
        return Answer(200, payload, charges=charges, items="matches")

    def match(self, request: Request) -> Answer:
        """One person, asked for in the query or the body; `person` is null where nobody was found (a guess)."""
        body = _read(request)
        detail = {name: request.query[name][-1] for name in IDENTITY if name in request.query} | {
            name: body[name] for name in IDENTITY if name in body
        }
        flags = _flags(request, body)
        found, payload, charges = self._enrich(request, body, [detail], flags)
        return Answer(200, {"person": self._shown(found[0], flags), **payload}, charges=charges, items="person")

    def _enrich(
        self, request: Request, body: Json, details: list[Json], flags: dict[str, bool]
    ) -> tuple[list[Match | None], Json, list[Charge]]:
        """Matches by position, what the answer says of the request, and one credit for each person found: of each it
        tells demographics, if no e-mail."""
        later = flags["reveal_phone_number"] or flags["run_waterfall_email"] or flags["run_waterfall_phone"]
        webhook_url: Any = request.query.get("webhook_url", [""])[-1] or body.get("webhook_url")
        if later and not flags["poll_only"] and not _is_url(webhook_url):
            raise Refusal(422, _WEBHOOK_NEEDED)
        found = [find_person(detail, self._seed) if key_of(detail) else None for detail in details]
        matches = list({match.key: match for match in found if match}.values())
        charges = [Charge(match.key) for match in matches]
        fault = self._box.pick("apollo_people", batch=True, webhook=True) if later else None
        flags["phones_in_answer"] = fault is not None and fault.kind == "phones_in_answer"
        if flags["phones_in_answer"]:
            charges += [Charge(_PHONE + match.key, PHONE_CREDITS) for match in matches if match.mobile]
        with self._lock:
            self._requests += 1
            mixed = roll(self._seed, f"request|{self._requests}")
            request_id = int.from_bytes(mixed[:8], "big", signed=True)
        payload: Json = {"request_id": request_id}
        if flags["run_waterfall_email"] or flags["run_waterfall_phone"]:
            text = "Waterfall enrichment request accepted. Results will be sent to the provided webhook URL."
            payload = {"waterfall": {"status": "accepted", "message": text}, **payload}
        if later:
            kind = "waterfall" if "waterfall" in payload else "phone"
            with self._lock:
                self._results[str(request_id)] = _Result(kind)
            url = None if flags["poll_only"] else webhook_url
            Thread(target=self._deliver, args=(str(request_id), matches, flags, url, fault), daemon=True).start()
        return found, payload, charges

    def _shown(self, match: Match | None, flags: dict[str, bool]) -> Json | None:
        if match is None:
            return None
        shown = dict(match.payload)
        if flags["reveal_personal_emails"]:
            shown["personal_emails"] = [match.personal_email] if match.personal_email else []
        if flags["phones_in_answer"] and match.mobile:
            shown["phone_numbers"] = [answered_phone(match.mobile)]
        return shown

    def usage(self, _request: Request) -> Answer:
        """The credits consumed in this cycle, the running month: data as lead credits, mobiles as direct dials."""
        start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = (start + timedelta(days=32)).replace(day=1)
        dials = PHONE_CREDITS * self._ledger.sold("apollo_people", _PHONE)
        data = sum(self._ledger.units("apollo_people", "apollo_organizations"), Decimal(0)) - dials
        return Answer(200, usage({"lead_credit": data, "direct_dial_credit": dials}, start, end))

    def _deliver(
        self, request_id: str, matches: list[Match], flags: dict[str, bool], url: str | None, fault: Fault | None
    ) -> None:
        """Later: the phones are billed, kept for polling, and pushed; under faults too late or early, twice, spoilt,
        lost, without what the answer has told already, or with another count of credits than is billed."""
        kind = fault.kind if fault else ""
        if self._stop.wait(0.0 if kind == "webhook_early" else self._delay_s):
            return
        with self._lock:
            result = self._results[request_id]
        if flags["phones_in_answer"]:
            matches = [replace(match, mobile=None) for match in matches]
        wanted = flags["reveal_phone_number"] or flags["run_waterfall_phone"]
        phones = [match for match in matches if match.mobile] if wanted else []
        credits = int(PHONE_CREDITS) * len(phones)
        self._ledger.charge_later("apollo_people", [Charge(_PHONE + match.key, PHONE_CREDITS) for match in phones])
        credits *= {"webhook_credits_0": 0, "webhook_credits_10": 10}.get(kind, 1)
        if result.kind == "phone":
            body = phone_push(matches, credits)
        else:
            asked = {"emails": flags["run_waterfall_email"], "phone_numbers": flags["run_waterfall_phone"]}
            fields = [name for name, wanted in asked.items() if wanted]
            body = waterfall_push(matches, credits, request_id, fields)
        result.ready_at, result.body = time.monotonic(), body
        if url is None or urlsplit(url).hostname not in LOOPBACK:
            return
        if fault is not None and kind == "webhook_late" and self._stop.wait(fault.pause_s):
            return
        told: Json = {"status": "success", "people": "…"} if kind == "webhook_garbage" else body
        sent = [push(url, told) for _ in range({"webhook_twice": 2, "webhook_lost": 0}.get(kind, 1))]
        result.webhook_status = "success" if any(sent) else "failed"

    def webhook_result(self, request: Request) -> Answer:
        """What a webhook said or will say; free."""
        request_id = request.path.rstrip("/").rpartition("/")[2]
        if not request_id.removeprefix("-").isdigit():
            raise Refusal(400, code="invalid_request_id")
        with self._lock:
            result = self._results.get(request_id)
        if result is None:
            raise Refusal(404, code="request_id_unknown")
        if result.body is None:
            raise Refusal(404, code="result_pending")
        if time.monotonic() - result.ready_at > RESULT_KEPT_S:
            raise Refusal(410, code="request_id_expired")
        payload = {
            "request_id": request_id,
            "webhook_status": result.webhook_status,
            "request_type": result.kind,
            "last_dispatched_at": "2026-01-15T12:05:00Z",
            "failure_reason": None if result.webhook_status == "success" else "delivery failed",
            "webhook_result": result.body,
        }
        return Answer(200, payload, items="webhook_result")

    def organizations(self, request: Request) -> Answer:
        """1 to 10 companies; one credit for each found.

        Asked for by domain, website, LinkedIn address or name in the body's `details`, or in the query's `domains[]`.
        """
        body = _read(request)
        details = body.get("details")
        domains = request.query.get("domains[]") or request.query.get("domains") or []
        wanted = [(domain, "") for domain in domains if domain]
        if isinstance(details, list) and details:  # the body wins
            wanted = [company for detail in details if (company := _company(detail))]
        if not wanted:
            raise Refusal(400, "invalid request, missing domains", code="INVALID_REQUEST")
        if len(wanted) > MOST:
            raise Refusal(400, "domain count cannot be more than 10", code="RECORD_LIMIT_EXCEEDED")
        found = [find_organization(domain, self._seed, name) for domain, name in wanted]
        unique = {company["primary_domain"] for company in found if company}
        payload = {
            "status": "success",
            "error_code": None,
            "error_message": None,
            "total_requested_domains": len(wanted),
            "total_requested_records": len(wanted),
            "unique_domains": len({domain for domain, _ in wanted}),
            "unique_enriched_records": len(unique),
            "missing_records": found.count(None),
            "organizations": found,
        }
        return Answer(200, payload, charges=[Charge(domain) for domain in sorted(unique)], items="organizations")


def _read(request: Request) -> Json:
    try:
        body = request.json()
    except ValueError:
        raise Refusal(400, "invalid request, malformed JSON", code="INVALID_REQUEST") from None
    return body if isinstance(body, dict) else {}


def _flags(request: Request, body: Json) -> dict[str, bool]:
    """The flags of the query (documented) or the body (legacy, still accepted)."""
    return {name: (request.query.get(name) or [str(body.get(name, ""))])[-1].lower() == "true" for name in _FLAGS}


def _is_url(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).hostname)


def _company(detail: object) -> tuple[str, str] | None:
    """The domain of the company asked for, and the name it is known by where it was asked for by name."""
    if not isinstance(detail, dict):
        return None
    website = urlsplit(str(detail.get("website") or "")).hostname or ""
    if domain := str(detail.get("domain") or website.removeprefix("www.") or "").strip().casefold():
        return domain, ""
    by = str(detail.get("name") or urlsplit(str(detail.get("linkedin_url") or "")).path.rstrip("/").rpartition("/")[2])
    known = known_name(by)
    return (f"{words(known).replace(' ', '-')}.example.com", known) if known else None
