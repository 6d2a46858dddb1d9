"""What a step asks of what a person has done since: for whom it does not hold, that step is over. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from campaigns.models import Campaign, Delivery, Member, Step
from campaigns.sending.people import Ending
from campaigns.sending.stopping import CLICKED

NO_REPLY, NO_CLICK = "no_reply", "no_human_click"


def endings(campaign: Campaign, steps: Mapping[int, Step], members: Sequence[Member], at: datetime) -> list[Ending]:
    """Of these members, each at a step that is due: whose step ends without a message.

    no_reply: they have written since the first message; no_human_click: a person clicked a link of one. Where the
    campaign ends on a click, they stop. A reply has stopped whose campaign ends on that (`stopping.on_reply`).
    """
    later = [one for one in members if one.step > 1 and one.step in steps]
    ends = "click" in campaign.stop_on
    asking = [one.pk for one in later if ends or steps[one.step].condition == NO_CLICK]
    clicked = _clicked(asking) if asking else set()
    asking = [one.pk for one in later if steps[one.step].condition == NO_REPLY]
    replied = _replied(asking) if asking and "reply" not in campaign.stop_on else set()
    found = []
    for one in later:
        if one.pk in clicked and ends:
            found.append(Ending(one.pk, one.step, at, CLICKED))
        elif one.pk in replied or (one.pk in clicked and steps[one.step].condition == NO_CLICK):
            found.append(Ending(one.pk, one.step, at))
    return found


def _clicked(member_ids: Collection[UUID]) -> set[UUID | None]:
    rows = Delivery.objects.filter(member__in=member_ids, clicked_at__isnull=False)
    return set(rows.values_list("member_id", flat=True))


def _replied(member_ids: Collection[UUID]) -> set[UUID | None]:
    """Who has written from any of their lead's numbers or addresses, since the first message left."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH mine AS MATERIALIZED (
                 SELECT m.id, m.lead_id, m.key_id, m.mail_key_id,
                        (SELECT min(d.intended_at) FROM campaigns_delivery d WHERE d.member_id = m.id) AS since
                   FROM campaigns_member m WHERE m.id = ANY(%s)),
                 hers AS (
                 SELECT id, since, key_id FROM mine
                 UNION SELECT id, since, mail_key_id FROM mine
                 UNION SELECT mine.id, since, k.key_id FROM mine
                         JOIN leads_lead l ON l.id = mine.lead_id
                         JOIN leads_leadkey k ON k.lead_id = coalesce(l.merged_into_id, l.id)
                         JOIN leads_contactkey c ON c.id = k.key_id AND NOT c.crowded)
            SELECT DISTINCT h.id FROM hers h
              JOIN campaigns_incomingmessage i ON i.key_id = h.key_id
             WHERE i.meaning = 'reply' AND i.received_at >= h.since
            """,
            [list(member_ids)],
        )
        return {row[0] for row in cursor.fetchall()}
