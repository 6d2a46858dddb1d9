"""Assigning leads on pages: those chosen in the list, all that its filters find, or the one of a lead's page."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.access import access
from accounts.models import Membership, User
from leads.models import Lead
from leads.selection.assignment import WORKERS, assign_leads, members_named

MEMBERS_OFFERED = 200


def assignable(team_id: int | None) -> QuerySet[User]:
    """Who can be given leads: people of the team that may change leads."""
    members = Membership.objects.filter(team=team_id, role__in=WORKERS)
    return User.objects.filter(pk__in=members.values("user"), is_active=True).order_by("username")


def assign_one(request: HttpRequest, lead: Lead) -> str:
    """The lead of a page, to whom its form says. Raises NotAMember."""
    given = request.POST.get("to", "")
    people = members_named(lead.team_id, [given]) if given else []
    assign_leads(leads=Lead.objects.filter(pk=lead.pk), to=people, by=access(request))
    return f"Assigned to {people[0].get_username() if people else 'nobody'}."
