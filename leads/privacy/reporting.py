"""Everything known of one person: for her, when she asks. With contacts, so superusers and managers alone.

Each place of the list that forgetting walks (`leads.privacy.places`) is told, and who was shown her, and who must not
contact her.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Q

from accounts.access import Access, Scope
from accounts.actions import ACTIONS, CONTACTS
from accounts.audit import record
from accounts.models import AuditEvent, Invitation, Team, User
from common.db.clock import database_now
from integrations.models import Lookup
from leads.keys.owner_keys import EMAIL
from leads.models import Activity, Consent, EvidenceText, Lead, Suppression
from leads.privacy.filtering import digests_of
from leads.privacy.finding import EVERYWHERE, FACTS, Asked, Reach, find
from leads.privacy.person import values_of
from leads.privacy.places import tellers
from leads.privacy.telling import MOST, SECONDS, Look, Told, in_texts
from leads.privacy.texts import json_with

MOST_RECORDS = 1_000  # of leads and of purchased answers in one report: whoever has more is a company
LEADS, PURCHASED = "leads", "purchased data"


class MayNotReport(PermissionError):
    """A report has contacts: superusers get it, and a manager of her own team's leads."""


def may_report(access: Access) -> bool:
    return access.user.is_superuser or (access.can(Scope.MANAGE) and access.can(Scope.CONTACTS))


def own_reach(access: Access) -> Reach | None:
    """What somebody may be told of: a superuser of everything, a manager of her team; None: of nothing."""
    if access.user.is_superuser:
        return EVERYWHERE
    return access.team_id if may_report(access) else None


def person_report(
    *, access: Access, asked: Asked, within: Reach | None, seconds: float | None = SECONDS
) -> dict[str, Any]:
    """Leads with their activities, and what else the team's places hold; EVERYWHERE the installation's too.

    within: `own_reach`, or one team of it. seconds: for each place that has no index; those that had more rows are in
    `notSearched`; None: to the end, which is a command's. The audit keeps that it was made and how much it held.
    Raises MayNotReport.
    """
    _refuse(access, within)
    assert within is not None
    found = find(asked, within=within)
    look = Look(found, within, seconds)
    record(
        "person.reported", by=access.user, team_id=None if within is EVERYWHERE else within,
        after={"leads": len(found.leads), "lookups": len(found.lookups)},
    )  # fmt: skip
    told, cut, left_out = {}, [], 0
    for place, tell in tellers().items():
        if isinstance(tell, str):
            continue
        look.begin()
        most = MOST_RECORDS if place in (LEADS, PURCHASED) else MOST
        rows = list(islice(tell(look), most + 1))
        if len(rows) > most or look.is_cut:
            cut.append(place)
        told[place] = rows[:most]
    for place, known in ((LEADS, found.leads), (PURCHASED, found.lookups)):
        left_out += max(0, len(known) - len(told[place]))
    teams = {one.team_id for rows in told.values() for one in rows if one.team_id is not None}
    names: dict[int | None, str] = dict(Team.objects.filter(pk__in=teams).values_list("pk", "name"))
    return {
        "madeAt": database_now(),
        "leads": [{**one.data, "team": names.get(one.team_id)} for one in told.pop(LEADS)],
        "purchasedData": [one.data for one in told.pop(PURCHASED)],
        "more": {
            place: [{"what": one.what, "team": names.get(one.team_id), "at": one.at, "data": one.data} for one in rows]
            for place, rows in told.items() if rows
        },
        "leftOut": left_out,
        "notSearched": cut,
    }  # fmt: skip


def _refuse(access: Access, within: Reach | None) -> None:
    user = access.user
    if user.is_active and user.is_superuser and within is not None:
        return
    if not may_report(access) or within is None or within is EVERYWHERE or within != access.team_id:
        raise MayNotReport("Only superusers, and managers for their own team, can report on a person.")


# --- What is told of leads, purchased data, people -------------------------------------------------------------------

_LEAD = ("team_id", "bucket__name", "created_at", "source", *FACTS)


