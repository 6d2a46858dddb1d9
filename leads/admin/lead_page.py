"""A lead's own page: who it is, how it is reached, what is known and since when, what was done, and what to do next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.access import Scope, access
from accounts.models import User
from accounts.selectors import user_of
from common.admin import dressed, is_id, page, sees_all
from common.admin_extensions import Extensible
from common.admin_teams import may, refuse
from common.contact_access import holds_contact, masked_text
from integrations.vendors.errors import failure_in_words
from leads import registries
from leads.admin import assigning, custom_card, merged_leads, stages
from leads.admin.dnc import with_dnc
from leads.admin.lead_facts import another_owner, contacts, groups, map_address, numbers_of, place, signals
from leads.admin.suppress_form import SuppressForm, suppress_on_page
from leads.calendar import clock
from leads.facts.doubts import warning_of
from leads.facts.names import contradictions
from leads.keys import owners
from leads.models import Activity, Lead
from leads.permission.scrubbing import checked_numbers
from leads.pipeline.moving import BadStage, move_lead, stage_at
from leads.rules import BadTime
from leads.selection.assignment import NotAMember
from leads.selection.disclosures import Via, names_in, record_unmasking
from leads.selectors import activities_of
from leads.services import add_activity, add_tag, finish_callback, remove_tag

ACTIVITIES = 20  # of one page of the timeline
FROM, AT = "from", "at"  # of the page's address: see `link`
OTHERS = 10  # of the owner's other properties, the oldest
_KINDS = [choice for choice in Activity.Kind.choices if choice[0] != Activity.Kind.STATUS]


def link(lead: Lead, query: str = "", at: str = "") -> str:
    """A lead's page, from a list. query: the list's query string, by which the page finds the next and the previous
    lead and the way back. at: the lead's place in that list, where its order may change while it is worked on.
    """
    address = reverse("admin:leads_lead_change", args=[lead.pk])
    said = {name: value for name, value in ((FROM, query.lstrip("?")), (AT, at)) if value}
    return f"{address}?{urlencode(said)}" if said else address


class _OwnTimeField(forms.CharField):
    """Date and time by the clock of the user who types them, which the service knows."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def to_python(self, value: object) -> Any:
        text = super().to_python(value)
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            raise forms.ValidationError("Enter a date and a time, such as 2027-01-30 14:30.") from None


class WorkForm(forms.Form):
    """A change of status, a note, or both. `was` and `seen` say what the page showed when the person decided."""

    status = forms.ChoiceField(choices=Lead.Status.choices)  # with the team's labels: `__init__`
    kind = forms.ChoiceField(choices=_KINDS, label="Activity type", initial=Activity.Kind.NOTE)
    due_at = _OwnTimeField(required=False, label="Call back at")
    text = forms.CharField(max_length=2000, required=False, label="Notes", widget=forms.Textarea(attrs={"rows": 3}))
    was = forms.CharField(widget=forms.HiddenInput, max_length=60)
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, lead: Lead | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if lead is not None:
            choices: Any = self.fields["status"]
            choices.choices = stages.stage_choices(lead.team_id, lead)

    def clean(self) -> dict[str, Any]:
        """Something must have been chosen or written."""
        data: dict[str, Any] = {**self.cleaned_data}
        if data.get("kind") == Activity.Kind.CALLBACK and "due_at" in data and not data["due_at"]:
            self.add_error("due_at", "Enter when to call back.")
        if not self.errors and not self._notes(data) and data["status"] == data["was"]:
            raise forms.ValidationError("Change the status, or write a note.")
        return data

    def _notes(self, data: dict[str, Any]) -> bool:
        return bool(data["text"] or data["due_at"] or data["kind"] != Activity.Kind.NOTE)

    def carry_out(self, lead: Lead, by: User) -> None:
        """Somebody else may have moved the lead meanwhile: only a status that was chosen here is set."""
        data = self.cleaned_data
        with transaction.atomic():
            if data["status"] != data["was"]:
                move_lead(lead.pk, by=by, to=stage_at(data["status"], lead.team_id))
            if self._notes(data):  # last: a second press must find it as the latest
                add_activity(
                    lead=lead, by=by, kind=data["kind"], text=data["text"], due_at=data["due_at"], seen=data["seen"]
                )

    def is_done(self, lead: Lead, by: User) -> bool:
        """Carries it out if it can be; what is wrong stands in the form."""
        try:
            if self.is_valid():
                self.carry_out(lead, by)
        except BadTime as error:
            self.add_error("due_at", str(error))
        except BadStage as error:
            self.add_error("status", str(error))
        return self.is_valid()


