"""The audit's one writer. Services call it in the transaction of what they do: no deed without its event.

`accounts.actions` names the events, docs/audit.md their fields.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from accounts.actions import ACTIONS
from accounts.models import AuditEvent, User
from accounts.origin import Origin, origin
from common.contact_access import masked_text
from common.db.direct import insert

About = Model | tuple[str, object]  # a row, or its kind and id
USERS = ("user", "membership", "invitation")  # kinds whose name is a user's own, which may be an address
_AMOUNT = re.compile(r"-?\d+\.\d+")  # 900.0000 is money, and no phone
lines = logging.getLogger("audit")  # settings.AUDIT_LOG says where they go


def record(
    action: str,
    *,
    by: User | None,
    team_id: int | None = None,
    about: About | None = None,
    name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    came: Origin | None = None,
) -> None:
    """Writes down that somebody did something.

    action: one of ACTIONS. by: None where a worker did it; nobody is written down for a
    command that named nobody. about: what it was done to, known by its id and name alone.
    before, after: ids, field names, counts and other values that are nobody's personal data; never a contact, never a
    note's text, never what somebody searched for. Phones and e-mails that somebody typed into a name or a reason are
    masked here. came: where from, if not from the request that is being answered.
    """
    assert action in ACTIONS, f"{action} is no event of accounts.actions"
    where = came or origin.get()
    by = None if where.unnamed else by
    kind, object_id = _named(about)
    event = AuditEvent(
        at=timezone.now(),
        team_id=team_id,
        user_id=by.pk if by else None,
        user_name=by.get_username() if by else "",
        token_key=where.token_key,
        address=where.address or None,
        request_id=where.request_id,
        action=action,
        kind=kind,
        object_id=object_id,
        object_name=(name if kind in USERS or action.startswith("signin.") else masked_text(name))[:200],
        before=_plain(before),
        after=_plain(after),
    )
    insert(event)
    if lines.isEnabledFor(logging.INFO):
        line = line_of(event)
        transaction.on_commit(lambda: lines.info("%s", line), robust=True)  # a full disk undoes no deed


def _named(about: About | None) -> tuple[str, str]:
    if about is None:
        return "", ""
    if isinstance(about, Model):
        return about._meta.model_name or "", str(about.pk)
    kind, object_id = about
    return kind, str(object_id)


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As JSON holds it: money, ids and times as text."""
    if values is None:
        return None
    plain: dict[str, Any] = _without_contacts(json.loads(json.dumps(dict(values), cls=DjangoJSONEncoder)))
    return plain


def _without_contacts(value: Any) -> Any:
    if isinstance(value, str):
        return value if _AMOUNT.fullmatch(value) else masked_text(value)
    if isinstance(value, list):
        return [_without_contacts(one) for one in value]
    return {name: _without_contacts(one) for name, one in value.items()} if isinstance(value, dict) else value


def values_of(event: AuditEvent) -> dict[str, Any]:
    """An event as programs read it: names as in the API, times in UTC."""
    return {
        "id": str(event.pk),
        "at": event.at,
        "action": event.action,
        "teamId": event.team_id,
        "userId": event.user_id,
        "userName": event.user_name,
        "tokenKey": event.token_key,
        "address": event.address,
        "requestId": event.request_id,
        "kind": event.kind,
        "objectId": event.object_id,
        "objectName": event.object_name,
        "before": event.before,
        "after": event.after,
    }


def line_of(event: AuditEvent) -> str:
    """An event as one line of JSON, for a log collector."""
    return json.dumps(values_of(event), cls=DjangoJSONEncoder, ensure_ascii=False)


def make_months() -> int:
    """Makes the partitions of this month and the next three; returns how many are new.

    Rows that came while their month was missing are in the DEFAULT partition, and are moved into it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_audit_months()")
        return int(cursor.fetchone()[0])
