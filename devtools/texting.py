"""A small lawful campaign at the end of the demo, over the HTTP API: people who are made up to have consented get two
texts, one answers STOP, one asks a question.

It makes up a company and consents, so it runs against the made-up vendors alone: every vendor's address is on this
machine, and the leads came from the sandbox.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests
from django.conf import settings

from devtools.job import TIMEOUT, Api, Json
from devtools.process import LocalError
from devtools.stack import Stack

OPEN_AT, LATER, OPEN_FOR = 18, 20, timedelta(hours=1)  # UTC: within the hours of all of the mainland
TUESDAY, SATURDAY = 1, 5
CONSENTED, NOT_CONSENTED = 10, 2
SAID_AT = "2026-08-01T15:00:00Z"
NUMBERS = {"twilio": "+13125550100", "signalhouse_messaging": "+13125550102"}  # ours, by who carries its texts
OWN_PHONE = "+13125550142"
COMPANY = {
    "legalName": "Demo Homes LLC", "postalAddress": "1 Main St, Chicago, IL 60601", "callbackPhone": "312-555-0101",
    "policyText": "Who asks us not to call is not called again.", "attest": True, "acknowledgeFlag": True,
}  # fmt: skip
CALLS, CALLED_MOST = "Demo: calls", 200
CONSENT = "I agree to get text messages from Demo Homes LLC about my property. Consent is no condition of a purchase."
TEXTS = {
    "Demo: first": "{{companyName}}: Hi {{firstName|there}}, would you sell {{address|your house}}? STOP to opt out.",
    "Demo: second": "{{companyName}} again about {{address|your house}}. Reply STOP to opt out.",
}
OVER = ("completed", "cancelled")
SCRIPTED = 2  # one says STOP, one asks who we are
COUNTED = {"sent": "sent", "delivered": "delivered", "replied": "replied", "opted_out": "optedOut"}
SECONDS = 180.0  # that a step may take


def clock_from(now: datetime) -> str:
    """CAMPAIGN_CLOCK of a demo that begins now: the next Tuesday at 2 PM in New York (1 PM in winter), 11 AM in
    Seattle; twenty times as fast. Never before now: what is bought now counts as a check of the registry from now on.
    """
    at = now.astimezone(UTC).replace(hour=OPEN_AT, minute=0, second=0, microsecond=0)
    while at < now or at.weekday() != TUESDAY:
        at += timedelta(days=1)
    return f"{at:%Y-%m-%dT%H:%MZ}/20"


CLOCK = clock_from(datetime.now(UTC))


class Texting:
    """One campaign over some leads of the demo's bucket. Each step is one thing a manager does, in this order."""

    def __init__(self, *, api: Api, stack: Stack, bucket_id: str) -> None:
        _refuse_what_is_real(stack)
        self.api, self.stack, self.bucket_id = api, stack, bucket_id

    def run(self, say: Callable[[str, str], None]) -> Json:
        """The whole of it. Returns sent, delivered, replied, opted_out, left_out by reason."""
        people = self._people()
        if len(people) < CONSENTED // 2:
            say("Texts", "nobody is left to text: the leads of this bucket were contacted by the demos before")
            return {**dict.fromkeys(COUNTED, 0), "left_out": {}}
        self.set_up()
        say("Calls", f"{self._call_list():,} people are on the call list “{CALLS}”, for the dialer")
        for lead in people[:CONSENTED]:
            self.api.post("/consents", {"phone": lead["phone"], "channel": "sms", "type": "written", "how": "paper",
                                        "text": CONSENT, "givenAt": SAID_AT, "leadId": lead["id"]})  # fmt: skip
        self.set_forward()
        campaign = self._campaign([lead["id"] for lead in people])
        preview = self.dry_run(campaign["id"])
        left_out = {name: count for name, count in sorted(preview["leftOut"].items()) if count}
        say("Dry run", f"{preview['people']} of {len(people)} people would get texts, at most "
            f"${float(preview['costMax']):,.2f}; left out: {listed(left_out)}")  # fmt: skip
        if preview["people"] < SCRIPTED:
            say("Texts", "too few are left to text: the leads of this bucket were contacted by the demos before")
            return {**dict.fromkeys(COUNTED, 0), "left_out": left_out}
        self._script(campaign["id"], people)
        self.launch(campaign["id"], preview)
        texted = preview["people"]
        self.wait(
            campaign["id"],
            lambda now: now["status"] in OVER or _is_texted(now, texted),
            "the first text",
        )
        self.set_forward(days=1, hour=LATER)  # the second text leaves a day after the first
        over = self.wait(campaign["id"], lambda now: now["status"] in OVER, "the second text")
        counts = {name: over[key] for name, key in COUNTED.items()}
        say("Texts", f"{counts['sent']} sent, {counts['delivered']} delivered, {counts['replied']} replied, "
            f"{counts['opted_out']} opted out")  # fmt: skip
        return {**counts, "left_out": left_out}

    # --- Steps --------------------------------------------------------------------------------------------------------

    def _people(self) -> list[Json]:
        """New leads with a phone that may be called: no two with one number."""
        found: dict[str, Json] = {}
        page = self.api.get("/property/bucket/leads", bucketId=self.bucket_id, limit=500, hasPhone="true", status="new")
        for lead in page["leads"]:
            if lead["phone"] and not lead.get("phoneDoNotCall") and not lead.get("litigator"):
                found.setdefault(lead["phone"], lead)
        return list(found.values())[: CONSENTED + NOT_CONSENTED]

    def set_up(self) -> None:
        """The company, its answers, its number, and her phone, where they are not there yet."""
        self.api.put("/sellers", COMPANY)
        states = [{"state": state, "answer": "not_needed"} for state in _states()]
        self.api.put("/state-answers", {"answers": states})
        self._number("twilio")  # calls go by Twilio's stand-in, whoever carries the texts
        self._confirm_phone()

    def _number(self, vendor: str) -> str:
        """The id of our number with this vendor."""
        senders = [one for one in self.api.get("/senders")["senders"] if one["retiredAt"] is None]
        known = [one["id"] for one in senders if one["number"] == NUMBERS[vendor]]
        if known:
            return str(known[0])
        number = {"number": NUMBERS[vendor], "vendor": vendor, "registrationId": "DEMO", "voice": vendor == "twilio"}
        return str(self.api.post("/senders", number)["sender"]["id"])

    def _confirm_phone(self) -> None:
        """Her own phone, so that calls by a click ring it: the made-up vendor speaks the code, and its log tells it."""
        known = self.api.get("/profile/phone")["phone"]
        if known["phone"] or known["whyNoCall"]:  # the demos before have used this number for texts alone
            return
        self.api.put("/profile/phone", {"phone": OWN_PHONE, "by": "call"})
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            log = requests.get(f"{self.stack.sandbox_url}/__log", params={"to": OWN_PHONE}, timeout=TIMEOUT).json()
            said = [words for leg in log["calls"] for words in leg["said"]]
            if said:
                self.api.post("/profile/phone/confirm", {"code": "".join(filter(str.isdigit, said[-1]))})
                return
            time.sleep(0.2)
        raise LocalError("the code for her phone was not spoken")

    def _call_list(self) -> int:
        """How many people are on an open call list of the bucket, whose next is offered in the dialer."""
        lists = [one for one in self.api.get("/call-lists", limit=500)["callLists"] if one["name"].startswith(CALLS)]
        known = [one for one in lists if one["status"] not in OVER and one["bucketId"] == self.bucket_id]
        if not known:
            asked = {
                "name": f"{CALLS} {len(lists) + 1}" if lists else CALLS,
                "bucketId": self.bucket_id,
                "limit": CALLED_MOST,
                "priority": "equity",
            }
            known = [self.api.post("/call-lists", asked)["callList"]]
        if known[0]["status"] == "draft" and known[0]["people"]:
            self.api.post(f"/call-lists/{known[0]['id']}/open", {})
        return int(known[0]["people"])

    def _campaign(self, lead_ids: Sequence[str]) -> Json:
        known = {one["name"]: one["id"] for one in self.api.get("/templates")["templates"]}
        ids = [
            known.get(name) or self.api.post("/templates", {"name": name, "text": text})["template"]["id"]
            for name, text in TEXTS.items()
        ]
        steps = [{"templateId": ids[0]}, {"templateId": ids[1], "delayAmount": 1, "delayUnit": "days"}]
        name = f"Demo {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        number = self._number(settings.SMS_VENDOR or "twilio")
        asked = {"name": name, "leadIds": list(lead_ids), "steps": steps, "senderId": number}
        made: Json = self.api.post("/campaigns", asked)["campaign"]
        return made

    def dry_run(self, campaign_id: str) -> Json:
        """As it was made. Raises LocalError where it cannot be."""
        path = f"/campaigns/{campaign_id}/preview"
        self.api.post(path, {})
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            preview: Json = self.api.get(path)["preview"]
            if preview["status"] != "working":
                if preview["error"]:
                    raise LocalError(f"the dry run could not be made: {preview['error']}")
                return preview
            time.sleep(0.3)
        raise LocalError("the dry run takes too long")

    def launch(self, campaign_id: str, preview: Json) -> None:
        """Approved as it was previewed, with what has to be acknowledged, and launched."""
        said = {"digest": preview["digest"], "acknowledgements": [need["code"] for need in preview["needs"]]}
        self.api.post(f"/campaigns/{campaign_id}/approve", said)
        self.api.post(f"/campaigns/{campaign_id}/launch", {})

    def _script(self, campaign_id: str, people: Sequence[Json]) -> None:
        """The first of those who get a text will answer STOP, the second will ask who we are."""
        page = self.api.get(f"/campaigns/{campaign_id}/preview", verdict="yes")
        phones = {lead["id"]: lead["phone"] for lead in people}
        chosen = [phones[one["leadId"]] for one in page["people"][:SCRIPTED]]
        orders = dict(zip(chosen, ("stop", "question"), strict=True))
        requests.post(f"{self.stack.sandbox_url}/sandbox/numbers", json=orders, timeout=TIMEOUT).raise_for_status()

    def wait(self, campaign_id: str, is_so: Callable[[Json], bool], what: str) -> Json:
        """The campaign with its counters once it is so. Raises LocalError."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            self.stack.check()
            campaign: Json = self.api.get(f"/campaigns/{campaign_id}")["campaign"]
            if campaign["status"] == "paused":
                raise LocalError(f"the campaign is paused: {campaign['reason']}")
            if is_so({**campaign, **campaign.get("counts", {})}):
                return {**campaign, **campaign.get("counts", {})}
            time.sleep(0.5)
        raise LocalError(f"{what} of the campaign takes too long")

    def set_forward(self, *, days: int = 0, hour: int = OPEN_AT) -> None:
        """Sets the campaigns' clock forward: by so many days, to that hour (UTC) of a weekday. Without days: to where
        nobody's texts of the demo before are of the last 24 hours, which would make those of today wait.
        """
        with psycopg.connect(self.stack.database_url, autocommit=True) as connection:
            _wait_for_rest(connection)
            row = connection.execute(
                "SELECT shown_at + (clock_timestamp() - real_at) * speed, EXISTS (SELECT FROM campaigns_delivery) "
                "FROM campaigns_clocksetting WHERE id = 1"
            ).fetchone()
            if row is None:
                raise LocalError("CAMPAIGN_CLOCK is not set")
            shown, now = row[0].astimezone(UTC), datetime.now(UTC)
            wanted = shown.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)
            if not days and row[1]:
                wanted += timedelta(days=2)
            elif not days and now <= shown and wanted <= shown < wanted + OPEN_FOR and shown.weekday() < SATURDAY:
                return
            while wanted <= max(shown, now) or wanted.weekday() >= SATURDAY:
                wanted += timedelta(days=1)
            connection.execute(
                "UPDATE campaigns_clocksetting SET shown_at = %s, real_at = clock_timestamp() WHERE id = 1", [wanted]
            )
        self.stack.agree_on_time()


def _is_texted(now: Json, people: int) -> bool:
    """Whether the first text is done with, and who is to answer has. Who shares an owner with a person who said STOP
    meanwhile gets none (refused, or taken back): it may be who was to answer.
    """
    kept = now["refused"] + now["cancelled"]
    return now["sent"] + kept >= people and bool(kept or (now["optedOut"] and now["replied"]))


def _wait_for_rest(connection: psycopg.Connection[Any]) -> None:
    """Until no message is on its way: one that is accepted after the clock was set would have its next step a day late.
    Raises LocalError.
    """
    moving = "SELECT EXISTS (SELECT FROM campaigns_delivery WHERE state IN ('taken', 'intended'))"
    until = time.monotonic() + SECONDS
    while (row := connection.execute(moving).fetchone()) and row[0]:
        if time.monotonic() > until:
            raise LocalError("a message is on its way for too long")
        time.sleep(0.2)


def _states() -> list[str]:
    from campaigns.setup.state_answers import STATES  # noqa: PLC0415  # needs the apps

    return sorted(STATES)


def listed(counts: Json) -> str:
    """3 no consent, 1 same owner."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) or "nobody"


def _refuse_what_is_real(stack: Stack) -> None:
    """Whoever makes up consents makes sure that no text can reach anybody."""
    for address in stack.vendor_addresses():
        if urlsplit(address).hostname not in ("127.0.0.1", "::1", "localhost"):
            raise LocalError("a vendor is not on this machine: consents are made up for made-up vendors alone")