class TagForm(forms.Form):
    tag = forms.CharField(max_length=50, label="New tag")


def lead_page(model_admin: Extensible, request: HttpRequest, lead: Lead) -> HttpResponse:
    """The page, and what its forms post: `do` says which."""
    do = request.POST.get("do", "") if request.method == "POST" else ""
    needed = {"show": Scope.CONTACTS, "suppress": Scope.READ}.get(do, Scope.WRITE)
    if request.method == "POST" and not access(request).can_in(lead.team_id, needed):
        raise refuse(needed)
    work, tag = _work_form(lead), TagForm(auto_id="tag_%s")
    if do == "show":
        notes = [one.text for one in _timeline(request, lead)]
        record_unmasking(leads=[lead], by=user_of(request), via=Via.ADMIN, notes=notes)
        return _page(model_admin, request, lead, work, tag, shown=True)
    if do == "suppress":
        suppress = SuppressForm(lead, request.POST)
        done = suppress_on_page(model_admin, request, lead, suppress)
        return done or _page(model_admin, request, lead, work, tag, suppress, shown=False)
    if do == "work":
        work = WorkForm(request.POST, lead=lead)
        if work.is_done(lead, user_of(request)):
            return _again(model_admin, request, lead, "Activity saved.")
    if do == "done":
        is_shown = lead.callback_at is not None and request.POST.get("due") == lead.callback_at.isoformat()
        if is_shown and finish_callback(lead=lead, by=user_of(request)):
            return _again(model_admin, request, lead, "Callback done.")
        return _again(model_admin, request, lead, "This callback was already done or moved.")
    if do == "custom":
        fields = custom_card.form_of(lead, request.POST)
        if fields.save(user_of(request)):
            return _again(model_admin, request, lead, "Custom fields saved.")
        return _page(model_admin, request, lead, work, tag, custom=fields, shown=False)
    if do == "tag":
        tag = TagForm(request.POST, auto_id="tag_%s")
        if tag.is_valid():
            add_tag(leads=[lead], name=tag.cleaned_data["tag"])
            return _again(model_admin, request, lead, f"Tagged: {tag.cleaned_data['tag']}")
    if do == "untag":
        name = request.POST.get("tag", "").replace("\x00", "")[:50]
        remove_tag(leads=[lead], name=name)
        return _again(model_admin, request, lead, f"Tag removed: {name}")
    if do in ("separate", "assign") and not may(request, Scope.WRITE):
        raise refuse(Scope.WRITE)
    if do == "assign":
        try:
            return _again(model_admin, request, lead, assigning.assign_one(request, lead))
        except NotAMember as refusal:
            model_admin.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:leads_lead_change", args=[lead.pk]))
    if do == "separate":
        return merged_leads.separate_on_page(model_admin, request, lead)
    return _page(model_admin, request, lead, work, tag, shown=False)


@dataclass(frozen=True, slots=True)
class OwnersProperties:
    """What the page lists of the owner's other properties: some with the reasons, and how many there are."""

    rows: list[tuple[Lead, str]]
    count: str


def _owners_properties(lead: Lead, request: HttpRequest) -> OwnersProperties:
    person = access(request)
    contacts = person.can_in(lead.team_id, Scope.CONTACTS)
    others = owners.others_of(lead, Lead.objects.filter(team=lead.team_id), contacts=contacts)
    others = others.filter(assigned_to=person.user.pk) if person.only_assigned else others
    rows = list(others.select_related("bucket").defer("apollo_data").order_by("pk")[:OTHERS])
    if len(rows) < OTHERS:
        count = str(len(rows))
    else:
        many = owners.count_of(others)
        count = f"{many:,}{' or more' if many == owners.COUNTED else ''}"
    why = owners.reasons(lead, rows, contacts=contacts)
    return OwnersProperties([(row, ", ".join(why.get(row.pk, []))) for row in rows], count)


