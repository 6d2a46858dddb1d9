"""What a person means by a few words: leads, owners, buckets, enrichment jobs and campaigns, a few of each.

Leads go by their own index (`leads.selection.search`), in 1,000,000 leads too; owners are those of the leads that are
found. Buckets, jobs and campaigns of one team are few: the latest LOOKED_AT of each are looked through by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.access import Access, Scope
from buckets.models import Bucket
from campaigns.models import Campaign
from common.contact_access import found_as_told, masked_text
from enrichment.models import Run
from leads.models import Lead
from leads.selection.ranking import in_places, ranked
from leads.selection.search import LONGEST, SHORTEST, sought
from operations.search.owners import Owner, owners_among

EACH, EACH_MOST = 5, 20  # of each kind
LOOKED_AT = 5_000  # buckets, jobs, campaigns of a team, the latest
OWNERS_OF = 50  # leads whose owners are looked at


@dataclass(frozen=True, slots=True)
class Found:
    leads: Sequence[Lead] = ()
    owners: Sequence[Owner] = ()
    buckets: Sequence[Bucket] = ()
    runs: Sequence[Run] = ()
    campaigns: Sequence[Campaign] = field(default=())

    @property
    def is_empty(self) -> bool:
        return not any((self.leads, self.owners, self.buckets, self.runs, self.campaigns))


def find(access: Access, text: str, *, each: int = EACH) -> Found:
    """Up to `each` of every kind, of the team that she works in; a caller's: of the leads assigned to her alone.

    Who sees no contacts finds nothing by a phone or an e-mail, in names that people gave neither.
    """
    text = " ".join(text.replace("\x00", "").split())[:LONGEST]
    if access.team_id is None or len(text) < SHORTEST:
        return Found()
    leads = _leads(access, text, many=max(each, OWNERS_OF))
    owners = owners_among(leads, text, each)
    if access.only_assigned:
        return Found(leads[:each], owners)
    words = text.split()
    runs = Run.objects.seen_by(access).select_related("bucket")
    return Found(
        leads[:each],
        owners,
        _named(Bucket.objects.seen_by(access), "name", text, words, each),
        _named(runs, "bucket_name", text, words, each),
        _named(Campaign.objects.seen_by(access), "name", text, words, each),
    )


def _leads(access: Access, text: str, *, many: int) -> list[Lead]:
    mine = Lead.objects.seen_by(access)
    search = sought(text, by=access, contacts=access.can(Scope.CONTACTS))
    rows = mine.select_related("bucket").defer("apollo_data", "data", "other_facts")
    return in_places(rows, ranked(mine, search, of=mine, limit=many))


def _named(rows: QuerySet[Any], column: str, text: str, words: Sequence[str], each: int) -> list[Any]:
    """The latest in whose name all words stand, in any case; or the one of this id."""
    try:
        return list(rows.filter(pk=UUID(text)))
    except ValueError:
        pass
    latest = rows.order_by("-pk").values("pk")[:LOOKED_AT]
    asked = Q(*(Q(**{f"{column}__icontains": word}) for word in words))
    found = rows.filter(asked, pk__in=latest).order_by("-pk")
    return list(found_as_told(found, [column], words)[:each])


def told_name(name: str, access: Access) -> str:
    """A name that somebody gave, as she may see it."""
    return name if access.can(Scope.CONTACTS) else masked_text(name)
