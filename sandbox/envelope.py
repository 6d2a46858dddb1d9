"""How RealEstateAPI frames good answers and refusals, in its two generations, and how it reads a request."""

from sandbox.wire import Answer, Endpoint, Json, Refusal, Request, is_number

_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized Request",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    429: "Rate Limit Exceeded",
    500: "Server Error, Please Contact Support (dev@realestateapi.com)",
}
_MESSAGES = {401: "x-api-key must be valid", 402: "Insufficient credits"}
_DETAIL_KEYS = {"id", "address", "house", "unit", "street", "city", "state", "county", "zip", "apn", "fips"} | {
    "comps",
    "exact_match",
    "prior_owner",
}


class Envelope:
    """ "capture" as the captured answers read, or `modern` as the pages rewritten in 2026 print them."""

    def __init__(self, *, modern: bool = False) -> None:
        self.modern = modern

    def refuse(self, refusal: Refusal, endpoint: Endpoint | None) -> Answer:
        """Joi's shape for 400, the OpenAPI's for the rest; in "2026" the human text is in `error`."""
        status, phrase = refusal.status, _PHRASES.get(refusal.status, "Error")
        message = refusal.message or _MESSAGES.get(status, "")
        if self.modern and status != 429:
            words = {401: "Unauthorized", 500: "Internal Server Error"}.get(status, phrase)
            text = "Invalid API key" if status == 401 else message or words
            return Answer(status, {"statusCode": status, "statusMessage": words, "error": text}, answered=False)
        payload: Json = {"statusCode": status, "error": phrase, "message": message, "validation": {}}
        if refusal.code == "daily":
            payload = {"statusCode": 429, "error": "Too Many Requests", "message": _daily(endpoint)}
        elif status == 400:
            payload["validation"] = {"source": "payload", "keys": refusal.keys}
        return Answer(status, payload, answered=False)

    def good(self, body: Json, data: object, *, more: Json | None = None, message: str = "Success") -> Json:
        """The frame of a good answer around `data`."""
        if self.modern:
            rest = {key: value for key, value in (more or {}).items() if key.startswith("result")}
            return {"statusCode": 200, "statusMessage": "OK", **rest, "data": data}
        return {
            "live": True,
            "input": body,
            "data": data,
            **(more or {}),
            "statusCode": 200,
            "statusMessage": message,
            "requestExecutionTimeMS": "40ms",
        }

    def no_match(self, body: Json, data: object, more: Json | None = None) -> Answer:
        """404 with the empty `data` the captures show: an answer, not an error."""
        payload = {**self.good(body, data, more=more), "statusCode": 404, "statusMessage": "Not Found"}
        if self.modern:
            payload["resultCount"] = 0
        return Answer(404, payload)


def read(request: Request) -> Json:
    """The body as an object. Raises Refusal 400 as the vendor words it."""
    try:
        body = request.json()
    except ValueError:
        raise Refusal(400, "Invalid request payload JSON format") from None
    if not isinstance(body, dict):
        raise Refusal(400, '"value" must be of type object', [""])
    return body


def _daily(endpoint: Endpoint | None) -> str:
    return f"Daily usage limit exceeded for [{endpoint.scope if endpoint else 'PropertySearch'}] scopes"


def check_detail(body: Json) -> None:
    """PropertyDetail's rules, in the words of the vendor's error page. Raises Refusal 400."""
    for key in body:
        if key not in _DETAIL_KEYS:
            raise Refusal(400, f'"{key}" is not allowed', [key])
    if not {"id", "address", "house", "apn"} & set(body):
        raise Refusal(400, '"PropertyDetailRequest" must contain at least one of [id, address, house, apn]')
    if "id" in body:
        if not is_number(body["id"]):
            raise Refusal(400, '"id" must be a number', ["id"])
        return
    for key, length in (("state", 2), ("zip", 5), ("fips", 5)):
        if key in body and (not isinstance(body[key], str) or len(body[key]) != length):
            raise Refusal(400, f'"{key}" length must be {length} characters long', [key])
    for key in ("address", "house", "street", "city", "apn"):
        if key in body and not isinstance(body[key], str):
            raise Refusal(400, f'"{key}" must be a string', [key])
    if "house" in body:
        for peer in ("street", "city", "state", "zip"):
            if peer not in body:
                raise Refusal(400, f'"house" missing required peer "{peer}"')
    elif "apn" in body and "fips" not in body and not {"county", "state"} <= set(body):
        raise Refusal(400, '"apn" missing required peer "fips"')
