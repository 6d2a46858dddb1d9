"""RealEstateAPI's endpoints: PropertySearch, PropertyDetail, PropertyDetailBulk, PropertyMapping, AutoComplete.

Three envelopes: "capture" as the vendor's captured answers read, "2026" as its rewritten pages print them, "published"
as "capture" with what its published answers say otherwise: `credits` 0 for a found PropertyDetail and 10 a record in
bulk (both are billed 1 a record), property types in words, equity as whole numbers.
"""

import random
from collections.abc import Callable

from sandbox.autocomplete import complete
from sandbox.detail import detail, published
from sandbox.envelope import Envelope, check_detail, read
from sandbox.filters import boolean, number, parse_address
from sandbox.parcels import Parcel
from sandbox.search import Search
from sandbox.shapes import detail_2026, row
from sandbox.wire import Answer, Charge, Endpoint, Json, Refusal, Request, is_number

PREFIX = "/realestateapi"
MAX_ROWS = 250  # "up to 250 property records per API call"
DEFAULT_ROWS = 50
MAX_IDS = 10_000  # "Returns up to 10,000 property IDs", `size` and `resultIndex` ignored
MAX_PINS = 10_000
MAX_BULK = 1_000
TEST_SCOPES = ("PropertyDetail", "SkipTrace")  # of a new key, before prepaid credit
SCOPES = (
    "PropertySearch",
    "PropertyDetail",
    "PropertyDetailBulk",
    "SkipTrace",
    "SkipTraceBatchAwait",
    "AutoComplete",
    "PropertyMapping",
)


