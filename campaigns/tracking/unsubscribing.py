"""The way out of e-mails: one press, and no more e-mail goes to that address."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from campaigns import clock
from campaigns.models import Delivery
from campaigns.sending import marks
from campaigns.tracking.tokens import WayOut
from leads.models import ContactKey, Suppression
from leads.permission.suppressing import Source, suppress_keys

WORDS = "Pressed Unsubscribe"


@dataclass(frozen=True, slots=True)
class Whose:
    """company: who writes, as its recipients know it; '': no longer known. address: p…@example.com; '': forgotten."""

    company: str
    address: str


def whose(way: WayOut) -> Whose:
    """What the page says. It acts on nothing."""
    rows = Delivery.objects.filter(pk=way.delivery_id).select_related("mail_sender__seller", "campaign__seller")
    row = rows.only("mail_sender__seller__trade_name", "mail_sender__seller__legal_name",
                    "campaign__seller__trade_name", "campaign__seller__legal_name").first()  # fmt: skip
    seller = None
    if row is not None:
        of_campaign = row.campaign.seller if row.campaign is not None else None
        seller = row.mail_sender.seller if row.mail_sender is not None else of_campaign
    hint = ContactKey.objects.filter(pk=way.key_id).values_list("hint", flat=True).first()
    return Whose(seller.company if seller else "", hint or "")


@transaction.atomic
def unsubscribe(way: WayOut) -> bool:
    """No more e-mail to this address, from anybody here: it is suppressed, and who is in a campaign by it gets no more
    of its e-mails. Once or many times, and when the message, its person or campaign is gone. Returns whether it is new.
    """
    done = suppress_keys(
        [way.key_id], reason=Suppression.Reason.ONE_CLICK, scope=Suppression.Scope.EMAIL,
        source=Source.delivery(way.delivery_id), words=WORDS, team_id=_team(way),
    )  # fmt: skip
    marks.opted_out(way.delivery_id, clock.now())
    return bool(done.added)


def _team(way: WayOut) -> int | None:
    return Delivery.objects.filter(pk=way.delivery_id).values_list("team_id", flat=True).first()