def leads(look: Look) -> Iterator[Told]:
    """Those that the keys know, then others whose file's own columns hold her."""
    ids = list(look.found.leads)[:MOST_RECORDS]
    rows = list(Lead.every.filter(pk__in=ids).order_by("pk").values_list("pk", *_LEAD))
    yield from _leads(rows)
    for row in look.through(look.of_team(Lead.every.all(), "team_id"), *_LEAD):
        if row[0] not in look.found.leads and look.her.among(values_of(_facts(row))):
            yield from _leads([row])


def _facts(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(FACTS, row[-len(FACTS) :], strict=True))


def _leads(rows: list[tuple[Any, ...]]) -> Iterator[Told]:
    notes: dict[Any, list[dict[str, Any]]] = {}
    for one in Activity.objects.filter(lead__in=[row[0] for row in rows]).order_by("pk"):
        notes.setdefault(one.lead_id, []).append({"at": one.created_at, "type": one.kind, "notes": one.text})
    for row in rows:
        pk, team_id, bucket, created_at, source = row[:5]
        data = {
            "leadId": pk, "team": "", "bucket": bucket, "savedAt": created_at, "source": source,
            "data": _told(_facts(row)), "activities": notes.get(pk, []),
        }  # fmt: skip
        yield Told("Lead", data, created_at, team_id)


def purchased(look: Look) -> Iterator[Told]:
    """Answers that the indexes know, then others, rows of searches among them: hers alone."""
    if not look.is_everywhere:
        return
    columns = ("operation__vendor", "operation__name", "fetched_at", "facts")
    known = Lookup.objects.filter(pk__in=look.found.lookups).order_by("pk")
    for row in known.values_list("pk", *columns)[:MOST_RECORDS]:
        yield _purchased(row, row[4] or {})
    for row in look.through(Lookup.objects.filter(facts__isnull=False), *columns):
        facts = row[4] or {}
        rows = [one for one in facts.get("rows") or () if isinstance(one, dict) and look.her.among(values_of(one))]
        if row[0] not in look.found.lookups and (rows or look.her.among(values_of(facts))):
            yield _purchased(row, {"rows": rows} if rows else facts)
        elif row[0] not in look.found.lookups and look.holds(facts):
            yield _purchased(row, {"content": json_with(facts, look.her.among)})


def _purchased(row: tuple[Any, ...], facts: Mapping[str, Any]) -> Told:
    _, vendor, operation, fetched_at, _ = row
    data = {"vendor": vendor, "operation": operation, "purchasedAt": fetched_at, "data": _told(facts)}
    return Told("Purchased", data, fetched_at)


_mentions = in_texts(Activity, ("text",), what="Activity of another lead", team="lead__team", beside=("lead", "kind"))


def activities(look: Look) -> Iterable[Told]:
    """Those of other leads that mention her: her own stand with the leads."""
    return (one for one in _mentions(look) if one.data["lead"] not in look.found.leads)


def users(look: Look) -> Iterator[Told]:
    """Somebody who works here, or was invited to."""
    emails = [value for kind, value in look.found.values if kind == EMAIL]
    if not look.is_everywhere or not emails:
        return
    asked = Q()
    for email in emails:
        asked |= Q(email__iexact=email)
    for user in User.objects.filter(asked).order_by("pk"):
        data = {"user": user.get_username(), "name": user.get_full_name(), "email": user.email}
        yield Told("User", data, user.date_joined)
    for one in Invitation.objects.filter(asked).order_by("pk"):
        yield Told("Invitation", {"email": one.email, "role": one.role}, one.created_at, one.team_id)


def suppressions(look: Look) -> Iterator[Told]:
    """Why nobody contacts her. The installation's, so not told of a single team."""
    if not look.is_everywhere:
        return
    digests = digests_of(look.found.values)
    by_index = {"kind__in": {kind for kind, _ in digests}, "digest__in": [one for _, one in digests]}
    rows = list(Suppression.objects.filter(**by_index).order_by("-pk"))
    words = dict(EvidenceText.objects.filter(parent__in=[row.pk for row in rows]).values_list("parent", "text"))
    for row in rows:
        if (row.kind, bytes(row.digest)) in digests:
            data = {"reason": row.get_reason_display(), "channel": row.get_scope_display(), "words": words.get(row.pk),
                    "source": row.source, "until": row.expires_at}  # fmt: skip
            yield Told("Not contacted", _told(data), row.created_at)


