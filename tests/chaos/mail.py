"""E-mails and a text between them, while workers die: what the made-up mail server took is what we say was sent, none
of it twice, and whatever comes back has its one effect.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import requests
from django.db import transaction

from campaigns.models import Campaign, Delivery, Inbound, IncomingMessage
from campaigns.running.counting import recount
from campaigns.sending.doubts import NotInDoubt, resolve
from integrations.ledger.persistence import persist
from leads.facts.saving import CONTACT, FactRow, save_facts
from leads.models import Suppression
from tests.campaigns.sending import world
from tests.chaos.dry_runs import advance, waits
from tests.chaos.messages import company, hits_of
from tests.chaos.people import Person
from tests.chaos.place import Broken, Place, Setting

SPEED = 20
SETTING = Setting(
    environment={
        "SMS_VENDOR": "twilio", "CAMPAIGN_CLOCK": f"{world.NOON:%Y-%m-%dT%H:%MZ}/{SPEED}", "PACE_SMS": "12000",
        "PACE_EMAIL": "12000",
    }
)  # fmt: skip
# What becomes of her e-mail, by a person's place among fifty; all others get theirs in silence.
SCRIPTS = {
    0: "bounce", 1: "full", 2: "complaint", 3: "away", 4: "scan", 5: "reply", 6: "unsubscribe", 7: "visit", 8: "550",
    9: "greylist", 10: "cut-after-dot", 11: "forged", 12: "stop", 13: "blocked", 14: "away", 15: "scan", 16: "copy",
}  # fmt: skip
STOPS = (20, 21, 22)  # who answer the text with STOP
FIFTY = 50
# E-mails and texts that leave to her, and what is noted of an e-mail (None: not looked at).
EFFECTS: Mapping[str, tuple[int, int, str | None]] = {
    **dict.fromkeys(("", "away", "scan", "greylist", "cut-after-dot", "forged", "copy"), (2, 1, "")),
    **dict.fromkeys(("full", "blocked"), (2, 1, "bounced_at")),
    "bounce": (1, 1, "bounced_at"), "550": (1, 1, "bounced_at"), "unsubscribe": (1, 1, "opted_out_at"),
    "visit": (2, 1, "clicked_at"), "complaint": (1, 0, None), "reply": (1, 0, "replied_at"), "stop": (1, 0, None),
}  # fmt: skip
MARKS = ("bounced_at", "complained_at", "clicked_at", "replied_at", "opted_out_at")
FOOT = "{{companyName}}, {{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
MAIL = "Hi {{firstName}},\n\nabout {{address|your house}}: https://acme.example/offer\n\n" + FOOT
PATIENCE = 3_600.0
QUIET_S = 3.0  # nothing was owed for so long: posts that are on their way arrive
State = Delivery.State


@dataclass(frozen=True, slots=True)
class Owner:
    """A person, what is written of her in the mail server's book, and whether she answers a text with STOP."""

    lead_id: UUID
    email: str
    phone: str
    script: str
    stops: bool


def sequences(place: Place) -> Sequence[str]:
    """E-mail, text, e-mail to 2,000 people, with bounces, complaints, absences, scanners, opt-outs by every way."""
    count, times = place.size(2_000, 150), place.size(10, 3)
    with company(place, world.NOON, SPEED) as (ann, seller, _):
        person = place.people[-1]
        owners = _owners(place, ann, seller, count)
        campaign_id = _launched(person, owners)
        killed, paused = _run(place, person, campaign_id, 2 * count, times)
        place.until(_is_read, "what came in is read", 120)
        log = _log(place)
        doubts = persist(lambda: _decide(log))
        place.until(place.is_calm, "no request is under way", 60)
        place.until(lambda: not _in_motion(campaign_id), "what was to come of it has come", 120)
        rows = persist(lambda: list(Delivery.objects.filter(campaign=campaign_id).order_by("pk")))
        _check_log(rows, log)
        _check_texts(place, rows, owners)
        _check_people(rows, owners)
        _check_opt_outs(owners)
        if wrong := persist(lambda: recount(campaign_ids=[campaign_id], mend=False)):
            raise Broken(f"counters are not the count of the rows: {wrong}")
        states = Counter(f"{row.channel} {row.state}" for row in rows)
        return [
            f"{count} people, {dict(sorted(states.items()))}",
            f"{killed['child']} children and {killed['parent']} parents killed, {doubts} in doubt, {paused} times it "
            "paused for bounces and complaints",
            f"the mail server took {len(log)}, none twice; {persist(IncomingMessage.objects.count)} came in",
        ]


# --- Who is in it -----------------------------------------------------------------------------------------------------


