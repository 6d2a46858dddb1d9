"""Assigning leads on pages: those chosen in the list, all that its filters find, or the one of a lead's page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.access import access
from accounts.models import Membership, User
from common.admin import ask, chosen, confirmed
from leads.models import Lead
from leads.selection.assignment import WORKERS, Assigned, NotAMember, assign_leads, members_named

MEMBERS_OFFERED = 200
CHOSEN, FOUND = "chosen", "found"


def assignable(team_id: int | None) -> QuerySet[User]:
    """Who can be given leads: people of the team that may change leads."""
    members = Membership.objects.filter(team=team_id, role__in=WORKERS)
    return User.objects.filter(pk__in=members.values("user"), is_active=True).order_by("username")


class AssignForm(forms.Form):
    """To whom. Several: in turn, by the age of the leads."""

    which = forms.ChoiceField(label="Leads", initial=CHOSEN)
    to = forms.MultipleChoiceField(
        label="Assign to",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Check several to deal the leads out in turn, nobody to take them back",
    )

    def __init__(self, *args: Any, team_id: int | None, count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team_id = team_id
        which: Any = self.fields["which"]
        those = f"The {count} leads you checked" if count != 1 else "The lead you checked"
        which.choices = [(CHOSEN, those), (FOUND, "All leads that the list’s filters find")]
        to: Any = self.fields["to"]
        to.choices = [(str(user.pk), user.get_username()) for user in assignable(team_id)[:MEMBERS_OFFERED]]

    def clean_to(self) -> list[User]:
        try:
            return members_named(self.team_id, self.cleaned_data["to"])
        except NotAMember as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


def assign(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    """The action of the list: asks to whom, then assigns."""
    leads = chosen(model_admin, request, queryset)
    if not leads:
        return None
    person = access(request)
    form = AssignForm(request.POST if confirmed(request) else None, team_id=person.team_id, count=len(leads))
    if not form.is_valid():
        options: dict[str, Any] = {"title": "Assign leads", "lines": [], "button": "Assign", "is_free": True}
        return ask(model_admin, request, leads, form=form, **options)
    rows: QuerySet[Lead] = Lead.objects.filter(pk__in=[lead.pk for lead in leads])
    if form.cleaned_data["which"] == FOUND:
        rows = model_admin.get_changelist_instance(request).get_queryset(request)
    done = assign_leads(leads=rows, to=form.cleaned_data["to"], by=person)
    model_admin.message_user(request, in_words(done, form.cleaned_data["to"]), messages.SUCCESS)
    if done.rest is not None:
        model_admin.message_user(request, "There are more leads: do the same again.", messages.WARNING)
    return None


def in_words(done: Assigned, people: list[User]) -> str:
    """What was done."""
    changed = done.changed.total()
    leads = f"{changed:,} of {done.leads:,} {'lead' if done.leads == 1 else 'leads'}"
    if not people:
        return f"{leads} taken back: assigned to nobody."
    names = ", ".join(user.get_username() for user in people)
    return f"{leads} newly assigned to {names}{' in turn' if len(people) > 1 else ''}."


def assign_one(request: HttpRequest, lead: Lead) -> str:
    """The lead of a page, to whom its form says. Raises NotAMember."""
    given = request.POST.get("to", "")
    people = members_named(lead.team_id, [given]) if given else []
    assign_leads(leads=Lead.objects.filter(pk=lead.pk), to=people, by=access(request))
    return f"Assigned to {people[0].get_username() if people else 'nobody'}."