def evidence(look: Look) -> Iterator[Told]:
    """What they allowed to whom, with the words they were shown: of a company of the team."""
    digests = digests_of(look.found.values)
    by_index = {"key_kind__in": {kind for kind, _ in digests}, "digest__in": [one for _, one in digests]}
    rows = list(
        look.of_team(Consent.objects.filter(**by_index), "seller__team").select_related("seller").order_by("-pk")
    )
    texts = EvidenceText.objects.in_bulk([row.pk for row in rows])
    for row in rows:
        if (row.key_kind, bytes(row.digest)) in digests:
            said = texts.get(row.pk)
            data = {
                "kind": row.get_kind_display(), "channel": row.get_channel_display(), "company": str(row.seller),
                "givenAt": row.given_at, "how": row.get_how_display(), "where": row.source_url,
                "words": said and said.text, "address": said and said.ip, "until": row.expires_at,
            }  # fmt: skip
            yield Told("Consent", _told(data), row.created_at, row.seller.team_id)


def shown(look: Look) -> Iterator[Told]:
    """Who was shown her: her leads, and lists and exports of their buckets, which may have had others alone."""
    leads = list(look.found.leads)[:MOST_RECORDS]
    buckets = set(Lead.every.filter(pk__in=leads).order_by().values_list("bucket_id", flat=True))
    ids = map(str, leads)
    about = {("lead", one) for one in ids} | {("bucket", str(one)) for one in buckets}
    rows = AuditEvent.objects.filter(action__in=CONTACTS, object_id__in=[one for _, one in about])
    for event in rows.order_by("-pk")[: MOST + 1]:
        if (event.kind, event.object_id) in about:
            what = "Their own lead" if event.kind == "lead" else "A list or an export of their bucket"
            data = {"user": event.user_name, "what": ACTIONS[event.action], event.kind: event.object_id}
            yield Told(what, {**data, **(event.after or {})}, event.at, event.team_id)


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


# --- To read ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A lead, a purchased answer, or a row of another place, to read."""

    title: str
    values: list[tuple[str, str]]
    notes: list[tuple[Any, str, str]]  # when, activity type, text
    at: Any = None


def parts(report: dict[str, Any]) -> list[Part]:
    """The same to read."""
    kinds = dict(Activity.Kind.choices)
    leads = [
        Part(
            f"{lead['team']}, {lead['bucket']}: lead {lead['leadId']}",
            _readable(lead["data"]),
            [(one["at"], str(kinds[one["type"]]), one["notes"]) for one in lead["activities"] if one["notes"]],
        )
        for lead in report["leads"]
    ]
    bought = [
        Part(f"Purchased from {one['vendor']} ({_words(one['operation']).lower()})", _readable(one["data"]), [])
        for one in report["purchasedData"]
    ]
    more = [
        Part(", ".join(filter(None, (one["team"], _words(place)))) + f": {one['what'][:1].lower()}{one['what'][1:]}",
             _readable(one["data"]), [], one["at"])
        for place, rows in report["more"].items() for one in rows
    ]  # fmt: skip
    return leads + bought + more


def unsearched(report: dict[str, Any]) -> str:
    """What was not looked through to its end, in words; empty: everything was."""
    if not report["notSearched"]:
        return ""
    names = ", ".join(report["notSearched"])
    return f"Not looked through to the end: {names}. The command person_report looks through everything."


def in_lines(report: dict[str, Any]) -> list[str]:
    lines = []
    for part in parts(report):
        lines.append(f"{part.title} ({part.at:%Y-%m-%d})" if part.at else part.title)
        lines += [f"  {name}: {value}" for name, value in part.values]
        lines += [f"  {kind}: {text}" for _, kind, text in part.notes]
    return lines or ["Nothing is known of this person."]


def _readable(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_words(name), _value(value)) for name, value in data.items()]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dict):
        return "; ".join(f"{_words(str(name))}: {_value(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_value(inner) for inner in value)
    return str(value)


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").capitalize()