def _owners(place: Place, ann: Any, seller: Any, count: int) -> list[Owner]:
    """People who allowed texts, each with an address of her own; their phones have their orders, too."""
    _, leads = persist(lambda: world.make_people(ann, seller, count))
    made = []
    for number, lead in enumerate(leads):
        script = SCRIPTS.get(number % FIFTY, "")
        email = f"{script or 'quiet'}+{number}@example.com"
        made.append(Owner(lead.pk, email, lead.phone or "", script, number % FIFTY in STOPS))
    rows = [FactRow(one.lead_id, {"email": one.email}, world.NOON - timedelta(days=4)) for one in made]
    for start in range(0, count, world.PIECE):
        persist(lambda start=start: _save(rows[start : start + world.PIECE]))  # type: ignore[misc]
    orders = {one.phone: "stop" for one in made if one.stops}
    answer = requests.post(f"{place.running.sandbox_url}/sandbox/numbers", json=orders, timeout=60)
    answer.raise_for_status()
    return made


def _save(rows: Sequence[FactRow]) -> None:
    with transaction.atomic():
        save_facts(CONTACT, rows)


def _launched(person: Person, owners: Sequence[Owner]) -> UUID:
    """By the API, as a manager does it: an address whose domain is right, a dry run, approved by its digest."""
    asked = {"name": "Jane Agent", "address": "jane@mail.example.com", "dkimSelector": "s1"}
    sender = person.done("POST", "/mail-senders", asked).body["mailSender"]["id"]
    checked = person.done("POST", f"/mail-senders/{sender}/check", {}).body["mailSender"]
    if checked["lack"]:
        raise Broken(f"the address may not send: {checked['lack']}")
    mail = {"channel": "email", "subject": "About {{address|your house}}", "text": MAIL}
    made = {
        name: person.done("POST", "/templates", {"name": name, **parts}).body["template"]["id"]
        for name, parts in {"First": mail, "Second": mail, "Text": {"text": world.TEXT}}.items()
    }
    steps = [
        {"channel": "email", "templateId": made["First"]},
        {"channel": "sms", "templateId": made["Text"], "delayAmount": 2, "delayUnit": "hours"},
        {"channel": "email", "templateId": made["Second"], "delayAmount": 1, "delayUnit": "business_days"},
    ]
    order = {"name": "Proof", "leadIds": [str(one.lead_id) for one in owners], "steps": steps, "mailSenderId": sender,
             "trackOpens": True, "trackClicks": True}  # fmt: skip
    campaign = person.done("POST", "/campaigns", order).body["campaign"]["id"]
    preview = person.done("POST", f"/campaigns/{campaign}/preview", {}, Prefer="wait=50").body["preview"]
    if (preview["status"], preview["people"]) != ("made", len(owners)):
        raise Broken(f"the dry run is {preview['status']}: {preview['people']} people, {preview['leftOut']}")
    person.done("POST", f"/campaigns/{campaign}/approve", {"digest": preview["digest"]})
    person.done("POST", f"/campaigns/{campaign}/launch", {})
    return UUID(campaign)


# --- From the first e-mail to the last --------------------------------------------------------------------------------


def _run(place: Place, person: Person, campaign_id: UUID, messages: int, times: int) -> tuple[Counter[str], int]:
    """Until it is completed. The clock is set forward where nothing is due, and all that came in has been read. So many
    bounces and complaints pause it: she resumes it. Returns who was killed, and how often it paused.
    """
    killed: Counter[str] = Counter()
    paused: list[str] = []
    quiet_since: list[float] = []

    def is_over() -> bool:
        number = killed.total()
        left = Delivery.objects.filter(campaign=campaign_id, state__in=Delivery.LEFT).count()
        if number < times and left >= messages * (number + 1) // (times + 2):
            killed[place.kill_somebody()] += 1
            return False
        campaign = Campaign.objects.get(pk=campaign_id)
        if campaign.status == Campaign.Status.PAUSED:
            if campaign.paused_by not in (Campaign.Pause.COMPLAINTS, Campaign.Pause.ERRORS):
                raise Broken(f"the campaign is paused by {campaign.paused_by}: {campaign.reason}")
            paused.append(campaign.reason)
            person.done("POST", f"/campaigns/{campaign_id}/resume", {})
        elif not (waits(campaign_id) and _is_read() and not _owed(place)):
            quiet_since.clear()
        elif not quiet_since:
            quiet_since.append(time.monotonic())
        elif time.monotonic() - quiet_since[0] > QUIET_S:
            advance(place, campaign_id)
            quiet_since.clear()
        return campaign.status == Campaign.Status.COMPLETED

    place.until(is_over, "the campaign is completed", PATIENCE)
    if killed.total() < times:
        raise Broken(f"the campaign was over after {killed.total()} of {times} deaths")
    return killed, len(paused)


def _is_read() -> bool:
    return not Inbound.objects.filter(handled_at=None).exists()


def _owed(place: Place) -> bool:
    """Whether the made-up people have still to answer what they got: scripts run seconds after."""
    answer = requests.get(f"{place.running.sandbox_url}/__mail", timeout=60).json()
    hits = Counter(hit["to"].partition("+")[0] for hit in answer["hits"])
    said = Counter(one["from"].partition("+")[0] for one in answer["answers"])
    scripted = set(SCRIPTS.values()) - {"550", "greylist", "cut-after-dot"}
    return any(said[name] < hits[name] for name in scripted)


