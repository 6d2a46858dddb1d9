"""What a person does about one contact: suppress it, ask whether it is suppressed, write down a consent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When

from accounts.access import Access, Scope
from accounts.audit import record
from accounts.models import Membership
from common.contact_access import masked
from common.db.clock import database_now
from common.values.phones import phones
from integrations.vendors import normalise
from leads.keys.owner_keys import EMAIL, OWNER, PHONE, READ, keys_of
from leads.models import Consent, ContactKey, Lead, LeadKey, Suppression
from leads.permission.consenting import BadConsent, give
from leads.permission.selling import active_seller
from leads.permission.suppressing import (
    OPT_OUTS,
    BadSuppression,
    Source,
    Suppressing,
    Value,
    in_force,
    suppress,
)
from leads.privacy.filtering import WORDS as FORGOTTEN
from leads.privacy.filtering import digests_of, listed_among

Reason = Suppression.Reason
# What a person may say, and whether it is of the person herself: then her other numbers and e-mails go with it.
REASONS = {Reason.DNC_REQUEST: True, Reason.COMPLAINT: True, Reason.LITIGATOR: False, Reason.OPERATOR: False}
WORDS_MOST = 1000
LISTED = "user:"  # lists of numbers stand under their files


class MayNotConsent(PermissionError):
    """Consents are recorded by managers."""


def value_named(phone: str, email: str) -> Value:
    """The one contact that was typed. Raises BadSuppression with its field."""
    if bool(phone.strip()) == bool(email.strip()):
        raise BadSuppression("phone", "Give a phone or an e-mail.")
    if phone.strip():
        found = phones(phone.strip()) or ()
        if len(found) != 1:
            raise BadSuppression("phone", "This is no phone that could be called." if not found else "Give one phone.")
        return PHONE, found[0][0]  # what is asked of an extension holds for its number
    address = normalise.email(email)
    if address is None:
        raise BadSuppression("email", "This is no e-mail address.")
    return EMAIL, address


@dataclass(frozen=True, slots=True)
class OfLead:
    """A contact of a lead by its place, for who is shown it masked. phone, email: from 1, in the order of the lead's
    page; neither: everything of its owner. masked: as it was shown; what has come to its place since is refused.
    """

    lead_id: UUID
    phone: int | None = None
    email: int | None = None
    masked: str = ""


def contacts_of(lead: Lead) -> dict[int, list[str]]:
    """Its phones and its e-mails, in the order of its page."""
    found: dict[int, list[str]] = {PHONE: [], EMAIL: []}
    for key in keys_of({name: getattr(lead, name) for name in READ}):
        if key.kind in found:
            found[key.kind].append(key.value)
    return found


def masked_contact(value: Value) -> str:
    """As a page shows it to who may not see contacts."""
    return str(masked("phone" if value[0] == PHONE else "email", value[1]))


def _named_of_lead(access: Access, said: OfLead) -> tuple[list[Value], list[int]]:
    """What is meant of a lead that she may see; and, with everything of its owner, the keys of the owner's other leads
    in her team, by name and mailing address. Raises BadSuppression.
    """
    lead = Lead.objects.seen_by(access).filter(pk=said.lead_id).first()
    if lead is None:
        raise BadSuppression("leadId", "There is no such lead.")
    found = contacts_of(lead)
    for kind, place, field in ((PHONE, said.phone, "phonePosition"), (EMAIL, said.email, "emailPosition")):
        if place is None:
            continue
        if not 1 <= place <= len(found[kind]):
            raise BadSuppression(field, f"The lead has {len(found[kind])} of them: count from 1.")
        value = kind, found[kind][place - 1]
        if said.masked and said.masked.casefold() != masked_contact(value).casefold():
            raise BadSuppression("masked", "Another contact stands there by now: look at the lead again.")
        return [value], []
    values = [(kind, text) for kind, some in found.items() for text in some]
    if not values:
        raise BadSuppression("leadId", "No phone and no e-mail of this lead is known.")
    owners = LeadKey.objects.filter(lead=lead, key__kind=OWNER, key__crowded=False).values("key")
    same = LeadKey.objects.filter(key__in=owners, lead__team=access.team_id).exclude(lead=lead).values("lead")
    theirs = LeadKey.objects.filter(lead__in=same, key__kind__in=(PHONE, EMAIL), key__crowded=False)
    return values, sorted(set(theirs.values_list("key", flat=True)))


def add_suppression(
    *,
    access: Access,
    phone: str = "",
    email: str = "",
    of_lead: OfLead | None = None,
    reason: str = Reason.DNC_REQUEST,
    scope: str = Suppression.Scope.ANY,
    words: str = "",
) -> Suppressing:
    """Any role may. Nobody can take it back. of_lead: instead of a phone or an e-mail. Raises BadSuppression."""
    if of_lead and (phone.strip() or email.strip()):
        raise BadSuppression("leadId", "Give a phone, an e-mail or a lead: one of them.")
    values, key_ids = _named_of_lead(access, of_lead) if of_lead else ([value_named(phone, email)], [])
    whole = of_lead is not None and of_lead.phone is None and of_lead.email is None
    if reason not in REASONS:
        raise BadSuppression("reason", f"Say one of {', '.join(REASONS)}.")
    if scope not in Suppression.Scope.values:
        raise BadSuppression("scope", f"Say one of {', '.join(Suppression.Scope.values)}.")
    if len(words) > WORDS_MOST:
        raise BadSuppression("words", f"At most {WORDS_MOST:,} characters.")
    now = database_now()
    done = Suppressing([], set())
    with transaction.atomic():
        for source in (Source.user(access.user.pk, now), Source.user_again(access.user.pk, now)):
            new = suppress(
                values, reason=reason, scope=scope, source=source, words=words.strip(), by=access.user,
                spread=whole or REASONS[Reason(reason)], at=now, team_id=access.team_id, key_ids=key_ids,
            )  # fmt: skip
            done = Suppressing([*done.added, *new.added], done.key_ids | new.key_ids)
            if not _opened_since(values, source, now):
                break
    return done


def _opened_since(values: Sequence[Value], source: str, now: datetime) -> bool:
    """Whether the person has lifted one that this source wrote before, so that this one is another. Under the locks."""
    for value in values:
        of_key = {"digest__in": [digest for _, digest in digests_of([value])]}
        before = Suppression.objects.filter(source=source, kind=value[0], created_at__lt=now, **of_key)
        first = before.order_by("created_at").first()
        opened = Consent.objects.filter(key_kind=value[0], how__in=["inbound", "form"], **of_key)
        if first is not None and opened.filter(given_at__gte=first.created_at).exists():
            return True
    return False


def check_contact(*, access: Access, phone: str = "", email: str = "") -> datetime | None:
    """Since when a channel to this contact is closed, whoever closed it; None: none is. Written down for the audit.

    Raises BadSuppression.
    """
    digests = list(digests_of([value_named(phone, email)]))
    seller = active_seller(access.team_id)
    found = [
        row.created_at
        for channel in ("sms", "call", "email")
        for rows in in_force(digests, channel, seller_id=seller.pk if seller else None).values()
        for row in rows
    ]
    record("contact.checked", by=access.user, team_id=access.team_id, after={"found": bool(found)})
    return min(found, default=None)


def kept_from_calls(numbers: Collection[str], *, team_id: int, lead: Lead | None = None) -> set[str]:
    """Those of these phones (E.164) that are suppressed for calls by this team.

    lead: on whose page they stand. A number that was wrong for an owner is suppressed on leads of hers alone.
    """
    digests = digests_of([(PHONE, number) for number in numbers])
    seller = active_seller(team_id) if digests else None
    found = in_force(list(digests), "call", seller_id=seller.pk if seller else None)
    wrong_for = {row.owner_key_id for rows in found.values() for row in rows} - {None}
    hers = (
        set(LeadKey.objects.filter(lead=lead, key__in=wrong_for).values_list("key", flat=True)) if wrong_for else set()
    )
    binding = {None, *hers}
    return {digests[key][1] for key, rows in found.items() if any(row.owner_key_id in binding for row in rows)}


def suppressions_seen_by(access: Access) -> QuerySet[Suppression]:
    """Those that people of her team have added, one by one, and those of contacts of the team's leads, whoever added
    them (a caller's: the first alone); with the hint by which a contact is told from others.

    is_ours: the first. Of the others no more is told than that, whether it is an opt-out, and since when.
    """
    members = Membership.objects.filter(team=access.team_id).values("user_id")
    ours = Q(source__startswith=LISTED, by_id__in=members)
    of_leads = LeadKey.objects.filter(
        lead__team=access.team_id, key__kind=OuterRef("kind"), key__digest=OuterRef("digest")
    )
    seen = ours if access.only_assigned else ours | Q(Exists(of_leads))
    return with_hints(Suppression.objects.filter(seen)).annotate(is_ours=Case(When(ours, then=True), default=False))


def told(row: Suppression) -> str:
    """What is told of one that somebody else has added."""
    return "opted out" if row.reason in OPT_OUTS else "suppressed"


def with_hints(rows: QuerySet[Suppression]) -> QuerySet[Suppression]:
    hint = ContactKey.objects.filter(kind=OuterRef("kind"), digest=OuterRef("digest")).values("hint")
    return rows.annotate(hint=Subquery(hint[:1]))


def consents_seen_by(access: Access) -> QuerySet[Consent]:
    """Those given to her team's companies."""
    return Consent.objects.filter(seller__team=access.team_id)


def add_consent(*, access: Access, phone: str = "", email: str = "", given_at: datetime, **said: Any) -> Consent:
    """Writes down what a person told or signed, to her team's company: by a manager. It lifts no suppression.

    Raises MayNotConsent, BadConsent.
    """
    if not access.can(Scope.MANAGE):
        raise MayNotConsent("Consents are recorded by a manager of the team.")
    seller = active_seller(access.team_id)
    if seller is None:
        raise BadConsent("sellerId", "Your team has no company profile yet: fill it in first.")
    if said.get("how") not in (Consent.How.PAPER, Consent.How.SPOKEN):
        raise BadConsent("how", "Say paper or spoken: what a form or a message brings is recorded by itself.")
    try:
        value = value_named(phone, email)
    except BadSuppression as error:
        raise BadConsent(error.field, error.message) from None
    if value[0] == PHONE and phones(phone.strip()) != [(value[1], "")]:
        raise BadConsent("phone", "Give the number without its extension: nobody can be texted at one.")
    if (lead_id := said.get("lead_id")) and not Lead.objects.filter(pk=lead_id, team=access.team_id).exists():
        raise BadConsent("leadId", "There is no such lead.")
    if listed_among([value]):
        raise BadConsent("phone" if value[0] == PHONE else "email", FORGOTTEN)
    if value[0] == EMAIL and said.get("channel") != Consent.Channel.EMAIL:
        raise BadConsent("channel", "An e-mail address is for e-mail.")
    if value[0] == PHONE and said.get("channel") == Consent.Channel.EMAIL:
        raise BadConsent("channel", "A phone is for texts and calls.")
    return give(value, seller=seller, given_at=given_at, by=access.user, **said)
