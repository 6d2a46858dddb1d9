"""Who may see which leads, and the filters a person asks for. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Self, TypeVar

from django.db import models
from django.db.models import Q

from accounts.models import User

M = TypeVar("M", bound=models.Model, covariant=True)
ENRICHED = Q(
    enrichment_status="completed"
)  # `enrichedOnly` (docs/requirements.md 2): detail and skip trace came, with a phone
HAS_PHONE = Q(phone__isnull=False)
NEEDS_APOLLO = Q(apollo_enriched_at__isnull=True)  # `needsApollo` (docs/requirements.md 2): Apollo has not been asked
# Not a phone that a skip trace brought of somebody else; a person's own counts as a bought one does.
_OWNERS = ~Q(contact_is_other=True) | Q(fact_sources__has_key="phone", fact_sources__phone__person__isnull=True)
# Has a phone of the owner's that is on no do-not-call list, and nobody has contacted them yet.
CONTACTABLE = Q(_OWNERS, ~Q(phone_do_not_call=True), HAS_PHONE, status="new")


def to_call_back(before: datetime | None = None) -> Q:
    """The owner is to be called back, at any time or before this moment."""
    return Q(callback_at__isnull=False) if before is None else Q(callback_at__lt=before)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows with an `owner`."""

    def owned_by(self, user: User) -> Self:
        """Only this user's rows. Every query that answers a user goes through here."""
        return self.filter(owner_id=user.pk)


class LeadQuerySet(OwnedQuerySet[M]):
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

    def contactable(self) -> Self:
        """Ready to call, as far as the lead itself says."""
        return self.filter(CONTACTABLE)
