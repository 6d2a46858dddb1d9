"""May a guest who has just asked for an appointment be written to about it? They asked: consent, hours and caps do not
matter; who has opted out, is suppressed or forgotten gets nothing, whoever typed their address.
"""

from __future__ import annotations

from campaigns import clock
from campaigns.gate import receipts
from campaigns.gate.facts import Contact, facts_of_persons, persons_of
from campaigns.gate.rule_rows import load_rules
from campaigns.rules.decide import decide
from campaigns.rules.facts import Decision
from leads.permission.selling import active_seller

_COUNT = frozenset({"address_missing", "bad_email", "erased", "suppressed", "litigator"})


def may_mail(email: str, *, team_id: int) -> bool:
    """Whether this e-mail may get the confirmation or invitation it was given for. The receipt says which rules were
    asked; it is written in the caller's transaction.
    """
    contact, moment = Contact(None, None, email, "email"), clock.now()
    known = persons_of([contact])
    (facts,) = facts_of_persons([contact], known, team_id=team_id, by=None, seller=active_seller(team_id), at=moment)
    asked = tuple(one for one in decide(facts, load_rules(), moment, "manual").answers if one.code in _COUNT)
    refused = [one.code for one in asked if one.verdict != "yes"]
    decision = Decision("no" if refused else "yes", refused[0] if refused else "", None, asked)
    receipts.write(
        [receipts.Answered(contact, decision, known[0].digest)], team_id=team_id, purpose="confirm", at=moment, by=None
    )
    return not refused