class RealEstateAPI:
    """The vendor, over one parcel source. Stateless but for the search's cache."""

    def __init__(self, search: Search, key: str, *, envelope: str = "capture", seed: int = 1) -> None:
        self.search, self.source, self._key, self._seed = search, search.source, key, seed
        self.envelope = Envelope(modern=envelope == "2026")
        self._detail = {"2026": detail_2026, "published": published}.get(envelope, detail)
        self._claims = {"published": (0, 10)}.get(
            envelope, (1, 1)
        )  # `credits` a record, at the single and bulk endpoints

    def endpoints(self) -> list[Endpoint]:
        """The endpoints of this module."""

        def endpoint(
            name: str, operation: str, handle: Callable[[Request], Answer], *, batch: bool = False
        ) -> Endpoint:
            return Endpoint("POST", f"{PREFIX}/v2/{name}", operation, handle, scope=name, batch=batch)

        return [
            endpoint("PropertySearch", "property_search", self.property_search),
            endpoint("PropertyMapping", "property_search", self.mapping),
            endpoint("PropertyDetail", "property_detail", self.property_detail),
            endpoint("PropertyDetailBulk", "property_detail", self.bulk, batch=True),
            endpoint("AutoComplete", "autocomplete", self.autocomplete),
            Endpoint("GET", f"{PREFIX}/v2/key/info", "probe", self.key_info),
        ]

    def authorise(self, request: Request, endpoint: Endpoint) -> None:
        """The configured key opens everything; with "-test" behind it only what a test key may."""
        key = request.headers.get("x-api-key", "")
        if key not in (self._key, f"{self._key}-test"):
            raise Refusal(401)
        if key.endswith("-test") and endpoint.scope and endpoint.scope not in TEST_SCOPES:
            raise Refusal(403, f"x-api-key is not authorized for scope {endpoint.scope}")

    def refuse(self, refusal: Refusal, endpoint: Endpoint | None) -> Answer:
        """The refusal in the envelope's shape."""
        return self.envelope.refuse(refusal, endpoint)

    def pace_headers(self, _limit: int | None, _used: int, _wait_s: float | None) -> dict[str, str]:
        """None: neither Retry-After nor x-ratelimit headers are documented."""
        return {}

    def property_search(self, request: Request) -> Answer:
        """`count` and `ids_only` are free; a row costs one credit."""
        body = read(request)
        size = int(number("size", body.get("size", DEFAULT_ROWS), 0, MAX_ROWS))
        start = int(number("resultIndex", body.get("resultIndex", 0), 0))
        only_count, only_ids = (
            boolean("count", body.get("count", False)),
            boolean("ids_only", body.get("ids_only", False)),
        )
        obfuscate = boolean("obfuscate", body.get("obfuscate", False))
        if boolean("summary", body.get("summary", False)):
            raise Refusal(403, "x-api-key is not authorized for scope PropertySearchSummary")  # a special sub-scope
        found = self.search.find(body)
        if only_count:
            more = {"resultCount": len(found), "resultIndex": 0, "recordCount": 0}
            return Answer(200, self.envelope.good(body, [], more=more, message="success"))
        if only_ids:
            ids = [self.source.parcel(index).id for index in found[:MAX_IDS]]
            more = {"resultCount": len(found), "resultIndex": len(ids), "recordCount": len(ids)}
            return Answer(200, self.envelope.good(body, ids, more=more, message="success"))
        page = [self.source.parcel(index) for index in found[start : start + size]]
        rows = [row(parcel, obfuscate=obfuscate) for parcel in page]
        more = {
            "resultCount": len(found),
            "resultIndex": start if self.envelope.modern else start + len(rows),
            "recordCount": len(rows),
        }
        return Answer(200, self.envelope.good(body, rows, more=more, message="success"), charges=_charges(page))

    def mapping(self, request: Request) -> Answer:
        """Pins: PropertySearch's filters, at most 10,000; a pin costs a credit (so the capture; not so the page)."""
        body = read(request)
        for key in ("ids_only", "count", "summary"):
            if key in body:
                raise Refusal(400, f'"{key}" parameter is not supported on this endpoint.', [key])
        size = int(number("size", body.get("size", DEFAULT_ROWS), 0))
        if size > MAX_PINS:
            raise Refusal(400, '"size" parameter must be less than or equal to 10000.', ["size"])
        start = int(number("resultIndex", body.get("resultIndex", 0), 0))
        found = self.search.find(body)
        page = [self.source.parcel(index) for index in found[start : start + size]]
        pins = [{"id": parcel.id, "latitude": parcel.latitude, "longitude": parcel.longitude} for parcel in page]
        more = {
            "resultCount": len(found),
            "resultIndex": start if self.envelope.modern else start + len(pins),
            "recordCount": len(pins),
            "credits": len(pins),
        }
        return Answer(200, self.envelope.good(body, pins, more=more), charges=_charges(page))

    def property_detail(self, request: Request) -> Answer:
        """One property, named in exactly one of four ways; a record costs one credit, no match nothing."""
        body = read(request)
        parcel = self._named(body)
        times: Json = {"propertyLookupExecutionTimeMS": "40ms" if parcel else None, "compsLookupExecutionTimeMS": None}
        if parcel is None:
            return self.envelope.no_match(body, {}, times)
        prior = boolean("prior_owner", body.get("prior_owner", False))
        return Answer(
            200,
            self.envelope.good(
                body, self._record(parcel, prior_owner=prior), more={"credits": self._claims[0], **times}
            ),
            charges=_charges([parcel]),
        )

    def _record(self, parcel: Parcel, *, prior_owner: bool) -> Json:
        record = self._detail(parcel, prior_owner=prior_owner)
        if "lastUpdateDate" in record:
            record["lastUpdateDate"] = f"{self.search.updated_on(parcel)} 00:00:00 UTC"
        return record

    def _named(self, body: Json) -> Parcel | None:
        check_detail(body)
        if "id" in body:
            index = self.source.index_of(int(float(body["id"])))
            return None if index is None else self.source.parcel(index)
        if "apn" in body:
            filters: Json = {key: body[key] for key in ("apn", "fips", "county", "state", "zip") if key in body}
        elif "house" in body:
            filters = {key: body[key] for key in ("state", "zip")}
            filters["address"] = f"{body['house']} {body['street']}, {body['city']}, {body['state']} {body['zip']}"
        else:
            if not parse_address(body["address"]):
                return None
            filters = {"address": body["address"]}
        found = self.search.find(filters)
        return self.source.parcel(found[0]) if found else None

    def bulk(self, request: Request) -> Answer:
        """1 to 1,000 ids; unknown ones are omitted, repeated ones answered once, and the order is nobody's."""
        body = read(request)
        for key in body:
            if key not in ("ids", "prior_owner"):
                raise Refusal(400, f'"{key}" is not allowed', [key])
        ids = body.get("ids")
        if ids is None:
            raise Refusal(400, '"ids" is required', ["ids"])
        if not isinstance(ids, list):
            raise Refusal(400, '"ids" must be an array', ["ids"])
        if not 1 <= len(ids) <= MAX_BULK:
            bound = "at least 1 items" if not ids else f"less than or equal to {MAX_BULK} items"
            raise Refusal(400, f'"ids" must contain {bound}', ["ids"])
        for position, one in enumerate(ids):
            if not is_number(one):
                raise Refusal(400, f'"ids[{position}]" must be a number', [f"ids[{position}]"])
        prior = boolean("prior_owner", body.get("prior_owner", False))
        indices = [self.source.index_of(one) for one in dict.fromkeys(int(float(one)) for one in ids)]
        parcels = self._shuffled([self.source.parcel(index) for index in indices if index is not None])
        more = {"credits": self._claims[1] * len(parcels)}
        if self.envelope.modern:
            more["resultCount"] = len(parcels)
        payload = self.envelope.good(body, [self._record(parcel, prior_owner=prior) for parcel in parcels], more=more)
        return Answer(200, payload, charges=_charges(parcels))

    def _shuffled(self, parcels: list[Parcel]) -> list[Parcel]:
        """Another order, the same for the same request, and never the one asked in."""
        mixed = list(parcels)
        random.Random(f"{self._seed}|{[parcel.id for parcel in parcels]}").shuffle(mixed)
        return mixed[1:] + mixed[:1] if mixed == parcels else mixed

    def autocomplete(self, request: Request) -> Answer:
        """Free; nothing found is 404 with an empty list."""
        body = read(request)
        text = body.get("search")
        if not isinstance(text, str):
            raise Refusal(400, '"search" is required', ["search"])
        if len(text.strip()) < 3:
            raise Refusal(400, '"search" length must be at least 3 characters long', ["search"])
        kinds = body.get("search_types") or []
        if not isinstance(kinds, list):
            raise Refusal(400, '"search_types" must be an array', ["search_types"])
        data, total = complete(self.source, text.strip(), {str(kind) for kind in kinds})
        more = {"totalResults": total, "returnedResults": len(data), "credits": 0}
        if not data:
            return self.envelope.no_match(body, [], more)
        return Answer(200, self.envelope.good(body, data, more=more))

    def key_info(self, request: Request) -> Answer:
        """What the key may do; free."""
        test = request.headers.get("x-api-key", "").endswith("-test")
        scopes = [scope for scope in SCOPES if not test or scope in TEST_SCOPES]
        endpoints = [
            {"scope": scope, "method": "POST", "path": f"/v2/{scope}", "description": scope} for scope in scopes
        ]
        data = {
            "keyType": "test" if test else "live",
            "version": "v2",
            "scopes": scopes,
            "availableEndpoints": endpoints,
            "rateLimits": {
                "requestsPerSecond": 60,
                "note": "Default rate limit. Some endpoints may have lower limits.",
            },
            "documentation": {"openApiSpec": "/swagger.json", "swaggerUI": "/swagger", "website": "/docs"},
        }
        return Answer(200, {"statusCode": 200, "statusMessage": "OK", "data": data})


def _charges(parcels: list[Parcel]) -> list[Charge]:
    return [Charge(str(parcel.id), item=position) for position, parcel in enumerate(parcels)]
