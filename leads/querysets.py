"""Who may see which leads, and the filters a person asks for. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Q

M = TypeVar("M", bound=models.Model, covariant=True)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows with an `owner`."""

    def owned_by(self, user: Any) -> Self:
        """Only this user's rows. Every query that answers a user goes through here."""
        return self.filter(owner_id=user.pk)


class LeadQuerySet(OwnedQuerySet[M]):
    def pending(self) -> Self:
        """Ids nobody has bought facts for yet."""
        return self.filter(enrichment_status="pending")

    def enriched(self) -> Self:
        """The brief's `enrichedOnly`: detail and skip trace came, and there is a phone."""
        return self.filter(enrichment_status="completed")

    def needs_skip_trace(self) -> Self:
        """The brief's `needsSkipTrace`: no phone yet."""
        return self.filter(phone__isnull=True)

    def needs_apollo(self) -> Self:
        """The brief's `needsApollo`: Apollo has not been asked."""
        return self.filter(apollo_enriched_at__isnull=True)

    def to_call_back(self, before: datetime | None = None) -> Self:
        """The owner is to be called back, at any time or before this moment."""
        return self.filter(callback_at__isnull=False) if before is None else self.filter(callback_at__lt=before)

    def contactable(self) -> Self:
        """Has a phone of the owner's that is on no do-not-call list, and nobody has contacted them yet.

        Wherever the phone is from: a person's own counts as a bought one does. What a skip trace brought of somebody
        else is not the owner's.
        """
        owners = ~Q(contact_is_other=True) | Q(fact_sources__has_key="phone", fact_sources__phone__person__isnull=True)
        return self.filter(owners, ~Q(phone_do_not_call=True), phone__isnull=False, status="new")