def _work_form(lead: Lead) -> WorkForm:
    at = stages.key_of(lead)
    return WorkForm(initial={"status": at, "was": at, "seen": lead.activity_count}, lead=lead)


def _again(model_admin: Extensible, request: HttpRequest, lead: Lead, words: str) -> HttpResponse:
    model_admin.message_user(request, words, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:leads_lead_change", args=[lead.pk]))


def _looks_only(request: HttpRequest, lead: Lead) -> bool:
    return not sees_all(request) and access(request).team_id != lead.team_id


def _timeline(request: HttpRequest, lead: Lead) -> list[Activity]:
    """A page of it, and one more where there is another page; none of a bucket that another team shares."""
    if _looks_only(request, lead):
        return []
    activities, before = activities_of(lead).order_by("-pk"), request.GET.get("before", "")
    return list((activities.filter(pk__lt=before) if is_id(before) else activities)[: ACTIVITIES + 1])


def _usable(request: HttpRequest, lead: Lead) -> Collection[str] | None:
    """The addresses that a press may use now: a number is a link only where every rule says yes."""
    judge = registries.judge()
    return judge.usable(lead, user_of(request)) if judge else None


def _page(
    model_admin: Extensible,
    request: HttpRequest,
    lead: Lead,
    work: WorkForm,
    tag: TagForm,
    suppress: SuppressForm | None = None,
    *,
    shown: bool,
    custom: custom_card.CustomForm | None = None,
) -> HttpResponse:
    timeline = _timeline(request, lead)
    with_dnc([lead])
    hides_notes = not shown and holds_contact(*(one.text for one in timeline), *names_in(lead))
    work.fields["due_at"].help_text = f"By your clock ({user_of(request).time_zone})"
    return page(
        model_admin,
        request,
        "admin/leads/lead/page.html",
        str(lead),
        lead=lead,
        original=lead,  # the theme's way back
        place=place(lead),
        contacts=contacts(
            lead,
            shown=shown,
            usable=_usable(request, lead) if shown else None,
            checks=None if _looks_only(request, lead) else checked_numbers(lead.team_id, numbers_of(lead)),
        ),
        contacts_shown=shown,
        hides_notes=hides_notes,
        may_show=access(request).can_in(lead.team_id, Scope.CONTACTS),
        may_work=access(request).can_in(lead.team_id, Scope.WRITE),
        may_assign=may(request, Scope.WRITE, lead.team_id),
        assignees=assigning.assignable(lead.team_id)[: assigning.MEMBERS_OFFERED]
        if may(request, Scope.WRITE, lead.team_id)
        else (),
        only_lead=access(request).only_assigned,
        is_other_teams=access(request).team_id != lead.team_id,
        looks_only=_looks_only(request, lead),
        signals=signals(lead),
        stage=stages.stage_words(lead) if not _looks_only(request, lead) else lead.get_status_display(),
        custom=custom_card.card_of(request, lead, custom, shown_contacts=shown),
        last_error=failure_in_words(lead.enrichment_error or ""),
        groups=groups(lead, shown=shown),
        another_owner=another_owner(lead),
        contradictions=[*filter(None, [warning_of(lead)]), *contradictions(lead)],
        map_address=map_address(lead),
        owners=_owners_properties(lead, request),
        is_due=lead.callback_at is not None and lead.callback_at < clock.now(),
        work=dressed(work),
        tag_form=dressed(tag),
        suppress=dressed(suppress or SuppressForm(lead)),
        tags=list(lead.tags.order_by("name")),
        timeline=[(one, one.text if shown else masked_text(one.text)) for one in timeline[:ACTIVITIES]],
        older=timeline[ACTIVITIES - 1].pk if len(timeline) > ACTIVITIES else None,
        is_first=not is_id(request.GET.get("before", "")),
        merged=merged_leads.shown(lead),
        **model_admin.added_context(request, lead),
    )
