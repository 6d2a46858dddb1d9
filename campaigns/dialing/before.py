"""What comes before a caller's next lead: one that is hers, a call whose end she has not said, an outcome to write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, IntegerField, Q, When

from accounts.access import Access
from accounts.models import Membership
from campaigns.gate.rule_rows import DIGEST
from campaigns.models import CallAttempt
from campaigns.planning.refusals import CampaignError

# A vendor's call that certainly never rang the lead's phone: no attempt (`gate.people.REACHED` says the same in SQL).
# One in doubt may have rung, whoever ended it.
UNTOLD = ("", "in_doubt")  # errors that say nothing of it
NEVER_RANG = Q(state=CallAttempt.State.ENDED, vendor_id__isnull=True) & ~Q(mode=CallAttempt.Mode.TEL)
NEVER_RANG &= ~Q(error__in=UNTOLD)
_NOT_LOST = ~Q(state=CallAttempt.State.IN_DOUBT) | Q(ended_at__isnull=True)
# Whose end its caller must say before her next lead: open ones, one of which nobody knows whether the vendor placed it
# too, and ended ones; not one that was lost with its page, and ended by the reaper, nor one that never rang: that lead
# is still before her, and may be called again.
OWED = _NOT_LOST & ~NEVER_RANG


def never_rang(attempt: CallAttempt) -> bool:
    """NEVER_RANG of a row that was read."""
    is_over = attempt.state == CallAttempt.State.ENDED and attempt.vendor_id is None
    return is_over and attempt.mode != CallAttempt.Mode.TEL and attempt.error not in UNTOLD


@dataclass(frozen=True, slots=True)
class Standing:
    """real: the database's clock. May she have a lead before her, of any team; a call whose end is not said, a lost one
    too; an outcome of hers to write down (`suppressing.write_due`)? rules: the rule table's digest.
    """

    real: datetime
    has_lead: bool
    has_unsaid: bool
    has_due: bool
    rules: str


def standing_of(user_id: int) -> Standing:
    """One statement, so that each of the three is only looked at closely where there is one."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT clock_timestamp(), EXISTS (SELECT FROM campaigns_member WHERE taken_by_id = %(me)s),
                   EXISTS (SELECT FROM campaigns_callattempt WHERE by_id = %(me)s AND disposition_id IS NULL),
                   EXISTS (SELECT FROM campaigns_callattempt
                            WHERE by_id = %(me)s AND suppress_at <= clock_timestamp() AND suppressed_at IS NULL),
                   {DIGEST}
            """,  # noqa: S608  # a constant
            {"me": user_id},
        )
        row: Any = cursor.fetchone()
    return Standing(*row)


def check_disposed(access: Access) -> None:
    """Raises CampaignError CALL_OPEN where she has not said how a call of hers ended."""
    if (open_call := undisposed(access)) is not None:
        words = "Say how your last call ended first."
        if open_call.team_id != access.team_id:
            words = f"Say how your last call ended first: you made it for {open_call.team.name}. Switch to that team."
        more = {"attemptId": str(open_call.pk), "leadId": str(open_call.lead_id) if open_call.lead_id else None}
        raise CampaignError("CALL_OPEN", words, more=more)


def undisposed(access: Access) -> CallAttempt | None:
    """Her call that is open, or ended without a word of how; this team's first. One that was lost with her page is not
    waited for, nor one that never rang, nor one of a team that she left: there she can say nothing any more.
    """
    teams = Membership.objects.filter(user=access.user).values("team")
    rows = CallAttempt.objects.filter(OWED, by=access.user, disposition__isnull=True)
    rows = rows.filter(Q(team=access.team_id) | Q(team__in=teams)).select_related("team")
    here = Case(When(team=access.team_id, then=0), default=1, output_field=IntegerField())
    return rows.order_by(here, "-started_at").first()
