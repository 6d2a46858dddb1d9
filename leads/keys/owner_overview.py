"""Everything about one owner in one team: leads, contacts, consents, suppressions, what was done. Reads only."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Count, Max, QuerySet

from accounts.access import Access, Scope
from common.dates import iso
from leads.models import Activity, Consent, ContactKey, Lead, LeadKey

MOST = 200  # contacts and consents of one owner
_KINDS = {ContactKey.Kind.PHONE: "phone", ContactKey.Kind.EMAIL: "email"}


def leads_of_owner(key_id: int, access: Access) -> QuerySet[Lead]:
    """The leads she may see whose owner bears this key; none for one that too many owners share."""
    held = LeadKey.objects.filter(key=key_id, key__kind=ContactKey.Kind.OWNER, key__crowded=False).values("lead")
    return Lead.objects.seen_by(access).filter(pk__in=held)


def counts_of(leads: QuerySet[Lead]) -> dict[str, Any]:
    """How many leads there are by status, what was done about them by kind, and when last. Two statements."""
    ids = leads.order_by().values("pk")
    by_status = dict(leads.order_by().values_list("status").annotate(many=Count("pk")))
    done = Activity.objects.filter(lead__in=ids).values_list("kind").annotate(many=Count("pk"), last=Max("created_at"))
    rows = list(done)
    return {
        "leads": sum(by_status.values()),
        "leadsByStatus": by_status,
        "activities": sum(many for _, many, _ in rows),
        "activitiesByKind": {kind: many for kind, many, _ in rows},
        "lastActivityAt": iso(max(last for _, _, last in rows)) if rows else None,
    }


def contacts_of_owner(leads: QuerySet[Lead], *, contacts: bool) -> list[dict[str, Any]]:
    """The phones and e-mails of these leads as hints, each once, with the channels that each is suppressed for.

    None for who may not see contacts: how many numbers a person has would tell her which leads share one.
    """
    if not contacts:
        return []
    ids, params = leads.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT k.id, k.kind, k.hint, count(DISTINCT y.lead_id), k.first_at, k.last_attempt_at,
                   (SELECT array_agg(DISTINCT s.scope ORDER BY s.scope) FROM leads_suppression s
                     WHERE s.kind = k.kind AND s.digest = k.digest AND s.reason <> 'erased'
                       AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp()))
              FROM leads_leadkey y JOIN leads_contactkey k ON k.id = y.key_id
             WHERE y.lead_id IN ({ids}) AND k.kind <> 3
             GROUP BY k.id ORDER BY k.kind, min(y.position), k.id LIMIT {MOST}
            """,  # noqa: S608  # Django's own text; what a person gave is a parameter
            params,
        )
        rows = cursor.fetchall()
    return [
        {"id": key_id, "kind": _KINDS[kind], "hint": hint, "leads": many, "firstSeenAt": iso(first),
         "lastContactAt": iso(last) if last else None, "suppressedFor": scopes or []}
        for key_id, kind, hint, many, first, last, scopes in rows
    ]  # fmt: skip


def consents_of_owner(leads: QuerySet[Lead], access: Access) -> list[dict[str, Any]]:
    """Consents that this team's company has been given for these leads' numbers and addresses, the newest first.

    None for who may not see contacts, as above.
    """
    if not access.can(Scope.CONTACTS):
        return []
    keys = ContactKey.objects.filter(leads__lead__in=leads.order_by().values("pk")).exclude(kind=ContactKey.Kind.OWNER)
    found = Consent.objects.filter(seller__team=access.team_id, digest__in=keys.values("digest")).order_by("-pk")
    return [
        {"channel": one.channel, "type": one.kind, "how": one.how, "hint": one.hint, "givenAt": iso(one.given_at),
         "expiresAt": iso(one.expires_at) if one.expires_at else None}
        for one in found[:MOST]
    ]  # fmt: skip