def _in_motion(campaign_id: UUID) -> bool:
    return Delivery.objects.filter(campaign=campaign_id, state__in=(State.DUE, State.TAKEN, State.INTENDED)).exists()


def _log(place: Place) -> list[Mapping[str, str]]:
    answer = requests.get(f"{place.running.sandbox_url}/__mail", timeout=60)
    answer.raise_for_status()
    found: list[Mapping[str, str]] = answer.json()["hits"]
    return found


def _decide(log: Sequence[Mapping[str, str]]) -> int:
    """The operator reads the mail server's log. Returns how many were in doubt."""
    taken = {hit["messageId"].strip("<>").partition("@")[0] for hit in log}
    rows = list(Delivery.objects.filter(state=State.IN_DOUBT).values_list("pk", flat=True))
    for pk in rows:
        try:
            resolve(delivery_id=pk, was_sent=str(pk) in taken, by=None)
        except NotInDoubt:
            continue
    return len(rows)


# --- What came of it --------------------------------------------------------------------------------------------------


def _check_log(rows: Sequence[Delivery], log: Sequence[Mapping[str, str]]) -> None:
    """Each e-mail that was taken is a message of ours that left, to that address, once; the others say why not."""
    taken = Counter(hit["messageId"].strip("<>").partition("@")[0] for hit in log)
    if twice := [one for one, times in taken.items() if times > 1]:
        raise Broken(f"{len(twice)} e-mails were taken more than once")
    mails = [row for row in rows if row.channel == "email"]
    sent = {str(row.pk): row for row in mails if row.state in (State.ACCEPTED, State.DELIVERED) or row.bounced_at}
    refused = {str(row.pk) for row in mails if row.bounced_at and row.accepted_at is None}  # at RCPT: never taken
    if set(taken) != set(sent) - refused:
        more, fewer = set(taken) - set(sent), set(sent) - refused - set(taken)
        raise Broken(f"the mail server has {len(more)} e-mails that we did not send, and lacks {len(fewer)}")
    wrong = [hit for hit in log if sent[hit["messageId"].strip("<>").partition("@")[0]].address != hit["to"]]
    if wrong:
        raise Broken(f"{len(wrong)} e-mails went to another address than we say")
    silent = [row for row in mails if str(row.pk) not in sent and not (row.error or row.refusal or row.resolved_by_id)]
    if silent:
        raise Broken(f"nobody says why {len(silent)} were not sent: {Counter(row.state for row in silent)}")


def _check_texts(place: Place, rows: Sequence[Delivery], owners: Sequence[Owner]) -> None:
    hits = hits_of(place, [one.phone for one in owners])
    if twice := {to: times for to, times in hits.items() if times > 1}:
        raise Broken(f"{len(twice)} people got the text more than once")
    sent = {row.address for row in rows if row.channel == "sms" and row.state in (State.ACCEPTED, State.DELIVERED)}
    if sent != set(hits):
        raise Broken(f"the vendor took {len(hits)} texts, we say {len(sent)}")


def _check_people(rows: Sequence[Delivery], owners: Sequence[Owner]) -> None:
    """What came back has its effect on who is sent what afterwards, and no other. Whose message never went out, as
    the operator found, because its worker had died, got the next ones as if it had: hers come back later.
    """
    unsent = {row.lead_id for row in rows if row.error == "not_sent"}
    of: dict[UUID, list[Delivery]] = {}
    for row in rows:
        if row.state in Delivery.LEFT and row.lead_id is not None:
            of.setdefault(row.lead_id, []).append(row)
    wrong: Counter[str] = Counter()
    for one in owners:
        if one.lead_id in unsent:
            continue
        mine = of.get(one.lead_id, [])
        sent = Counter(row.channel for row in mine)
        mails, texts, mark = EFFECTS[one.script] if not one.stops else (1, 1, "")
        if (sent["email"], sent["sms"]) != (mails, texts):
            wrong[f"{one.script or 'quiet'}: {sent['email']} e-mails, {sent['sms']} texts"] += 1
        found = {name for name in MARKS if any(getattr(row, name) for row in mine if row.channel == "email")}
        if mark is not None and found != {mark} - {""}:
            wrong[f"{one.script or 'quiet'}: {sorted(found)} is noted"] += 1
    if wrong:
        raise Broken(f"what came back had another effect: {dict(wrong)}")


def _check_opt_outs(owners: Sequence[Owner]) -> None:
    """Who may not be written to is suppressed, and nobody else."""
    found = persist(lambda: Counter(Suppression.objects.values_list("reason", flat=True)))
    scripts = Counter(one.script for one in owners)
    reasons = {
        "hard_bounce": scripts["bounce"] + scripts["550"], "complaint": scripts["complaint"],
        "one_click": scripts["unsubscribe"],
    }  # fmt: skip
    for reason, least in reasons.items():
        if found[reason] < least:
            raise Broken(f"{found[reason]} are suppressed for {reason}, of {least}")
    if found["hard_bounce"] > reasons["hard_bounce"]:
        raise Broken(f"a forged bounce counted: {dict(found)}")
