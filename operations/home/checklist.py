"""The first steps of a new team: ticked by what is there, not by a press. Each asks whether a row exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from accounts.access import Access, Scope
from accounts.models import Invitation, Membership
from buckets.models import Bucket, Fill, Import
from common.needs import operates
from enrichment.models import Run
from integrations.models import Vendor
from leads.permission.selling import active_seller, missing_of

SELLER_OF_FACTS = "realestateapi"  # without it nothing can be searched


@dataclass(frozen=True, slots=True)
class Step:
    """page: the name of the address its button leads to, empty where she may not do it; button: its words. words: what
    it is good for, or who does it.
    """

    code: str
    title: str
    words: str
    is_done: bool
    button: str = ""
    page: str = ""


def first_steps(access: Access) -> list[Step]:
    """Those of the team she acts in, in order; empty: all are done, she has put them away, or works none of them."""
    if access.team_id is None or access.only_assigned or not access.can(Scope.WRITE):
        return []
    if Membership.objects.filter(team=access.team_id, user=access.user.pk, hides_steps=True).exists():
        return []
    steps = [make(access) for make in _STEPS]
    return steps if not all(step.is_done for step in steps) else []


def _vendor(access: Access) -> Step:
    vendor = settings.VENDORS.get(SELLER_OF_FACTS, {})
    is_on = bool(vendor.get("key")) and not Vendor.objects.filter(pk=SELLER_OF_FACTS, enabled=False).exists()
    if is_on and _is_made_up(str(vendor.get("base_url", ""))):
        words = "You work with the sandbox: its properties and people are made up, and nothing is billed."
    else:
        words = "RealEstateAPI sells the property data. To look around for $0, start make demo: its data is made up."
    title, page = "Connect a vendor or try the sandbox", "admin:integrations_vendor_changelist"
    if operates(access):
        return Step("vendor", title, words, is_on, "Vendors", page)
    return Step("vendor", title, words if is_on else f"{words} Your operator does this.", is_on)


def _is_made_up(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _search(access: Access) -> Step:
    done = (
        Fill.objects.filter(bucket__team=access.team_id).exists()
        or Import.objects.filter(bucket__team=access.team_id).exists()
    )
    words = "Searching, counting and saving ids cost nothing. Or import a list of your own."
    return Step("search", "Make your first search", words, done, "Find properties", "admin:buckets_bucket_find")


def _bucket(access: Access) -> Step:
    done = Bucket.objects.filter(team=access.team_id).exists()
    words = "A bucket holds the leads of a search or a file, for one purpose."
    return Step("bucket", "Save your first bucket", words, done, "Add bucket", "admin:buckets_bucket_add")


def _enrichment(access: Access) -> Step:
    done = Run.objects.filter(team=access.team_id).exists()
    words = "Choose leads and see the price first: then property data, owners and phones are purchased."
    may = access.can(Scope.BUY)
    return Step("enrichment", "Enrich your first leads", words, done, "Choose a bucket" if may else "",
                "admin:buckets_bucket_changelist" if may else "")  # fmt: skip


def _invite(access: Access) -> Step:
    others = Membership.objects.filter(team=access.team_id).exclude(user=access.user.pk).exists()
    done = others or Invitation.objects.filter(team=access.team_id).exists()
    may = access.can(Scope.MANAGE)
    words = "Managers, buyers, callers and readers each see what is theirs."
    return Step("invite", "Invite your team", words if may else f"{words} A manager does this.", done,
                "Invite people" if may else "", "account_invitations" if may else "")  # fmt: skip


def _seller(access: Access) -> Step:
    done = not missing_of(active_seller(access.team_id))
    may = access.can(Scope.MANAGE)
    words = "In whose name you call and write: nobody is contacted without it."
    return Step("seller", "Complete your seller profile", words if may else f"{words} A manager does this.", done,
                "Seller profile" if may else "", "admin:leads_seller_add" if may else "")  # fmt: skip


_STEPS: tuple[Callable[[Access], Step], ...] = (_vendor, _search, _bucket, _enrichment, _invite, _seller)
