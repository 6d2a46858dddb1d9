"""Nobody contacts the owners of these leads any more: by the door that suppresses one (`leads.permission`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.access import Access
from leads.bulk.kinds import Arguments, Done, Kind, Work, choice_in, said, text_in
from leads.keys.owner_keys import EMAIL, OWNER, PHONE
from leads.models import EvidenceText, Lead, LeadKey, Suppression
from leads.permission.adding import REASONS, WORDS_MOST, contacts_of
from leads.permission.suppressing import Source, suppress
from leads.privacy.filtering import kept_in

NO_CONTACT = "have no phone and no e-mail"
PIECE = 500  # leads: some 2,000 keys, with those beside them, that messages wait for meanwhile
FINAL = (
    "Every phone and e-mail of these owners, on all their leads, is suppressed for everybody on this installation, for "
    "good. Nobody here can take it back: there is no undo."
)


def _read(_access: Access, given: Mapping[str, Any]) -> Arguments:
    said(given, "reason", "words")
    reason = choice_in(given, "reason", list(REASONS), Suppression.Reason.OPERATOR)
    words = text_in(given, "words", WORDS_MOST, needed=False)
    return {"reason": reason, "words": kept_in(EvidenceText(), "text", words)}


def _do(work: Work) -> Done:
    """As "Everything of this owner" on a lead's page, of each. A piece that is done again, as its worker was killed
    before it had counted, names the same source: it adds nothing.
    """
    found = {lead.pk: contacts_of(lead) for lead in Lead.objects.filter(pk__among=list(work.lead_ids))}
    values = [(kind, text) for of_lead in found.values() for kind, some in of_lead.items() for text in some]
    reachable = [pk for pk, of_lead in found.items() if any(of_lead.values())]
    given, person = work.job.arguments, work.access.user
    if values:
        owners = LeadKey.objects.filter(lead__in=reachable, key__kind=OWNER, key__crowded=False).values("key")
        same = LeadKey.objects.filter(key__in=owners, lead__team=work.job.team_id).values("lead")
        theirs = LeadKey.objects.filter(lead__in=same, key__kind__in=(PHONE, EMAIL), key__crowded=False)
        suppress(
            values, reason=given["reason"], source=Source.user_again(person.pk, work.job.created_at),
            words=given["words"], by=person, spread=True, at=work.job.created_at, team_id=work.job.team_id,
            key_ids=set(theirs.values_list("key", flat=True)),
        )  # fmt: skip
    without = len(work.lead_ids) - len(reachable)
    return Done(len(reachable), {NO_CONTACT: without} if without else {})


DO_NOT_CONTACT = Kind("doNotContact", _read, _do, piece=PIECE, final=FINAL)
