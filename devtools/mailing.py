"""A small campaign of two e-mails at the end of the demo, over the HTTP API: to the made-up mail server alone, which
keeps them and delivers none. One owner unsubscribes, one clicks, one answers, one address does not exist, a scanner
opens everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import requests

from devtools.job import TIMEOUT, Json
from devtools.process import LocalError
from devtools.texting import LATER, OVER, Texting, listed

ADDRESS = "jane@mail.example.com"  # the made-up name server says that all is right with its domain
PEOPLE = 12
SCRIPTS = ("unsubscribe", "visit", "reply", "bounce", "scan")  # of the first who get one, in this order
LINK = "https://demo-homes.example/offer"  # nobody follows it
FOOT = "{{companyName}}, {{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
TEMPLATES = {
    "Demo e-mail: first": (
        "{{address|Your house}}",
        f"Hi {{{{firstName|there}}}},\n\nwould you sell {{{{address|your house}}}}? How we buy: {LINK}\n\n{FOOT}",
    ),
    "Demo e-mail: second": (
        "Re-reading my note about {{address|your house}}",
        f"Hi {{{{firstName|there}}}},\n\nstill happy to talk about {{{{address|your house}}}}: {LINK}\n\n{FOOT}",
    ),
}
COUNTED: Final = {
    "sent": "sent", "bounced": "bounced", "clicked": "humanClicks", "replied": "replied", "unsubscribed": "optedOut",
}  # fmt: skip


class Mailing:
    """After the texts, by the same company and the same clock."""

    def __init__(self, *, texting: Texting) -> None:
        self.texting, self.api, self.stack = texting, texting.api, texting.stack

    def run(self, say: Callable[[str, str], None]) -> Json:
        """Returns sent, bounced, clicked, replied, unsubscribed, and taken: what the made-up mail server has of it."""
        people = self._people()
        if len(people) < len(SCRIPTS):
            say("E-mails", "nobody is left to write to: the leads of this bucket were contacted by the demos before")
            return {**dict.fromkeys(COUNTED, 0), "taken": 0}
        self.texting.set_up()
        sender = self._sender()
        say("Sender", f"{ADDRESS}: SPF, DKIM and DMARC are right, says the made-up name server")
        self.texting.set_forward()
        campaign = self._campaign([lead["id"] for lead in people], sender)
        preview = self.texting.dry_run(campaign["id"])
        left_out = {name: count for name, count in sorted(preview["leftOut"].items()) if count}
        say("Dry run", f"{preview['people']} of {len(people)} people would get e-mails; left out: {listed(left_out)}")
        addresses = self._script(campaign["id"], people)
        self.texting.launch(campaign["id"], preview)
        self.texting.wait(campaign["id"], lambda now: now["status"] in OVER or _is_answered(now), "the first e-mail")
        self.texting.set_forward(days=1, hour=LATER)  # the second leaves a business day after the first
        over = self.texting.wait(campaign["id"], lambda now: now["status"] in OVER, "the second e-mail")
        counts = {name: over[key] for name, key in COUNTED.items()}
        taken = self._taken(addresses)
        came = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "sent")
        say("E-mails", f"{counts['sent']} sent, the made-up mail server took {taken}; {came}")
        return {**counts, "taken": taken}

    def _people(self) -> list[Json]:
        """New leads with an e-mail address: no two with one."""
        found: dict[str, Json] = {}
        asked: dict[str, str | int] = {
            "bucketId": self.texting.bucket_id,
            "limit": 500,
            "hasEmail": "true",
            "status": "new",
        }
        for lead in self.api.get("/property/bucket/leads", **asked)["leads"]:
            if not lead.get("litigator"):
                found.setdefault(lead["email"], lead)
        return list(found.values())[:PEOPLE]

    def _sender(self) -> str:
        """The id of our address, its domain checked."""
        known = [one for one in self.api.get("/mail-senders")["mailSenders"] if one["retiredAt"] is None]
        mine = [one for one in known if one["address"] == ADDRESS]
        if not mine:
            asked = {"name": "Jane of Demo Homes", "address": ADDRESS, "dkimSelector": "s1"}
            mine = [self.api.post("/mail-senders", asked)["mailSender"]]
        checked = self.api.post(f"/mail-senders/{mine[0]['id']}/check", {})["mailSender"]
        if checked["lack"]:
            raise LocalError(f"{ADDRESS} may not send: {checked['lack']}")
        return str(checked["id"])

    def _campaign(self, lead_ids: Sequence[str], sender: str) -> Json:
        known = {one["name"]: one["id"] for one in self.api.get("/templates", limit=500)["templates"]}
        ids = []
        for name, (subject, text) in TEMPLATES.items():
            asked = {"name": name, "channel": "email", "subject": subject, "text": text}
            ids.append(known.get(name) or self.api.post("/templates", asked)["template"]["id"])
        second = {"channel": "email", "templateId": ids[1], "delayAmount": 1, "delayUnit": "business_days"}
        made: Json = self.api.post("/campaigns", {
            "name": f"Demo e-mails {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            "leadIds": list(lead_ids), "mailSenderId": sender, "trackOpens": True, "trackClicks": True,
            "steps": [{"channel": "email", "templateId": ids[0]}, second],
        })["campaign"]  # fmt: skip
        return made

    def _script(self, campaign_id: str, people: Sequence[Json]) -> list[str]:
        """What becomes of the first e-mails. Returns who gets one."""
        page = self.api.get(f"/campaigns/{campaign_id}/preview", verdict="yes")
        known = {lead["id"]: lead["email"] for lead in people}
        addresses = [known[one["leadId"]] for one in page["people"]]
        orders = dict(zip(addresses, SCRIPTS, strict=False))
        requests.post(f"{self.stack.sandbox_url}/sandbox/mailboxes", json=orders, timeout=TIMEOUT).raise_for_status()
        return addresses

    def _taken(self, addresses: Sequence[str]) -> int:
        """E-mails to these people that the made-up mail server has. Raises LocalError where one was sent twice."""
        log = requests.get(f"{self.stack.sandbox_url}/__mail", params={"to": addresses}, timeout=TIMEOUT).json()
        twice = [one for one, times in Counter(log["hitsByMessageId"]).items() if times > 1]
        if twice:
            raise LocalError(f"{len(twice)} e-mails were sent twice")
        return len(log["hits"])


def _is_answered(now: Json) -> bool:
    """Whether the first e-mails have left, and what was to come of them has."""
    return now["sent"] + now["refused"] + now["cancelled"] >= now["members"] and all(
        now[name] for name in ("bounced", "humanClicks", "replied", "optedOut")
    )
