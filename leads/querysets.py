"""Who may see which leads, and the filters a person asks for. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import BooleanField, Case, Expression, Q, Value, When
from django.utils.functional import cached_property

from accounts.access import Access, Scope
from common.filters import others
from leads import registries
from leads.deletion.table import BucketDeletion

M = TypeVar("M", bound=models.Model, covariant=True)
ENRICHED = Q(
    enrichment_status="completed"
)  # `enrichedOnly` (docs/requirements.md 2): detail and skip trace came, with a phone
HAS_PHONE = Q(phone__isnull=False)
# Something was purchased for it: property data, contacts, or Apollo's data.
BOUGHT = Q(enriched_at__isnull=False) | Q(skip_traced_at__isnull=False) | Q(apollo_enriched_at__isnull=False)
NEEDS_APOLLO = Q(apollo_enriched_at__isnull=True)  # `needsApollo` (docs/requirements.md 2): Apollo has not been asked
# Not a phone that a skip trace brought of somebody else; a person's own counts as a bought one does.
_SAID = Q(fact_sources__has_key="phone")
_OWNERS = _SAID & Q(fact_sources__phone__person__isnull=True) | ~_SAID & ~Q(contact_is_other=True)
# As far as the lead itself says (`registries.judge` knows more):
# the phone is on a do-not-call list, or its owner sues who calls;
DO_NOT_CALL = Q(phone_do_not_call=True) | Q(litigator=True)
# it has a phone of the owner's that may be called, and nobody has contacted them yet.
# By nobody and by no channel: a campaign's message makes a new lead contacted, and `last_contact_at` is of persons.
NEVER_CONTACTED = Q(status="new", last_contact_at__isnull=True)
NOT_CONTACTED = Q(_OWNERS, HAS_PHONE, status="new")
CONTACTABLE = NOT_CONTACTED & ~Q(phone_do_not_call=True) & ~Q(litigator=True)


def ready_to_call() -> Q:
    """Ready to call: a phone of the owner's, nobody has contacted them, every rule but the time of day says yes. Where
    nobody judges contacts, the lead's own marks do; a consent opens a marked number, which the lead does not know.
    """
    judge = registries.judge()
    return NOT_CONTACTED & judge.ready_to_call() if judge else CONTACTABLE


def do_not_call() -> Q:
    """Not to be called, whoever says so."""
    judge = registries.judge()
    return DO_NOT_CALL | judge.do_not_call() if judge else DO_NOT_CALL


def not_on_dnc() -> Q:
    """Known to be on no list: of who must not be called, nobody is."""
    judge, flag = registries.judge(), Q(phone_do_not_call=False)
    known = flag | Q(phone__isnull=False) & judge.checked() if judge else flag
    return known & others(do_not_call())


def dnc_unknown() -> Q:
    """It has a phone of which nobody has said: neither flagged nor looked for in a registry, nor kept from calls."""
    judge, silent = registries.judge(), Q(phone__isnull=False, phone_do_not_call__isnull=True)
    return (silent & others(judge.checked()) if judge else silent) & others(do_not_call())


def dnc() -> Expression:
    """The three in one, for lists, pages and files: true, false; null: unknown, or there is no phone."""
    return Case(
        When(do_not_call(), then=Value(value=True)),
        When(not_on_dnc(), then=Value(value=False)),
        default=Value(None),
        output_field=BooleanField(),
    )


def to_call_back(before: datetime | None = None) -> Q:
    """The owner is to be called back, at any time or before this moment."""
    return Q(callback_at__isnull=False) if before is None else Q(callback_at__lt=before)


class TeamQuerySet(models.QuerySet[M]):
    """Rows with a `team`. Every query that answers a person begins with one of these two."""

    def seen_by(self, access: Access) -> Self:
        """What she may look at: her team's rows."""
        return self.filter(team_id=access.team_id)  # none where she has no team

    def worked_by(self, access: Access) -> Self:
        """What she may change."""
        return self.seen_by(access)


