"""Whether a company has registered as a seller in a state, or why it need not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import User
from campaigns.models import StateAnswer
from campaigns.planning.refusals import CampaignError
from campaigns.rules.area_codes import STATES as OF_AREA_CODES
from leads.models import Seller

STATES = frozenset(OF_AREA_CODES.values())
WORDS_MAX = 300
WITH_WORDS = (StateAnswer.Answer.REGISTERED, StateAnswer.Answer.EXEMPT)  # its number, or why


class Given(NamedTuple):
    """words: its registration's number, or why it is exempt."""

    state: str
    answer: str
    words: str = ""


def answer_states(*, by: User, seller: Seller, answers: Sequence[Given]) -> list[StateAnswer]:
    """All or none. Raises CampaignError naming `answers.0.state` and the like."""
    rows: dict[str, StateAnswer] = {}
    now = timezone.now()
    for place, given in enumerate(answers):
        state, words = given.state.strip().upper(), given.words.strip()
        if state not in STATES:
            raise _bad(place, "state", "There is no such state: two letters, such as TX.")
        if state in rows:
            raise _bad(place, "state", "Answer each state once.")
        if given.answer not in StateAnswer.Answer.values:
            raise _bad(place, "answer", f"The answer is one of {', '.join(StateAnswer.Answer.values)}.")
        if given.answer in WITH_WORDS and not words:
            raise _bad(place, "words", "Say the registration's number, or why the company is exempt.")
        if len(words) > WORDS_MAX or "\x00" in words:
            raise _bad(place, "words", f"At most {WORDS_MAX} characters.")
        rows[state] = StateAnswer(
            seller=seller, state=state, answer=given.answer, words=words, by_id=by.pk, updated_at=now
        )
    with transaction.atomic():
        StateAnswer.objects.bulk_create(
            [rows[state] for state in sorted(rows)],
            update_conflicts=True,
            unique_fields=["seller", "state"],
            update_fields=["answer", "words", "by_id", "updated_at"],
        )
        if rows:
            after = {state: str(row.answer) for state, row in sorted(rows.items())}
            record("states.answered", by=by, team_id=seller.team_id, about=seller, name=seller.company, after=after)
    return list(StateAnswer.objects.filter(seller=seller).order_by("state"))


def _bad(place: int, name: str, words: str) -> CampaignError:
    return CampaignError("INVALID", words, f"answers.{place}.{name}")