class TagQuerySet(TeamQuerySet[M]):
    def seen_by(self, access: Access) -> Self:
        """Her team's; a caller's: those on leads assigned to her."""
        rows = super().seen_by(access)
        if not access.only_assigned:
            return rows
        return rows.filter(pk__in=rows.filter(leads__assigned_to=access.user.pk).values("pk"))


class SavedViewQuerySet(TeamQuerySet[M]):
    def seen_by(self, access: Access) -> Self:
        """What her team shares, and her own; a caller's: her own. What others search for may be a phone: not for who
        sees no contacts.
        """
        hers = Q(owner_id=access.user.pk)
        rows = super().seen_by(access).filter(hers | Q(shared=True))
        if access.only_assigned:
            return rows.filter(hers)
        return rows if access.can(Scope.CONTACTS) else rows.filter(hers | ~Q(query__regex=r"(^|&)q="))

    def worked_by(self, access: Access) -> Self:
        """Her own; a manager's: all she sees."""
        rows = self.seen_by(access)
        return rows if access.can(Scope.MANAGE) else rows.filter(owner_id=access.user.pk)


class EventQuerySet(TeamQuerySet[M]):
    def seen_by(self, access: Access) -> Self:
        """Her own; a manager's: her team's."""
        rows = super().seen_by(access)
        return rows if access.can(Scope.MANAGE) else rows.filter(owner_id=access.user.pk)


class LeadQuerySet(TeamQuerySet[M]):
    def seen_by(self, access: Access) -> Self:
        """Her team's leads; a caller's: those assigned to her."""
        rows = super().seen_by(access)
        return rows.filter(assigned_to_id=access.user.pk) if access.only_assigned else rows

    def pending(self) -> Self:
        """Ids nobody has bought facts for yet."""
        return self.filter(enrichment_status="pending")

    def enriched(self) -> Self:
        """`enrichedOnly`."""
        return self.filter(ENRICHED)

    def needs_skip_trace(self) -> Self:
        """`needsSkipTrace`: no phone yet."""
        return self.filter(~HAS_PHONE)

    def needs_apollo(self) -> Self:
        """`needsApollo`."""
        return self.filter(NEEDS_APOLLO)

    def to_call_back(self, before: datetime | None = None) -> Self:
        """The owner is to be called back, at any time or before this moment."""
        return self.filter(to_call_back(before))

    def kept_from_calls(self) -> Self:
        """Nobody may call them, whatever is bought: do-not-call, suppressed for calls, a litigator."""
        return self.filter(do_not_call())

    def contactable(self) -> Self:
        """Ready to call."""
        return self.filter(ready_to_call())


class OfNoDeletedBucket(models.Manager[M]):
    """Rows of buckets but those that are deleted, whose rows PostgreSQL has still to delete.

    lookup: what names the bucket. PostgreSQL reads the deleted ones once a statement, and there are none but for some
    minutes.
    """

    lookup = "bucket_id"

    def get_queryset(self) -> models.QuerySet[M]:
        """Put together once: Django took a quarter of a millisecond for it, on each page and in each step of work."""
        found = super().get_queryset()
        found.query = self._begun.chain()
        return found

    @cached_property
    def _begun(self) -> models.sql.Query:
        return self.shown(super().get_queryset()).query

    def shown(self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """Of all rows of the table those that this manager gives."""
        return rows.exclude(**{f"{self.lookup}__in": BucketDeletion.objects.values("bucket_id")})


class _Shown(OfNoDeletedBucket[M]):
    """Leads but those that another one stands for: these are hidden wherever leads are listed, counted or bought."""

    def shown(self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        return super().shown(rows).filter(merged_into__isnull=True)


ShownLeads = _Shown.from_queryset(LeadQuerySet)
EveryLead = OfNoDeletedBucket.from_queryset(LeadQuerySet)


def own_callbacks(leads: Any, access: Access) -> LeadQuerySet[Any]:
    """Those of these leads whose callbacks are this person's: assigned to her, or made by her and assigned to nobody.

    For superusers too: their own would be lost among everybody's.
    """
    hers = Q(assigned_to=access.user.pk) | Q(assigned_to__isnull=True, owner=access.user.pk)
    own: LeadQuerySet[Any] = leads.seen_by(access)
    return own.filter(hers)
